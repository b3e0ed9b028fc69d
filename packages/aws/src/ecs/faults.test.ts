// SPDX-License-Identifier: Apache-2.0
// What AWS does on bad days, over HTTP: nothing is lost, nothing is started twice, every outcome is right.
import { DeregisterTaskDefinitionCommand, ListTaskDefinitionsCommand, RunTaskCommand } from '@aws-sdk/client-ecs';
import { afterEach, describe, expect, test } from 'vitest';
import { CLUSTER_ARN } from '../../testing/emulated-cluster.ts';
import { answeringProxy } from '../../testing/answering-proxy.ts';
import type { AnsweringProxy } from '../../testing/answering-proxy.ts';
import { taskCluster } from '../../testing/task-cluster.ts';
import type { TaskCluster } from '../../testing/task-cluster.ts';
import { workOn } from '../../testing/planned-tasks.ts';
import type { PlannedTask } from '../../testing/planned-tasks.ts';
import { courseOf, expectTruth, madeTasks, taskProcess } from '../../testing/task-truth.ts';

let c: TaskCluster;
let proxy: AnsweringProxy | undefined;
afterEach(async () => {
  await c.stop();
  await proxy?.close();
  proxy = undefined;
});

const fails: PlannedTask = { key: 'fails', exit: 3, ms: 100 };
const failed = ['NONZERO_EXIT 3 = EXECUTOR_ERROR'];

describe('what is not visible yet', () => {
  test('a task that is MISSING for a while after RunTask is only waited for', async () => {
    c = await taskCluster([{ on: 'RunTask', hideMs: 1_500 }]);
    const done = await c.run(c.plan([fails]));
    expect(done.map(courseOf)).toEqual(failed);
    expect(c.count('RunTask')).toBe(1);
  });

  test('one that can not be stopped yet is stopped as soon as it shows up', async () => {
    c = await taskCluster([{ on: 'RunTask', hideMs: 2_000 }]);
    const plan = c.plan([{ key: 'long', ms: 600_000 }]);
    const tasks = c.open(plan);
    const working = workOn(plan, tasks);
    await expect.poll(() => c.count('RunTask')).toBe(1);
    const [open] = await tasks.store.open();
    await tasks.engine.cancel(open?.id ?? '', 'enough');
    const done = await working;
    expect(done.map((t) => t.state)).toEqual(['CANCELED']);
    expect(c.calls().filter((call) => call.error?.message.includes('was not found')).length).toBeGreaterThan(0);
    await expectTruth(c, done);
  });

  test.each(['MISSING', 'INTERNAL', ''])(
    'DescribeTasks that answers with failures (%s) for a task that it told of before means nothing',
    async (reason) => {
      c = await taskCluster();
      proxy = await answeringProxy(c.endpoint, (action, nth, answer) => {
        if (action !== 'DescribeTasks' || nth % 2 === 1) return answer;
        const tasks = answer['tasks'] as { taskArn: string }[];
        return { tasks: [], failures: reason === '' ? [] : tasks.map((t) => ({ arn: t.taskArn, reason })) };
      });
      process.env['AWS_ENDPOINT_URL'] = proxy.url;
      const done = await c.run(c.plan([{ ...fails, ms: 800 }]));
      expect(done.map(courseOf)).toEqual(failed);
      expect(c.count('DescribeTasks')).toBeGreaterThan(3);
    },
  );

  /** What a look at one task tells where DescribeTasks is answered so. */
  const seen = async (change: (arn: string) => Record<string, unknown>): Promise<string[]> => {
    c = await taskCluster();
    const [done] = await c.run(c.plan([fails]));
    const handle = done?.attempts[0]?.handle ?? '';
    proxy = await answeringProxy(c.endpoint, (action, _nth, answer) =>
      action === 'DescribeTasks' ? change(handle) : answer,
    );
    process.env['AWS_ENDPOINT_URL'] = proxy.url;
    const compute = await c.compute();
    return (await compute.observe([handle], new AbortController().signal)).map((o) => o.phase);
  };

  test.each([
    [
      'MISSING tells that ECS does not know it',
      (arn: string) => ({ failures: [{ arn, reason: 'MISSING' }] }),
      ['missing'],
    ],
    ['another failure tells nothing', (arn: string) => ({ failures: [{ arn, reason: 'INTERNAL' }] }), []],
    ['no answer at all tells nothing', () => ({}), []],
    [
      'a state that nobody knows is one before its run',
      (taskArn: string) => ({ tasks: [{ taskArn, lastStatus: 'NEW' }] }),
      ['starting'],
    ],
    [
      'a task of which only its name is told is one before its run',
      (taskArn: string) => ({ tasks: [{ taskArn }] }),
      ['starting'],
    ],
  ])('%s', async (_what, change, phases) => {
    expect(await seen(change)).toEqual(phases);
  });

  test('a look that was throttled tells nothing', async () => {
    c = await taskCluster([{ on: 'DescribeTasks', error: { name: 'ThrottlingException' } }]);
    const compute = await c.compute();
    const arn = `${CLUSTER_ARN.replace(':cluster/', ':task/')}/${'0'.repeat(32)}`;
    await expect(compute.observe([arn], new AbortController().signal)).rejects.toMatchObject({ reason: 'THROTTLED' });
  });
});

