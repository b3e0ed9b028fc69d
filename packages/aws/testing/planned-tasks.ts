// SPDX-License-Identifier: Apache-2.0
// Tasks that a process of a test looks after, as data, so that any other process can go on with them.
import { createHash, randomInt } from 'node:crypto';
import { createTaskEngine } from '@stint/core/tasks';
import { taskSpec } from '@stint/contracts/specimens';
import type { Clock, TaskDocument, TaskEngine, TaskSpec, TaskStore } from '@stint/core';
import { createEcsCompute, readEcsConfig } from '@stint/aws';
import type { EcsComputeOptions } from '@stint/aws';
import { describeThisProcess, ownerIsAlive, systemClock } from '@stint/local';
import { openSqliteTaskStore } from '@stint/local/tasks';

export interface PlannedTask {
  /** Its idempotency key: the same task for every process. */
  key: string;
  /** What the container does: exit code after so long, ms, for the noop engine. */
  exit?: number;
  ms?: number;
  command?: readonly string[];
  spotPolicy?: 'onDemand' | 'spotFirst' | 'spot';
  /** Canceled once it runs. */
  cancel?: boolean;
}

export interface Plan {
  /** State folder. */
  home: string;
  region: string;
  clusterArn: string;
  /** `aws.ecs.*`; null = none: only tasks that exist are looked after. */
  config: Record<string, unknown> | null;
  tasks: PlannedTask[];
  pollMs?: number;
  /** How far the clock of this process is ahead, ms. */
  aheadMs?: number;
  kill?: KillPoint;
}

/** Where the process ends itself with SIGKILL: at the nth call of an action. */
export interface KillPoint {
  action: string;
  nth: number;
  /**
   * `before`: the request never goes out. `lost`: the service did it, nothing of the answer is read.
   * `after`: the answer has come, nothing of it is written.
   */
  when: 'before' | 'lost' | 'after';
}

export interface Tasks {
  engine: TaskEngine;
  store: TaskStore;
  /** What failed and was tried again, in words. */
  problems: string[];
  close: () => Promise<void>;
}

/** As `stint task` puts it together, on a state folder and a cluster of its own choice. */
export function openTasks(
  { home, region, clusterArn, config, pollMs = 100, aheadMs = 0 }: Omit<Plan, 'tasks'>,
  options: Partial<EcsComputeOptions> = {},
): Tasks {
  const real = systemClock();
  const clock: Clock = { ...real, now: () => real.now() + aheadMs, monotonic: () => real.monotonic() };
  const store = openSqliteTaskStore(home);
  const self = describeThisProcess();
  const problems: string[] = [];
  const engine = createTaskEngine({
    store,
    computeFor: async () => {
      const read = config === null ? null : { ...readEcsConfig(config, {}), pollInterval: pollMs };
      return await createEcsCompute({ region, config: read, clusterArn, clock, ...options });
    },
    clock,
    random: () => randomInt(2 ** 32) / 2 ** 32,
    sha256: (data) => createHash('sha256').update(data).digest('hex'),
    self,
    isDead: (owner) => ownerIsAlive(owner, self) === 'dead',
    problem: (_id, what, e) => void problems.push(`${what}: ${e instanceof Error ? e.message : String(e)}`),
  });
  const close = async (): Promise<void> => {
    await engine.stop();
    await store.close();
  };
  return { engine, store, problems, close };
}

export const specOf = ({ command, exit = 0, ms = 0, spotPolicy = 'onDemand' }: PlannedTask): TaskSpec => {
  const env: Record<string, string> = command ? {} : { STINT_NOOP_EXIT: String(exit), STINT_NOOP_MS: String(ms) };
  const { executors, wants } = taskSpec();
  return taskSpec({
    executors: executors.map((e) => ({ ...e, command: command ?? ['true'], env })),
    wants: { ...wants, spotPolicy },
    stopTimeoutS: 2,
  });
};

/** Submits what is not there yet, cancels what is to be, and resolves when all have ended, in the order of the plan. */
export async function workOn(plan: Plan, { engine }: Tasks): Promise<TaskDocument[]> {
  const target = { compute: 'ecs', region: plan.region, clusterArn: plan.clusterArn } as const;
  const toCancel = new Set<string>();
  const look = (task: TaskDocument): void => {
    if (task.state !== 'RUNNING' || !toCancel.delete(task.id)) return;
    void engine.cancel(task.id, 'enough').catch(() => toCancel.add(task.id));
  };
  engine.onChange(look);
  const ids: string[] = [];
  for (const planned of plan.tasks) {
    const { task } = await engine.submit(specOf(planned), target, { idempotencyKey: planned.key });
    ids.push(task.id);
    if (planned.cancel === true) toCancel.add(task.id);
  }
  await engine.takeUp();
  for (const id of toCancel) look(await engine.read(id));
  return await Promise.all(ids.map((id) => engine.wait(id)));
}
