// SPDX-License-Identifier: Apache-2.0
import { StopTaskCommand } from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  emulated,
  fitsTheServiceModels,
  fargateDefinition,
  managedDefinition,
  noop,
  onFargate,
  onManaged,
  register,
  run,
  see,
  walk,
  withCluster,
} from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
beforeEach(async () => {
  e = await emulated();
  await withCluster(e);
  await register(e, fargateDefinition(), managedDefinition());
});
afterEach(() => e.stop());

const WALK = [
  'PROVISIONING',
  'PENDING',
  'ACTIVATING',
  'RUNNING',
  'DEACTIVATING',
  'STOPPING',
  'DEPROVISIONING',
  'STOPPED',
];

test('a task walks through all states, and its times are in order', async () => {
  const made = await run(e, onFargate({ ...noop(3, 2_000), startedBy: 'stint/1/1' }));
  expect(made).toMatchObject({ lastStatus: 'PROVISIONING', desiredStatus: 'RUNNING', launchType: 'FARGATE' });
  const { statuses, task } = await walk(e, made);
  expect(statuses).toEqual(WALK);
  expect(task).toMatchObject({
    stopCode: 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
    startedBy: 'stint/1/1',
    group: 'family:f',
    containers: [{ name: 'main', exitCode: 3, lastStatus: 'STOPPED' }],
  });
  const times = [
    task.createdAt,
    task.pullStartedAt,
    task.pullStoppedAt,
    task.startedAt,
    task.stoppingAt,
    task.executionStoppedAt,
    task.stoppedAt,
  ].map((time) => time?.getTime() ?? NaN);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect((times[5] ?? 0) - (times[3] ?? 0)).toBeGreaterThanOrEqual(1_000);
  expect(task.version).toBeGreaterThan(made.version ?? 0);
});

test('a container that ends at once still makes its task RUNNING for a moment', async () => {
  const { statuses, task } = await walk(e, await run(e, onManaged(noop(0))));
  expect(statuses).toEqual(expect.arrayContaining(['PENDING', 'ACTIVATING', 'STOPPED']));
  expect(task.startedAt).toBeInstanceOf(Date);
  expect(task.containers?.[0]?.exitCode).toBe(0);
});

test('StopTask ends a running task with its reason, and takes its tags', async () => {
  const made = await run(e, onFargate({ ...noop(0, 3_600_000), tags: [{ key: 'k', value: 'v' }] }));
  await e.clock.advance(20_000);
  expect((await see(e, made))[0]).toMatchObject({ lastStatus: 'RUNNING', tags: [{ key: 'k', value: 'v' }] });
  const { task } = await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: made.taskArn, reason: 'enough' }));
  expect(task).toMatchObject({
    desiredStatus: 'STOPPED',
    stopCode: 'UserInitiated',
    stoppedReason: 'enough',
    tags: [],
  });
  const end = await walk(e, made);
  expect(end.statuses).toEqual(WALK.slice(4));
  expect(end.task).toMatchObject({
    stopCode: 'UserInitiated',
    stoppedReason: 'enough',
    containers: [{ exitCode: 143 }],
    tags: [],
  });
});

test.each([1_000, 8_000])('a task stopped %d ms after its start never ran: no exit code', async (ms) => {
  const made = await run(e, onFargate(noop(0, 3_600_000)));
  await e.clock.advance(ms);
  await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: made.taskArn }));
  const { task } = await walk(e, made);
  expect(task).toMatchObject({ stopCode: 'UserInitiated', containers: [{ lastStatus: 'STOPPED' }] });
  expect(task.containers?.[0]?.exitCode).toBeUndefined();
  expect(task.startedAt).toBeUndefined();
});

test('a second StopTask changes nothing', async () => {
  const made = await run(e, onFargate(noop(0, 3_600_000)));
  await e.clock.advance(20_000);
  await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: made.taskArn, reason: 'first' }));
  const { task: first } = await walk(e, made);
  await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: made.taskArn, reason: 'second' }));
  expect((await see(e, made))[0]).toEqual(first);
});

test('a stopped task is described for an hour, then MISSING', async () => {
  const made = await run(e, onFargate(noop(0)));
  await walk(e, made);
  await e.clock.advance(3_590_000);
  expect(await see(e, made)).toHaveLength(1);
  await e.clock.advance(20_000);
  expect(await see(e, made)).toHaveLength(0);
});

test('an essential container that ends takes the others with it; an unessential one does not', async () => {
  const container = (name: string, exit: number, ms: number, essential: boolean) => ({
    name,
    image: 'busybox',
    essential,
    environment: [
      { name: 'STINT_NOOP_EXIT', value: String(exit) },
      { name: 'STINT_NOOP_MS', value: String(ms) },
    ],
  });
  await register(e, {
    ...fargateDefinition({ family: 'three' }),
    containerDefinitions: [
      container('main', 0, 60_000, true),
      container('side', 0, 1e9, false),
      container('early', 9, 500, false),
    ],
  });
  const made = await run(e, onFargate({ taskDefinition: 'three' }));
  await e.clock.advance(30_000);
  expect((await see(e, made))[0]).toMatchObject({
    lastStatus: 'RUNNING',
    containers: [{ lastStatus: 'RUNNING' }, { lastStatus: 'RUNNING' }, { lastStatus: 'STOPPED', exitCode: 9 }],
  });
  const { task } = await walk(e, made);
  expect(task.containers?.map(({ exitCode }) => exitCode)).toEqual([0, 143, 9]);
});

test.each([
  ['SUCCESS', 0, 'EssentialContainerExited', 0],
  ['COMPLETE', 7, 'EssentialContainerExited', 0],
  ['SUCCESS', 7, 'EssentialContainerExited', undefined],
] as const)('a container that waits for %s of one that exits %d', async (condition, exit, stopCode, expected) => {
  await register(e, {
    ...fargateDefinition({ family: 'init' }),
    containerDefinitions: [
      { name: 'main', image: 'busybox', dependsOn: [{ containerName: 'init', condition }] },
      {
        name: 'init',
        image: 'busybox',
        essential: false,
        environment: [
          { name: 'STINT_NOOP_EXIT', value: String(exit) },
          { name: 'STINT_NOOP_MS', value: '5000' },
        ],
      },
    ],
  });
  const made = await run(e, onFargate({ taskDefinition: 'init' }));
  await e.clock.advance(16_000);
  expect((await see(e, made))[0]).toMatchObject({
    lastStatus: 'PENDING',
    containers: [{ lastStatus: 'PENDING' }, { lastStatus: 'RUNNING' }],
  });
  const { task } = await walk(e, made);
  expect(task.stopCode).toBe(stopCode);
  expect(task.containers?.map(({ exitCode }) => exitCode)).toEqual([expected, exit]);
});

fitsTheServiceModels();
