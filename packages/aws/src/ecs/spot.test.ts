// SPDX-License-Identifier: Apache-2.0
// What Spot does to a task, over the emulator with its fault rules; the tasks run side by side, each by the name of its image.
import { viewTask } from '@stint/core/tasks';
import type { TaskDocument } from '@stint/core';
import { createNoopEngine } from '@stint/local/tasks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLUSTER_ARN, config, emulatedCluster } from '../../testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../testing/emulated-cluster.ts';
import { engineOn, runAll } from '../../testing/run-all.ts';
import { specOf } from '../../testing/sent-requests.ts';
import type { Asked } from '../../testing/sent-requests.ts';
import { readEcsConfig } from './ecs-config.ts';

const onSpot = (image: string, more: object = {}) => ({
  task: { family: `stint-${image}-*`, provider: 'mi-spot', ...more },
});
const reclaim = { at: 'RUNNING', event: 'spotReclaim' };
const rules = [
  { ...onSpot('five', { nth: [1, 2, 3, 4, 5] }), ...reclaim, exitCode: 0 },
  { ...onSpot('six'), ...reclaim },
  { ...onSpot('first'), ...reclaim },
  { ...onSpot('third'), ...reclaim, exitCode: 143 },
  { ...onSpot('alone', { nth: [1, 2] }), ...reclaim },
  { ...onSpot('stuck'), at: 'PENDING', event: 'stuck' },
  { ...onSpot('none'), at: 'PROVISIONING', event: 'noCapacity', kind: 'insufficient' },
  { ...onSpot('quota'), at: 'PROVISIONING', event: 'noCapacity', kind: 'vcpuQuota' },
  { on: 'RunTask', match: { family: 'stint-refused-*', provider: 'mi-spot' }, failures: [{ reason: 'RESOURCE:CPU' }] },
];
/** Image → what is asked beside it. */
const asked: Record<string, Asked> = {
  five: { wants: { spotPolicy: 'spot' } },
  six: { wants: { spotPolicy: 'spot' } },
  first: {},
  third: { config: { spotFallbackAfter: 3 } },
  alone: { config: { capacity: ['mi-spot'] } },
  none: {},
  quota: {},
  refused: {},
  stuck: { config: { startTimeout: '2s' } },
  limit: {
    spec: { timeLimitMs: 1_000 },
    config: { spotPolicy: 'onDemand' },
    executor: { env: { STINT_NOOP_MS: '60000' } },
  },
  ondemand: { config: { capacity: ['mi'] } },
};

let cluster: EmulatedCluster;
const done: Record<string, TaskDocument> = {};
const computeFor = (change: Record<string, unknown> = {}) => {
  const read = readEcsConfig({ ...config, pollInterval: '1s', ...change }, {});
  // Below what a user may set, to save time.
  return cluster.compute({}, { config: { ...read, pollInterval: 50 } });
};
beforeAll(async () => {
  cluster = await emulatedCluster({
    engineOf: () => createNoopEngine({ env: { STINT_NOOP_MS: '300' } }),
    faults: { seed: 1, rules } as never,
  });
  await Promise.all(
    Object.entries(asked).map(async ([image, { config: change, ...more }]) => {
      const spec = specOf({ ...more, executor: { image, ...more.executor } });
      const [task] = await runAll(await computeFor(change), [spec]);
      if (task) done[image] = task;
    }),
  );
});
afterAll(() => cluster.stop());

