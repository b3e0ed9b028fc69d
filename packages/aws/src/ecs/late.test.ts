// SPDX-License-Identifier: Apache-2.0
// What comes late: the next process, the start of a task, the answer, the cancel. Over HTTP, with a store on disk.
import { DeleteClusterCommand } from '@aws-sdk/client-ecs';
import type { TaskDocument } from '@stint/core';
import { afterEach, describe, expect, test } from 'vitest';
import { skippingClock } from '../../testing/skipping-clock.ts';
import { config } from '../../testing/emulated-cluster.ts';
import { taskCluster } from '../../testing/task-cluster.ts';
import type { TaskCluster } from '../../testing/task-cluster.ts';
import { specOf, workOn } from '../../testing/planned-tasks.ts';
import type { KillPoint, Plan, PlannedTask } from '../../testing/planned-tasks.ts';
import { aliveTasks, courseOf, expectTruth, madeTasks, statusOf, taskProcess } from '../../testing/task-truth.ts';

let c: TaskCluster;
afterEach(async () => {
  await c.stop();
});

const later = 31 * 60_000;
const fails: PlannedTask = { key: 'fails', exit: 3, ms: 100 };
const failed = ['NONZERO_EXIT 3 = EXECUTOR_ERROR'];
const unknown = ['UNKNOWN - = SYSTEM_ERROR'];

async function dies(plan: Plan, kill: KillPoint): Promise<void> {
  expect(await taskProcess({ ...plan, kill })).toMatchObject({ signal: 'SIGKILL', died: kill });
}
const stateOfOnly = async (): Promise<string> => {
  const [arns] = madeTasks(c).values();
  return await statusOf(c, [...(arns ?? [])][0] ?? '');
};

describe('thirty minutes after the request was sent it is looked for, and never sent again', () => {
  test('found by who started it, while it runs', async () => {
    c = await taskCluster();
    const plan = c.plan([{ key: 'long', ms: 600_000, cancel: true }]);
    await dies(plan, { action: 'RunTask', nth: 1, when: 'lost' });
    // One that still starts half an hour later is stopped for that.
    await expect.poll(stateOfOnly).toBe('RUNNING');
    expect((await c.run({ ...plan, aheadMs: later })).map(courseOf)).toEqual(['CANCELED 143 = CANCELED']);
    expect([c.count('RunTask'), c.calls().filter(byStartedBy).length]).toEqual([1, 2]);
  });

  test('found among the stopped ones of its family, whatever dies on the way, and in a storm', async () => {
    const error = { name: 'ThrottlingException', message: 'Rate exceeded' };
    c = await taskCluster([{ on: 'ListTasks', nth: [4, 6], error }]);
    const plan = { ...c.plan([fails]), aheadMs: later };
    await dies({ ...plan, aheadMs: 0 }, { action: 'RunTask', nth: 1, when: 'lost' });
    await expect.poll(stateOfOnly).toBe('STOPPED');
    for (const when of ['before', 'lost', 'after'] as const) await dies(plan, { action: 'ListTasks', nth: 1, when });
    await dies(plan, { action: 'ListTasks', nth: 2, when: 'after' });
    expect((await c.run(plan)).map(courseOf)).toEqual(failed);
    expect(c.count('RunTask')).toBe(1);
    expect(c.calls().some(({ request }) => request['desiredStatus'] === 'STOPPED')).toBe(true);
  });

  test('not found: UNKNOWN, and no process runs it again', async () => {
    c = await taskCluster();
    const plan = c.plan([fails]);
    await dies(plan, { action: 'RunTask', nth: 1, when: 'before' });
    expect((await c.run({ ...plan, aheadMs: later })).map(courseOf)).toEqual(unknown);
    expect((await c.run(plan)).map(courseOf)).toEqual(unknown);
    expect(c.count('RunTask')).toBe(0);
  });
});

const byStartedBy = ({ action, request }: { action: string; request: Record<string, unknown> }): boolean =>
  action === 'ListTasks' && (request['startedBy'] !== undefined || Object.keys(request).join() === 'cluster');

test('a task that vanished is waited for, then an honest UNKNOWN, and never run again', async () => {
  c = await taskCluster([{ task: {}, at: 'RUNNING', afterMs: 1_500, event: 'vanish' }]);
  const plan = c.plan([{ key: 'vanishes', ms: 600_000 }]);
  const tasks = c.open(plan);
  const working = workOn(plan, tasks).catch(() => undefined);
  await expect.poll(async () => (await tasks.store.open())[0]?.state).toBe('RUNNING');
  await expect.poll(stateOfOnly).toBe('MISSING');
  const looked = c.count('DescribeTasks');
  await expect.poll(() => c.count('DescribeTasks')).toBeGreaterThan(looked + 3);
  expect((await tasks.store.open())[0]?.state).toBe('RUNNING');
  await tasks.close();
  void working;
  const next = c.open({ ...plan, aheadMs: 6 * 60_000 });
  expect((await workOn(plan, next)).map(courseOf)).toEqual(unknown);
  expect(c.count('RunTask')).toBe(1);
});

