// SPDX-License-Identifier: Apache-2.0
// What the emulator really did for the tasks of a store, against what the store says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DescribeTasksCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { startedByOf } from '@stint/core/tasks';
import type { TaskDocument } from '@stint/core';
import { expect } from 'vitest';
import type { EmulatedCluster } from './emulated-cluster.ts';
import type { KillPoint, Plan } from './planned-tasks.ts';

const compiled = join(tmpdir(), `stint-test-compiled-${process.getuid?.() ?? 0}`);
const PROCESS = fileURLToPath(new URL('./task-process.ts', import.meta.url));

export interface ProcessEnd {
  signal: string | null;
  code: number | null;
  /** Where it ended itself, as it said before. */
  died: KillPoint | null;
  stderr: string;
}

/** Runs a process on a plan. `started` gets it, for a test that kills it from outside. */
export async function taskProcess(plan: Plan, started?: (pid: number) => void): Promise<ProcessEnd> {
  const child = spawn(process.execPath, [PROCESS], {
    // Compiled once for all of them: loading the SDK is most of what a short one does.
    env: { NODE_COMPILE_CACHE: compiled, ...process.env, STINT_TEST_PLAN: JSON.stringify(plan) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started?.(child.pid ?? 0);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"died"'));
  const died = lines.map((line) => (JSON.parse(line) as { died: KillPoint }).died)[0] ?? null;
  return { signal, code, died, stderr };
}

/** ECS tasks that were really made, by `startedBy`: a repeated token is answered with the same one. */
export function madeTasks(cluster: EmulatedCluster): Map<string, Set<string>> {
  const made = new Map<string, Set<string>>();
  for (const { action, response } of cluster.calls()) {
    if (action !== 'RunTask') continue;
    for (const { taskArn, startedBy } of (response?.['tasks'] ?? []) as { taskArn: string; startedBy: string }[]) {
      made.set(startedBy, (made.get(startedBy) ?? new Set()).add(taskArn));
    }
  }
  return made;
}

/** Arns of tasks that run or wait on the cluster. */
export async function aliveTasks({ ecs }: EmulatedCluster): Promise<string[]> {
  const alive: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await ecs.send(new ListTasksCommand({ cluster: 'c', nextToken }));
    alive.push(...(page.taskArns ?? []));
    ({ nextToken } = page);
  } while (nextToken !== undefined);
  return alive;
}

/** `SPOT_RECLAIM, COMPLETED 0 = COMPLETE`: the attempts of a task, and how it ended. */
export const courseOf = (task: TaskDocument): string =>
  `${task.attempts.map((a) => a.outcome?.code ?? a.state).join(', ')} ${task.outcome?.exitCode ?? '-'} = ${task.state}`;

/**
 * Each attempt that is stored was really made once, under its own name, and is the one that the store names; nothing
 * else was made, and nothing runs on.
 */
export async function expectTruth(cluster: EmulatedCluster, tasks: readonly TaskDocument[], where = ''): Promise<void> {
  const made = madeTasks(cluster);
  const ours = new Set(tasks.map((t) => t.id));
  const really = [...made].filter(([by]) => ours.has(by.split('/')[1] ?? ''));
  for (const [by, arns] of really) expect(arns.size, `${where}: ${by} was started ${arns.size} times`).toBe(1);
  const known = tasks.flatMap((t) => t.attempts.map((a) => `${startedByOf(t.id, a.number)} ${a.handle}`));
  const stored = known.filter((line) => !line.endsWith(' null')).sort();
  expect(really.map(([by, [arn]]) => `${by} ${arn}`).sort(), `${where}: made and stored`).toEqual(stored);
  const alive = await aliveTasks(cluster);
  const arns = new Set(really.flatMap(([, all]) => [...all]));
  expect(
    alive.filter((arn) => arns.has(arn)),
    `${where}: still wanted`,
  ).toEqual([]);
}

/** What ECS says of a task now. */
export async function statusOf({ ecs }: EmulatedCluster, taskArn: string): Promise<string> {
  const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks: [taskArn] }));
  return tasks[0]?.lastStatus ?? 'MISSING';
}
