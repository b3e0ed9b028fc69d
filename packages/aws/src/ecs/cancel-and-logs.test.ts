// SPDX-License-Identifier: Apache-2.0
// A cancel in each state of a task, and its output, whoever started it. Over HTTP.
import { systemClock } from '@stint/local';
import { createProcessEngine } from '@stint/local/tasks';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { TaskDocument } from '@stint/core';
import { answeringProxy } from '../../testing/answering-proxy.ts';
import type { AnsweringProxy } from '../../testing/answering-proxy.ts';
import { workOn } from '../../testing/planned-tasks.ts';
import { taskCluster } from '../../testing/task-cluster.ts';
import type { TaskCluster } from '../../testing/task-cluster.ts';
import { expectTruth, madeTasks, statusOf, taskProcess } from '../../testing/task-truth.ts';

let c: TaskCluster;
let proxy: AnsweringProxy | undefined;
afterEach(async () => {
  await c.stop();
  await proxy?.close();
  proxy = undefined;
});

describe('cancel', () => {
  const refused = { on: 'RunTask', failures: [{ reason: 'RESOURCE:CPU' }] };
  const stuck = (at: string) => ({ task: {}, at, event: 'stuck' });

  test.each<[string, object[], (task: TaskDocument | undefined) => unknown]>([
    ['QUEUED, waiting for capacity', [refused], (t) => (t?.attempts[0]?.refusals.length ?? 0) > 0],
    ['SUBMITTING', [{ on: 'RunTask', delayMs: 1_000 }], (t) => t?.attempts[0]?.state === 'SUBMITTING'],
    ['PROVISIONING', [stuck('PROVISIONING')], (t) => t?.attempts[0]?.rawStatus === 'PROVISIONING'],
    ['PENDING', [stuck('PENDING')], (t) => t?.attempts[0]?.rawStatus === 'PENDING'],
    ['RUNNING', [], (t) => t?.state === 'RUNNING'],
  ])('%s: it ends CANCELED, and is stopped', async (state, rules, reached) => {
    c = await taskCluster(rules);
    const plan = c.plan([{ key: 'long', ms: 600_000 }]);
    const tasks = c.open(plan);
    const working = workOn(plan, tasks);
    await expect.poll(async () => reached((await tasks.store.open())[0]), { timeout: 15_000, interval: 10 }).toBe(true);
    await tasks.engine.cancel((await tasks.store.open())[0]?.id ?? '', 'enough');
    const done = await working;
    expect(done).toMatchObject([{ state: 'CANCELED', outcome: { exitCode: state === 'RUNNING' ? 143 : null } }]);
    await expectTruth(c, done);
    const [arns = new Set<string>()] = madeTasks(c).values();
    for (const arn of arns) expect(await statusOf(c, arn)).toBe('STOPPED');
    expect(arns.size).toBe(state.startsWith('QUEUED') ? 0 : 1);
  });

  test('the wish of another process is carried out by the one that looks after the task', async () => {
    c = await taskCluster();
    const plan = c.plan([{ key: 'long', ms: 600_000 }]);
    const owner = taskProcess(plan);
    const other = c.open(plan);
    await expect.poll(async () => (await other.store.open())[0]?.state).toBe('RUNNING');
    const id = (await other.store.open())[0]?.id ?? '';
    await other.engine.cancel(id, 'enough');
    expect(other.engine.open).toBe(0);
    expect(await owner).toMatchObject({ code: 0 });
    expect(await other.engine.read(id)).toMatchObject({ state: 'CANCELED', owner: { epoch: 1 } });
    await expectTruth(c, [await other.engine.read(id)]);
  });

  test('an ended task stays as it is, and nothing is sent', async () => {
    c = await taskCluster();
    const plan = c.plan([{ key: 'fails', exit: 3 }]);
    const tasks = c.open(plan);
    const [done] = await workOn(plan, tasks);
    expect(await tasks.engine.cancel(done?.id ?? '', 'too late')).toEqual(done);
    expect(c.count('StopTask')).toBe(0);
  });
});

describe('output', () => {
  const lines = 4_000;
  const script = `i=0; while [ $i -lt ${lines} ]; do i=$((i + 1)); echo "line $i"; done; sleep 1; echo last`;
  const expected = [...Array.from({ length: lines }, (_, i) => `line ${i + 1}`), 'last'];
  const processes = {
    engineOf: (dir: string) => createProcessEngine({ dir: join(dir, 'processes'), clock: systemClock() }),
  };

  test('each line once and in order, read by another process after the first was killed', async () => {
    const error = { name: 'ThrottlingException', message: 'Rate exceeded' };
    c = await taskCluster(
      [
        { on: 'GetLogEvents', nth: [1, 4], error },
        { on: 'GetLogEvents', nth: 'every 3', lose: 'answer' },
      ],
      processes,
    );
    const plan = c.plan([{ key: 'writes', command: ['sh', '-c', script] }]);
    const kill = { action: 'DescribeTasks', nth: 2, when: 'after' } as const;
    expect(await taskProcess({ ...plan, kill })).toMatchObject({ died: kill });
    const tasks = c.open({ ...plan, config: null });
    const [open] = await tasks.store.open();
    const read: string[] = [];
    for await (const { text } of tasks.engine.logs(open?.id ?? '', { follow: true })) read.push(text);
    expect(read).toEqual(expected);
    const done = await tasks.engine.wait(open?.id ?? '');
    expect(done).toMatchObject({ state: 'COMPLETE', attempts: [{ state: 'ENDED' }] });
    expect(Date.now() - (done.endedAtMs ?? 0)).toBeLessThan(30_000);
    await expectTruth(c, [done]);
  });

  test('empty pages in the middle of a stream are not its end, long after the task has ended', async () => {
    c = await taskCluster([], processes);
    const plan = c.plan([{ key: 'writes', command: ['sh', '-c', 'for i in 1 2 3; do echo "line $i"; done'] }]);
    const [done] = await c.run(plan);
    const before = (n: number): string => `f/${'0'.repeat(28)}${String(n).padStart(28, '0')}/s`;
    proxy = await answeringProxy(c.endpoint, (action, nth, answer) =>
      action === 'GetLogEvents' && nth <= 3 ? { ...answer, events: [], nextForwardToken: before(nth) } : answer,
    );
    process.env['AWS_ENDPOINT_URL'] = proxy.url;
    const tasks = c.open({ ...plan, aheadMs: 3_600_000 });
    const read: string[] = [];
    for await (const { text } of tasks.engine.logs(done?.id ?? '')) read.push(text);
    expect(read).toEqual(['line 1', 'line 2', 'line 3']);
  });

  test('an answer that does not say where the next page begins is asked for again, and gives no line twice', async () => {
    c = await taskCluster([], processes);
    const plan = c.plan([{ key: 'writes', command: ['sh', '-c', 'for i in 1 2 3; do echo "line $i"; done'] }]);
    const [done] = await c.run(plan);
    proxy = await answeringProxy(c.endpoint, (action, nth, answer) =>
      action === 'GetLogEvents' && nth <= 2 ? { events: answer['events'] } : answer,
    );
    process.env['AWS_ENDPOINT_URL'] = proxy.url;
    const tasks = c.open({ ...plan, aheadMs: 3_600_000 });
    const read: string[] = [];
    for await (const { text } of tasks.engine.logs(done?.id ?? '')) read.push(text);
    expect(read).toEqual(['line 1', 'line 2', 'line 3']);
  });
});