test('the cluster is deleted before anybody looked: an honest UNKNOWN', async () => {
  c = await taskCluster([], { providers: [] });
  const plan = c.plan([fails], { config: { ...config, capacity: ['fargate'] } });
  await dies(plan, { action: 'DescribeTasks', nth: 1, when: 'after' });
  await expect.poll(stateOfOnly).toBe('STOPPED');
  const looked = c.count('DescribeTasks');
  await c.ecs.send(new DeleteClusterCommand({ cluster: 'c' }));
  const soon = c.open({ ...plan, config: null });
  await soon.engine.takeUp();
  const open = async () => (await soon.store.open())[0];
  await expect.poll(() => c.count('DescribeTasks')).toBeGreaterThan(looked);
  expect(await open()).toMatchObject({ state: 'INITIALIZING', attempts: [{ outcome: null }] });
  await soon.close();
  const next = c.open({ ...plan, config: null, aheadMs: 6 * 60_000 });
  const [id] = (await next.store.open()).map((task) => task.id);
  await next.engine.takeUp();
  expect(courseOf(await next.engine.wait(id ?? ''))).toBe('UNKNOWN - = SYSTEM_ERROR');
});

test('two processes on one store: the one that lives takes up what the killed one had, the other stays its own', async () => {
  c = await taskCluster();
  const of = (who: string): PlannedTask[] => [1, 2, 3].map((n) => ({ key: `${who} ${n}`, exit: n, ms: 6_000 }));
  const started = new Map<string, number>();
  const run = (who: string, tasks: PlannedTask[]) =>
    taskProcess({ ...c.plan(tasks), pollMs: 200 }, (pid) => void started.set(who, pid));
  const one = run('one', of('one'));
  await expect.poll(() => c.count('RunTask')).toBe(3);
  const other = run('other', [...of('other'), ...of('one')]);
  await expect.poll(() => c.count('RunTask')).toBe(6);
  process.kill(started.get('one') ?? 0, 'SIGKILL');
  expect((await one).signal).toBe('SIGKILL');
  expect(await other).toMatchObject({ code: 0, signal: null });
  const done = await c.run(c.plan([...of('one'), ...of('other')]));
  expect(done.map((t) => t.outcome?.exitCode)).toEqual([1, 2, 3, 1, 2, 3]);
  expect(done.map((t) => t.owner?.epoch)).toEqual([2, 2, 2, 1, 1, 1]);
});

describe('start deadline', () => {
  const within = (plan: Plan, startTimeout = '2s') => ({
    ...plan,
    config: { ...plan.config, startTimeout, pollInterval: '1s' },
  });
  /**
   * The instance is bought when it was decided to stop the task, and the stop takes effect when the task has come as far
   * as `until`, however long that takes here.
   */
  async function startsLate(task: PlannedTask, until: string): Promise<TaskDocument[]> {
    const clock = skippingClock();
    const never = { providerReady: 0, decide: 0, provision: 0, pull: 0, activate: 0, stop: 0, deprovision: 0 };
    const delays = { ...never, instanceLaunch: 100 };
    c = await taskCluster([{ on: 'StopTask', nth: [1], delayMs: 200_000 }], { clock, timeScale: 1, delays });
    const plan = within(c.plan([task]));
    const tasks = c.open(plan);
    const working = workOn(plan, tasks);
    const stop = async () => (await tasks.store.open())[0]?.attempts[0]?.stop?.why;
    await expect.poll(stop).toBe('startDeadline');
    clock.skip(100_000);
    await expect.poll(stateOfOnly).toBe(until);
    // The call may still be on its way; it is logged when it has taken effect.
    const released = (): number => {
      clock.skip(200_000);
      return c.count('StopTask');
    };
    await expect.poll(released, { timeout: 20_000, interval: 500 }).toBeGreaterThan(0);
    const done = await working;
    await tasks.close();
    await expectTruth(c, done);
    return done;
  }

  test('a task that starts after it was decided to stop it is stopped, and starts nothing else', async () => {
    const [done] = await startsLate({ key: 'late', ms: 600_000 }, 'RUNNING');
    expect(done?.attempts).toMatchObject([{ outcome: { code: 'START_DEADLINE' }, startedAtMs: expect.any(Number) }]);
    expect([done?.state, c.count('RunTask')]).toEqual(['SYSTEM_ERROR', 1]);
  });

  test('one that even ends by itself before the stop takes effect keeps its own outcome', async () => {
    const done = await startsLate({ key: 'late', exit: 0, ms: 300 }, 'STOPPED');
    expect(done.map(courseOf)).toEqual(['COMPLETED 0 = COMPLETE']);
    expect(c.count('StopTask')).toBe(1);
  });

  test('one that never starts is stopped, and spotFirst tries on-demand only when it was seen stopped', async () => {
    c = await taskCluster([{ task: { provider: 'mi-spot' }, at: 'PROVISIONING', event: 'stuck' }]);
    // Room for the second attempt, which has to start in time.
    const done = await c.run(within(c.plan([{ key: 'late', ms: 100, spotPolicy: 'spotFirst' }]), '5s'));
    expect(done.map(courseOf)).toEqual(['START_DEADLINE, COMPLETED 0 = COMPLETE']);
    const [first, second] = done[0]?.attempts ?? [];
    expect(second?.createdAtMs).toBeGreaterThanOrEqual(first?.endedAtMs ?? Infinity);
  });
});

