// SPDX-License-Identifier: Apache-2.0
// SIGKILL of the process at its calls to AWS, before, within and after: nothing is started twice, nothing is forgotten,
// and every outcome is known to the next process. STINT_TEST_SWEEP=full takes every call; else each kind once or twice.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../../contracts/src/task-harness.ts';
import type { TaskDocument } from '@stint/core';
import { createNoopEngine, openSqliteTaskStore } from '@stint/local/tasks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { config, emulatedCluster, CLUSTER_ARN, REGION } from '../../testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../testing/emulated-cluster.ts';
import { openTasks, workOn } from '../../testing/planned-tasks.ts';
import type { KillPoint, Plan, PlannedTask } from '../../testing/planned-tasks.ts';
import { courseOf, expectTruth, taskProcess } from '../../testing/task-truth.ts';

const full = process.env['STINT_TEST_SWEEP'] === 'full';
const moments = ['before', 'lost', 'after'] as const;

const tasks: PlannedTask[] = [
  { key: 'succeeds', ms: 100 },
  { key: 'fails', exit: 3, ms: 100 },
  { key: 'reclaimed', ms: 200, spotPolicy: 'spotFirst' },
  { key: 'canceled', ms: 600_000, cancel: true },
];
const courses = [
  'COMPLETED 0 = COMPLETE',
  'NONZERO_EXIT 3 = EXECUTOR_ERROR',
  'SPOT_RECLAIM, COMPLETED 0 = COMPLETE',
  'CANCELED 143 = CANCELED',
];

let dir: string;
let cluster: EmulatedCluster;
let made = 0;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'stint-sigkill-'));
  cluster = await emulatedCluster({
    engineOf: () => createNoopEngine(),
    timeScale: 2_000,
    // What ended stays to be seen for the longest case on a slow machine.
    delays: { stoppedVisible: 2_400_000, clientToken: 24_000_000 },
    faults: { seed: 1, rules: [{ task: { provider: 'mi-spot' }, at: 'RUNNING', event: 'spotReclaim' }] } as never,
  });
});
afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

/** A store and a log group of its own, so that the group is made and the definition registered each time. */
function newPlan(): Plan {
  const name = `case-${++made}`;
  const ecs = { ...config, capacity: ['mi', 'mi-spot'], logsGroup: `/${name}`, stopTimeout: '2s' };
  return { home: join(dir, name), region: REGION, clusterArn: CLUSTER_ARN, config: ecs, tasks };
}

/** The calls that this plan makes with nobody in its way, by action. */
async function calmCalls(): Promise<Map<string, number>> {
  const plan = newPlan();
  const before = cluster.calls().length;
  expect(await taskProcess(plan)).toMatchObject({ code: 0, died: null });
  const calls = cluster.calls().slice(before);
  await goOn(plan);
  const counts = new Map<string, number>();
  for (const { action } of calls) {
    counts.set(action, (counts.get(action) ?? 0) + 1);
  }
  return counts;
}

/** Another process goes on, and everything is as it would be without a death. */
async function goOn(plan: Plan, where = ''): Promise<TaskDocument[]> {
  const next = openTasks(plan);
  const done = await workOn(plan, next);
  await next.close();
  expect(done.map(courseOf), where).toEqual(courses);
  await expectTruth(cluster, done, where);
  return done;
}

/** @returns false where the process ended before it came to that call. */
async function dieAndGoOn(kill: KillPoint): Promise<boolean> {
  const plan = newPlan();
  const where = `${kill.when} ${kill.action} ${kill.nth}`;
  const end = await taskProcess({ ...plan, kill });
  const died = end.died !== null;
  expect(end, where).toMatchObject(died ? { signal: 'SIGKILL', died: kill } : { signal: null, code: 0 });
  await goOn(plan, where);
  return died;
}

/** At most two at a time. */
async function inTwos<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await run(next);
  };
  await Promise.all([worker(), worker()]);
}

/** In the full sweep every call; else one of each kind, and of what is asked at the start of a process one moment each. */
function pointsOf(calm: ReadonlyMap<string, number>): KillPoint[] {
  const atStart = ['DescribeClusters', 'DescribeCapacityProviders', 'CreateLogGroup', 'PutRetentionPolicy'];
  const seed = Number(process.env['STINT_TEST_SEED'] ?? 1);
  const random = seededRandom(seed);
  console.info(`sweep: ${full ? 'full' : `seed ${seed}`}`);
  const pick = <T>(all: readonly T[]): T[] => (full ? [...all] : all.slice(random() * all.length).slice(0, 1));
  return [...calm].flatMap(([action, count]) => {
    const nths = pick(Array.from({ length: count }, (_, i) => i + 1));
    const when = atStart.includes(action) ? pick(moments) : moments;
    return nths.flatMap((nth) => when.map((w): KillPoint => ({ action, nth, when: w })));
  });
}

test(
  'a process that dies at a call to AWS loses nothing and starts nothing twice',
  { timeout: 3_600_000 },
  async () => {
    const calm = await calmCalls();
    const kinds = ['DescribeTaskDefinition', 'RegisterTaskDefinition', 'RunTask', 'DescribeTasks', 'StopTask'];
    expect([...calm.keys()]).toEqual(expect.arrayContaining(kinds));
    const points = pointsOf(calm);
    const missed: string[] = [];
    await inTwos(points, async (kill) => {
      if (!(await dieAndGoOn(kill))) missed.push(`${kill.action} ${kill.nth}`);
    });
    // How often it looks is a matter of time; every other call is made in every run.
    expect(missed.filter((call) => !/^Describe(Tasks|ContainerInstances) /.test(call))).toEqual([]);
    expect(missed.length).toBeLessThan(points.length / 2);
  },
);

test.each([
  ['before', 1],
  ['lost', 2],
  ['after', 3],
] as const)(
  'a process that dies %s RunTask %i: with another configuration the stored bytes are sent',
  async (when, nth) => {
    const plan = newPlan();
    const kill = { action: 'RunTask', nth, when };
    expect(await taskProcess({ ...plan, kill })).toMatchObject({ died: kill });
    const store = openSqliteTaskStore(plan.home);
    const open = (await store.open()).flatMap((t) => t.attempts).filter((a) => a.request !== null);
    await store.close();
    expect(open.length).toBeGreaterThan(0);
    const changed = {
      ...plan.config,
      logsGroup: `/other-${nth}`,
      subnets: ['subnet-9'],
      securityGroups: ['sg-9'],
      capacity: ['mi-spot', 'mi'],
      stopTimeout: '9s',
    };
    const before = cluster.calls().length;
    await goOn({ ...plan, config: changed }, when);
    const sent = cluster.calls().slice(before);
    for (const { request, clientToken } of open) {
      const again = sent.filter((c) => c.action === 'RunTask' && c.request['clientToken'] === clientToken);
      expect(again.map((c) => c.request)).toEqual([JSON.parse(request ?? '')]);
    }
    // What had no request yet goes by the configuration of today.
    const fresh = sent.filter((c) => c.action === 'RunTask' && c.request['networkConfiguration'] !== undefined);
    expect(fresh.length).toBeGreaterThan(0);
  },
);