const spot = 'mi-spot SPOT_RECLAIM';
const well = 'mi COMPLETED';
test.each([
  ['five', 'COMPLETE', [spot, spot, spot, spot, spot, 'mi-spot COMPLETED']],
  ['six', 'SYSTEM_ERROR', [spot, spot, spot, spot, spot, spot]],
  ['first', 'COMPLETE', [spot, well]],
  ['third', 'COMPLETE', [spot, spot, spot, well]],
  ['alone', 'COMPLETE', [spot, spot, 'mi-spot COMPLETED']],
  ['stuck', 'COMPLETE', ['mi-spot START_DEADLINE', well]],
  ['none', 'COMPLETE', ['mi-spot CAPACITY_UNAVAILABLE', well]],
  ['quota', 'COMPLETE', ['mi-spot QUOTA_EXCEEDED', well]],
  ['refused', 'COMPLETE', [well]],
  ['limit', 'SYSTEM_ERROR', ['mi TIME_LIMIT']],
  ['ondemand', 'COMPLETE', [well]],
])('%s: %s after %j', (image, state, attempts) => {
  const task = done[image];
  expect(task?.attempts.map((a) => `${a.placement.offer} ${a.outcome?.code}`)).toEqual(attempts);
  expect(task?.state).toBe(state);
});

test('a reclaim that exits 0 is a reclaim, its code kept', () => {
  expect(done['five']?.attempts.map((a) => a.outcome?.exitCode)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(done['third']?.attempts.map((a) => a.outcome?.exitCode)).toEqual([143, 143, 143, 0]);
});

test('one reclaim too many ends the task, and tells of every attempt', () => {
  const task = done['six'] as TaskDocument;
  expect(task.outcome).toMatchObject({
    code: 'SPOT_ATTEMPTS_EXHAUSTED',
    retry: true,
    hint: expect.stringMatching(/spotFirst/),
  });
  expect(task.outcome?.raw).toEqual({
    attempts: [1, 2, 3, 4, 5, 6].map((attempt) => ({
      attempt,
      offer: 'mi-spot',
      market: 'spot',
      code: 'SPOT_RECLAIM',
      raw: expect.objectContaining({ stopCode: 'SpotInterruption' }),
    })),
  });
  expect(viewTask(task).logs.map((l) => l.attempt)).toEqual([6, 5, 4, 3, 2, 1]);
});

test('a refusal is no attempt: it is told beside it', () => {
  const [attempt] = done['refused']?.attempts ?? [];
  expect(attempt?.refusals).toMatchObject([
    { offer: 'mi-spot', market: 'spot', kind: 'capacity', code: 'RESOURCE:CPU' },
  ]);
  expect(attempt?.submission).toBe(2);
});

test('where there is only on-demand capacity, spotFirst says so', () => {
  expect(done['ondemand']?.attempts[0]?.placement.warnings).toEqual([
    'spotFirst: there is only on-demand capacity that fits, so mi is used',
  ]);
});

test('a deadline and a time limit are calls of StopTask with their reasons', () => {
  const stopped = cluster.calls().filter((c) => c.action === 'StopTask');
  const of = (image: string) => stopped.find((c) => c.request['task'] === done[image]?.attempts[0]?.handle)?.request;
  const task = expect.stringContaining(':task/c/');
  expect(of('stuck')).toEqual({ cluster: CLUSTER_ARN, task, reason: 'stint: did not start in time' });
  expect(of('limit')).toEqual({ cluster: CLUSTER_ARN, task, reason: 'stint: time limit reached' });
  expect(done['limit']?.outcome).toMatchObject({ code: 'TIME_LIMIT', exitCode: 143 });
});

test('a running task with ECS Exec tells the command that opens a shell in it', async () => {
  const compute = await computeFor({
    executeCommand: true,
    taskRole: 'arn:aws:iam::123456789012:role/task',
    spotPolicy: 'onDemand',
  });
  const engine = engineOn(compute);
  const { task } = await engine.submit(specOf({ executor: { env: { STINT_NOOP_MS: '60000' } } }), compute.target);
  const exec = async () => viewTask(await engine.read(task.id)).logs[0]?.metadata['exec_command'];
  await expect
    .poll(exec)
    .toMatch(
      /^aws ecs execute-command --region eu-west-1 --cluster arn:aws:ecs:eu-west-1:123456789012:cluster\/c --container main --interactive --command \/bin\/sh --task arn:aws:ecs:eu-west-1:123456789012:task\/c\/[0-9a-f]{32}$/,
    );
  await engine.cancel(task.id, 'enough');
  await engine.wait(task.id);
  expect(await exec()).toBeUndefined();
  await engine.stop();
});
