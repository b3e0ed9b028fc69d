// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createTaskEngine, outcomeTable } from '@stint/core/tasks';
import type { Compute, OutcomeCode, TaskDocument, TaskEngine, TaskStore } from '@stint/core';
import { fakeClock } from './fake-clock.ts';
import type { FakeClock } from './fake-clock.ts';
import { emptyMemoryTasks, memoryTaskStore } from './memory-task-store.ts';
import type { MemoryTasks } from './memory-task-store.ts';
import { emptyWorld, simulatedCompute } from './simulated-compute.ts';
import type { Course, SimulatedOptions, SimulatedWorld } from './simulated-compute.ts';

export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Deterministic numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const endsWith = (code: OutcomeCode, exitCode: number | null = null, change: Partial<Course> = {}): Course => ({
  startMs: 2_000,
  runMs: 10_000,
  end: { code, exitCode, raw: { says: outcomeTable[code].sentence } },
  ...change,
});
export const succeeds = (change: Partial<Course> = {}): Course => endsWith('COMPLETED', 0, change);

/** One store, one cloud and one clock, and processes that come and go. */
export interface TaskHarness {
  clock: FakeClock;
  tasks: MemoryTasks;
  world: SimulatedWorld;
  /** A new process; `kill` makes it dead for all others, without a word. */
  process(wrap?: { store?: (s: TaskStore) => TaskStore; compute?: (c: Compute) => Compute }): {
    engine: TaskEngine;
    kill: () => Promise<void>;
    problems: unknown[];
  };
  all(): TaskDocument[];
}

export function taskHarness(options: Omit<SimulatedOptions, 'world' | 'clock'>, seed = 1): TaskHarness {
  const clock = fakeClock();
  const tasks = emptyMemoryTasks();
  const world = emptyWorld();
  const random = seededRandom(seed);
  const dead = new Set<string>();
  let processes = 0;
  return {
    clock,
    tasks,
    world,
    process(wrap = {}) {
      const id = `process-${++processes}`;
      const problems: unknown[] = [];
      const { store = (s: TaskStore) => s, compute = (c: Compute) => c } = wrap;
      const engine = createTaskEngine({
        store: store(memoryTaskStore(tasks)),
        computeFor: async () => compute(simulatedCompute({ ...options, world, clock })),
        clock,
        random,
        sha256,
        self: { id, host: 'h', bootId: 'b', pidNamespace: 'n', pid: processes, startTime: '1' },
        isDead: (owner) => dead.has(owner.id),
        problem: (_id, _what, e) => void problems.push(e),
      });
      const kill = async (): Promise<void> => {
        dead.add(id);
        await engine.stop().catch(() => undefined);
      };
      return { engine, kill, problems };
    },
    all: () => [...tasks.tasks.values()],
  };
}
