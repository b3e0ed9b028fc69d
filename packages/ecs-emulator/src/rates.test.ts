// SPDX-License-Identifier: Apache-2.0
import {
  CreateClusterCommand,
  DescribeTaskDefinitionCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emulated, fargateDefinition, fitsTheServiceModels, onFargate, refusal } from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
beforeEach(async () => {
  e = await emulated({ rates: {} });
  await e.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
});
afterEach(() => e.stop());

/** How many of `n` calls are answered with ThrottlingException. */
async function throttled(n: number, call: () => Promise<unknown>): Promise<number> {
  let refused = 0;
  for (let i = 0; i < n; i++) {
    try {
      await call();
    } catch (error) {
      if ((error as Error).name === 'ThrottlingException') refused++;
    }
  }
  return refused;
}
const list = () => e.ecs.send(new ListTasksCommand({ cluster: 'c' }));
const register = () => e.ecs.send(new RegisterTaskDefinitionCommand(fargateDefinition()));

test('a full bucket lets its burst pass, then its rate', async () => {
  expect(await throttled(110, list)).toBe(10);
  await e.clock.advance(1_000);
  expect(await throttled(30, list)).toBe(10);
  await e.clock.advance(60_000);
  expect(await throttled(110, list)).toBe(10);
});

test('registrations are one a second after twenty', async () => {
  expect(await throttled(25, register)).toBe(5);
  await e.clock.advance(3_000);
  expect(await throttled(5, register)).toBe(2);
  // Other operations have other buckets.
  await e.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'f' }));
});

test('throttling is an unmodelled error with status 400', async () => {
  await throttled(100, list);
  expect(await refusal(list())).toMatchObject({
    name: 'ThrottlingException',
    message: 'Rate exceeded',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
  });
});

test('RunTask and StopTask share a bucket, and a bad call takes from it too', async () => {
  const stop = () => e.ecs.send(new StopTaskCommand({ cluster: 'c', task: 'f'.repeat(32) }));
  expect(await throttled(100, stop)).toBe(0);
  await register();
  expect(await throttled(5, () => e.ecs.send(new RunTaskCommand(onFargate())))).toBe(5);
});

test('Fargate launches a hundred tasks, then twenty a second', async () => {
  await register();
  const ten = () => e.ecs.send(new RunTaskCommand(onFargate({ count: 10 })));
  expect(await throttled(12, ten)).toBe(2);
  await e.clock.advance(1_000);
  expect(await throttled(4, ten)).toBe(2);
});

test('each Region has its own buckets', async () => {
  await throttled(100, list);
  const there = e.client('us-west-2');
  await there.send(new CreateClusterCommand({ clusterName: 'c' }));
  await there.send(new ListTasksCommand({ cluster: 'c' }));
});

test('a bench may fill it faster than AWS allows', async () => {
  await e.stop();
  e = await emulated({ rates: { registerTaskDefinition: { burst: 50, perSecond: 50 } } });
  expect(await throttled(50, register)).toBe(0);
});

fitsTheServiceModels();
