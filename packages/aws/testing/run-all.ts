// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createTaskEngine } from '@stint/core/tasks';
import type { Compute, TaskDocument, TaskEngine, TaskSpec } from '@stint/core';
import { memoryTaskStore } from '@stint/contracts';
import { systemClock } from '@stint/local';

/** The engine on one backend, with a store in memory. */
export const engineOn = (compute: Compute): TaskEngine =>
  createTaskEngine({
    store: memoryTaskStore(),
    computeFor: async () => compute,
    clock: systemClock(),
    random: Math.random,
    sha256: (data) => createHash('sha256').update(data).digest('hex'),
    self: { id: 'one', host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: '1' },
    isDead: () => false,
  });

/** Runs tasks through the engine to their ends. */
export async function runAll(compute: Compute, specs: readonly TaskSpec[]): Promise<TaskDocument[]> {
  const engine = engineOn(compute);
  const made = [];
  for (const spec of specs) made.push((await engine.submit(spec, compute.target)).task.id);
  const done = await Promise.all(made.map((id) => engine.wait(id)));
  await engine.stop();
  return done;
}