describe('RunTask', () => {
  test('an answer without a task and without a failure settles nothing: the same request is sent again', async () => {
    c = await taskCluster();
    proxy = await answeringProxy(c.endpoint, (action, nth, answer) =>
      action === 'RunTask' && nth === 1 ? {} : answer,
    );
    process.env['AWS_ENDPOINT_URL'] = proxy.url;
    const [done] = await c.run(c.plan([fails]));
    expect(done?.attempts).toMatchObject([{ submission: 1, refusals: [] }]);
    expect(c.count('RunTask')).toBe(2);
    expect(madeTasks(c).size).toBe(1);
  });

  test('a refusal that nobody knows by name ends it at once', async () => {
    c = await taskCluster([{ on: 'RunTask', error: { name: 'NewException', message: 'not like this' } }]);
    expect((await c.run(c.plan([fails]))).map(courseOf)).toEqual(['REFUSED - = SYSTEM_ERROR']);
    expect(c.count('RunTask')).toBe(1);
  });

  test('failures with HTTP 200 use the token up, and are no attempt', async () => {
    c = await taskCluster([{ on: 'RunTask', nth: [1], failures: [{ reason: 'RESOURCE:MEMORY' }] }]);
    const [done] = await c.run(c.plan([fails]));
    expect(done?.attempts).toMatchObject([{ submission: 2, refusals: [{ code: 'RESOURCE:MEMORY' }] }]);
    const tokens = c.calls().flatMap(({ action, request }) => (action === 'RunTask' ? [request['clientToken']] : []));
    expect(new Set(tokens).size).toBe(2);
  });

  test('ConflictException: the task that has the token is taken as ours', async () => {
    c = await taskCluster();
    const plan = c.plan([fails]);
    const kill = { action: 'RunTask', nth: 1, when: 'before' } as const;
    expect(await taskProcess({ ...plan, kill })).toMatchObject({ died: kill });
    const { store, close } = c.open(plan);
    const request = JSON.parse((await store.open())[0]?.attempts[0]?.request ?? '') as object;
    await close();
    await c.ecs.send(new RunTaskCommand({ ...(request as { taskDefinition: string }), group: 'another' }));
    expect((await c.run(plan)).map(courseOf)).toEqual(failed);
    expect(c.calls().map((call) => call.error?.name)).toContain('ConflictException');
  });

  test('an answer that got lost and credentials that ran out then: the task is not given up', async () => {
    c = await taskCluster([
      { on: 'RunTask', nth: [1], lose: 'answer' },
      { on: 'RunTask', nth: [1, 2], error: { name: 'ExpiredTokenException' } },
    ]);
    expect((await c.run(c.plan([fails]))).map(courseOf)).toEqual(failed);
  });

  test('access denied to the next process: what the dead one sent is not given up', async () => {
    c = await taskCluster([{ on: 'RunTask', nth: [2, 3, 4], error: { name: 'AccessDeniedException' } }]);
    const plan = c.plan([fails]);
    const kill = { action: 'RunTask', nth: 1, when: 'lost' } as const;
    expect(await taskProcess({ ...plan, kill })).toMatchObject({ died: kill });
    expect((await c.run(plan)).map(courseOf)).toEqual(failed);
  });

  test('access denied at the first sending ends it at once', async () => {
    c = await taskCluster([{ on: 'RunTask', error: { name: 'AccessDeniedException' } }]);
    expect((await c.run(c.plan([fails]))).map(courseOf)).toEqual(['ACCESS_DENIED - = SYSTEM_ERROR']);
    expect(c.count('RunTask')).toBe(1);
  });

  test('lost, then throttled, then canceled: what was started is found and stopped', async () => {
    c = await taskCluster([
      { on: 'RunTask', nth: [1], lose: 'answer' },
      { on: 'RunTask', nth: [1], error: { name: 'ThrottlingException', message: 'Rate exceeded' } },
    ]);
    const plan = c.plan([{ key: 'long', ms: 600_000 }]);
    const tasks = c.open(plan);
    const working = workOn(plan, tasks);
    await expect.poll(() => c.count('RunTask')).toBe(2);
    await tasks.engine.cancel((await tasks.store.open())[0]?.id ?? '', 'enough');
    const done = await working;
    expect(done.map((t) => t.state)).toEqual(['CANCELED']);
    await expectTruth(c, done);
    expect(madeTasks(c).size).toBe(1);
  });

  test('one that takes effect after it was given up for late is the same task', async () => {
    c = await taskCluster([{ on: 'RunTask', nth: [1], delayMs: 1_500 }]);
    expect((await c.run(c.plan([fails]), { answerWithinMs: 400 })).map(courseOf)).toEqual(failed);
    await expect.poll(() => c.count('RunTask')).toBeGreaterThan(1);
  });
});

