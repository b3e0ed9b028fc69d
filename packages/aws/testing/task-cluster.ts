// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskDocument } from '@stint/core';
import type { EcsComputeOptions } from '@stint/aws';
import type { EmulatorOptions } from '@stint/ecs-emulator';
import { createNoopEngine } from '@stint/local/tasks';
import { config, emulatedCluster, CLUSTER_ARN, REGION } from './emulated-cluster.ts';
import type { EmulatedCluster } from './emulated-cluster.ts';
import { openTasks, workOn } from './planned-tasks.ts';
import type { Plan, PlannedTask, Tasks } from './planned-tasks.ts';
import { expectTruth } from './task-truth.ts';

/** An emulated cluster and a state folder; by default its containers do nothing and end as they are told. */
export interface TaskCluster extends EmulatedCluster {
  plan: (tasks: PlannedTask[], change?: Partial<Plan>) => Plan;
  /** A process on the plan within this one; it is closed with the cluster. */
  open: (plan: Plan, options?: Partial<EcsComputeOptions>) => Tasks;
  /** Runs the plan to its end, and compares what is stored with what was made. */
  run: (plan: Plan, options?: Partial<EcsComputeOptions>) => Promise<TaskDocument[]>;
  /** How often an action was called. */
  count: (action: string) => number;
}

export async function taskCluster(
  rules: readonly object[] = [],
  options: Parameters<typeof emulatedCluster>[0] = {},
): Promise<TaskCluster> {
  const home = mkdtempSync(join(tmpdir(), 'stint-tasks-'));
  const faults = { seed: 1, rules } as unknown as NonNullable<EmulatorOptions['faults']>;
  // What ended stays to be seen for as long as a slow machine needs.
  const delays = { stoppedVisible: 1_800_000, clientToken: 24_000_000, ...options.delays };
  const cluster = await emulatedCluster({ engineOf: () => createNoopEngine(), faults, ...options, delays });
  const opened: Tasks[] = [];
  const open: TaskCluster['open'] = (plan, more) => {
    const tasks = openTasks(plan, more);
    opened.push(tasks);
    return tasks;
  };
  return {
    ...cluster,
    plan: (tasks, change = {}) => ({
      home,
      region: REGION,
      clusterArn: CLUSTER_ARN,
      config: { ...config, capacity: ['mi', 'mi-spot'] },
      tasks,
      ...change,
    }),
    open,
    run: async (plan, more) => {
      const tasks = open(plan, more);
      const done = await workOn(plan, tasks);
      await tasks.close();
      await expectTruth(cluster, done);
      return done;
    },
    count: (action) => cluster.calls().filter((c) => c.action === action).length,
    stop: async () => {
      for (const tasks of opened) await tasks.close();
      await cluster.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