describe('cancel between send and answer', () => {
  test.each([
    ['an answer that is late', [{ on: 'RunTask', nth: [1], delayMs: 1_500 }]],
    ['an answer that is lost', [{ on: 'RunTask', nth: [1, 2], lose: 'answer' }]],
    ['a request that is lost', [{ on: 'RunTask', nth: [1, 2], lose: 'request' }]],
  ])('%s: it is canceled, and nothing runs on', async (_, rules) => {
    c = await taskCluster(rules);
    const plan = c.plan([{ key: 'long', ms: 600_000 }]);
    const tasks = c.open(plan);
    tasks.engine.onChange((task) => {
      if (task.attempts[0]?.request != null && !task.cancel) void tasks.engine.cancel(task.id, 'enough');
    });
    const done = await workOn(plan, tasks);
    expect(done.map((t) => t.state)).toEqual(['CANCELED']);
    await expectTruth(c, done);
  });
});

test('a thousand cancels during submission leave nothing behind', { timeout: 120_000 }, async () => {
  c = await taskCluster([], { quotas: { provisioningTasks: 2_000, instanceVcpus: 100_000 } });
  const fast = { perSecond: 100_000, burst: 100_000 };
  const plan = c.plan([]);
  const { engine } = c.open(plan, { rates: { run: fast, describe: fast } });
  const target = { compute: 'ecs', region: plan.region, clusterArn: plan.clusterArn } as const;
  const ended = Array.from({ length: 1_000 }, async (_, n) => {
    const { task } = await engine.submit(specOf({ key: `${n}`, ms: 600_000 }), target);
    // Some at once, some a moment later, so that all of their early states are met.
    await new Promise((resolve) => void setTimeout(resolve, (n % 20) * 150));
    await engine.cancel(task.id, 'all');
    return await engine.wait(task.id);
  });
  const done = await Promise.all(ended);
  expect(new Set(done.map((t) => t.state))).toEqual(new Set(['CANCELED']));
  await expectTruth(c, done);
  expect(await aliveTasks(c)).toEqual([]);
  expect(madeTasks(c).size).toBeGreaterThan(50);
  expect(madeTasks(c).size).toBeLessThan(1_000);
});

describe('a process without the configuration', () => {
  test('leaves a task that is not placed yet waiting, and places nothing', async () => {
    c = await taskCluster();
    const plan = c.plan([fails]);
    await dies(plan, { action: 'DescribeTaskDefinition', nth: 1, when: 'before' });
    const without = c.open({ ...plan, config: null });
    expect(await without.engine.takeUp()).toBe(1);
    await expect
      .poll(async () => (await without.store.open())[0]?.waitingFor)
      .toContain('configuration of its cluster');
    await without.close();
    expect((await c.run(plan)).map(courseOf)).toEqual(failed);
  });

  test('knows a lost Spot host for a reclaim', async () => {
    c = await taskCluster([{ task: { provider: 'mi-spot' }, at: 'RUNNING', afterMs: 1_000, event: 'hostLost' }]);
    const plan = c.plan([{ key: 'reclaimed', ms: 3_000, spotPolicy: 'spotFirst' }]);
    await dies(plan, { action: 'DescribeTasks', nth: 1, when: 'after' });
    const without = c.open({ ...plan, config: null });
    await without.engine.takeUp();
    await expect.poll(async () => (await without.store.open())[0]?.attempts[0]?.outcome?.code).toBe('SPOT_RECLAIM');
    await without.close();
    expect((await c.run(plan)).map(courseOf)).toEqual(['SPOT_RECLAIM, COMPLETED 0 = COMPLETE']);
  });
});