describe('task definitions', () => {
  test('too many concurrent attempts to create a revision are waited out', async () => {
    const message = 'Too many concurrent attempts to create a new revision of the specified family.';
    c = await taskCluster([{ on: 'RegisterTaskDefinition', nth: [1, 2], error: { name: 'ClientException', message } }]);
    expect((await c.run(c.plan([fails]))).map(courseOf)).toEqual(failed);
    expect(c.count('RegisterTaskDefinition')).toBe(3);
  });

  test.each(['LimitExceededException', 'ValidationException', 'NewException'])(
    'one that is refused for good (%s) ends the task',
    async (name) => {
      c = await taskCluster([{ on: 'RegisterTaskDefinition', error: { name, message: 'never' } }]);
      expect((await c.run(c.plan([fails]))).map(courseOf)).toEqual([' - = SYSTEM_ERROR']);
      expect(c.count('RegisterTaskDefinition')).toBe(1);
    },
  );

  test('an answer without one is asked for again', async () => {
    c = await taskCluster();
    proxy = await answeringProxy(c.endpoint, (action, nth, answer) =>
      action === 'RegisterTaskDefinition' && nth === 1 ? {} : answer,
    );
    process.env['AWS_ENDPOINT_URL'] = proxy.url;
    expect((await c.run(c.plan([fails]))).map(courseOf)).toEqual(failed);
  });

  test('while none can be made the task says why it waits, and can be canceled', async () => {
    c = await taskCluster([{ on: 'RegisterTaskDefinition', error: { name: 'ServerException', message: 'not today' } }]);
    const plan = c.plan([fails]);
    const tasks = c.open(plan);
    const working = workOn(plan, tasks);
    const waitsFor = async () => (await tasks.store.open())[0]?.waitingFor;
    await expect.poll(waitsFor).toMatch(/could not be made yet: .*not today/);
    await tasks.engine.cancel((await tasks.store.open())[0]?.id ?? '', 'enough');
    expect((await working).map((t) => t.state)).toEqual(['CANCELED']);
  });

  const deregister = async (): Promise<void> => {
    const { taskDefinitionArns = [] } = await c.ecs.send(new ListTaskDefinitionsCommand({}));
    for (const taskDefinition of taskDefinitionArns)
      await c.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
    expect(taskDefinitionArns.length).toBe(1);
  };

  test('one that became INACTIVE under a running process is registered again', async () => {
    c = await taskCluster();
    const plan = c.plan([fails]);
    const tasks = c.open(plan);
    await workOn(plan, tasks);
    await deregister();
    const done = await workOn({ ...plan, tasks: [{ ...fails, key: 'next' }] }, tasks);
    expect(done.map(courseOf)).toEqual(failed);
    expect(done[0]?.attempts).toMatchObject([{ submission: 2, refusals: [{ kind: 'stale' }] }]);
    expect(c.count('RegisterTaskDefinition')).toBe(2);
  });

  test('one that became INACTIVE before a resend: a new request, once nothing of the old one can be there', async () => {
    c = await taskCluster();
    const plan = c.plan([fails]);
    const kill = { action: 'RunTask', nth: 1, when: 'before' } as const;
    expect(await taskProcess({ ...plan, kill })).toMatchObject({ died: kill });
    await deregister();
    const tasks = c.open(plan);
    const working = workOn(plan, tasks).catch(() => undefined);
    await expect.poll(() => c.count('ListTasks')).toBeGreaterThan(2);
    expect((await tasks.store.open())[0]).toMatchObject({ waitingFor: expect.stringContaining('is inactive') });
    expect(madeTasks(c).size).toBe(0);
    await tasks.close();
    expect((await c.run({ ...plan, aheadMs: 6 * 60_000 })).map(courseOf)).toEqual(failed);
    void working;
  });
});

test('answers that never come are given up, and the tasks looked at again', async () => {
  c = await taskCluster([
    { on: 'DescribeTasks', nth: [1, 2, 3], delayMs: 3_600_000 },
    { on: 'DescribeTasks', nth: 'every 3', lose: 'answer' },
  ]);
  const done = await c.run(c.plan([fails]), { answerWithinMs: 300 });
  expect(done.map(courseOf)).toEqual(failed);
});

test('a storm of throttling, with the rates of AWS: all is done once, and right', { timeout: 120_000 }, async () => {
  const error = { name: 'ThrottlingException', message: 'Rate exceeded' };
  // Half of them, as long as the storm lasts.
  const storm = Array.from({ length: 26 }, (_, i) => i + 1).filter((n) => n % 4 > 1);
  const often = ['RunTask', 'DescribeTasks'].map((on) => ({ on, nth: storm, error }));
  // Each of these slows its own calls for a minute.
  const first = ['DescribeClusters', 'CreateLogGroup', 'RegisterTaskDefinition', 'StopTask'].map((on) => ({
    on,
    nth: [1, 2],
    error,
  }));
  const reclaim = { task: { provider: 'mi-spot' }, at: 'RUNNING', event: 'spotReclaim' };
  c = await taskCluster([...often, ...first, reclaim], { rates: {} });
  const kinds: PlannedTask[] = [
    fails,
    { key: 'succeeds', ms: 100 },
    { key: 'reclaimed', ms: 200, spotPolicy: 'spotFirst' },
    { key: 'canceled', ms: 600_000, cancel: true },
  ];
  const tasks = [1, 2, 3].flatMap((n) => kinds.map((t) => ({ ...t, key: `${t.key} ${n}` })));
  const done = await c.run(c.plan(tasks));
  expect(done.map(courseOf)).toEqual(
    tasks.map(({ key }) => {
      if (key.startsWith('fails')) return failed[0];
      if (key.startsWith('canceled')) return 'CANCELED 143 = CANCELED';
      return key.startsWith('reclaimed') ? 'SPOT_RECLAIM, COMPLETED 0 = COMPLETE' : 'COMPLETED 0 = COMPLETE';
    }),
  );
  expect(c.calls().filter((call) => call.error?.name === error.name).length).toBeGreaterThan(5);
});
