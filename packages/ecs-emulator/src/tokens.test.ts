// SPDX-License-Identifier: Apache-2.0
import { ConflictException, ListTasksCommand, RunTaskCommand } from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  emulated,
  fargateDefinition,
  fitsTheServiceModels,
  managedDefinition,
  noop,
  onFargate,
  onManaged,
  refusal,
  register,
  run,
  walk,
  withCluster,
} from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
const HOUR = 3_600_000;
async function start(options: Parameters<typeof emulated>[0] = {}): Promise<void> {
  e = await emulated(options);
  await withCluster(e);
  await register(e, fargateDefinition(), managedDefinition());
}
beforeEach(() => start());
afterEach(() => e.stop());

const clientToken = 'a'.repeat(64);
const count = async (): Promise<number> =>
  (await e.ecs.send(new ListTasksCommand({ cluster: 'c' }))).taskArns?.length ?? -1;

test('the same token with the same parameters is the same task, as it is now', async () => {
  const input = onFargate({ ...noop(0, HOUR), clientToken, tags: [{ key: 'k', value: 'v' }] });
  const first = await run(e, input);
  await e.clock.advance(20_000);
  const again = await run(e, { tags: [{ value: 'v', key: 'k' }], ...input });
  expect(again.taskArn).toBe(first.taskArn);
  expect([first.lastStatus, again.lastStatus]).toEqual(['PROVISIONING', 'RUNNING']);
  expect(await count()).toBe(1);
});

test('it stays so when the family has a newer revision, and when the cluster is full', async () => {
  await e.stop();
  await start({ quotas: { provisioningTasks: 1 } });
  const first = await run(e, onFargate({ clientToken }));
  await register(e, fargateDefinition());
  expect((await run(e, onFargate({ clientToken }))).taskArn).toBe(first.taskArn);
});

test('the same token with other parameters is a conflict that names the tasks', async () => {
  const { tasks = [] } = await e.ecs.send(new RunTaskCommand(onFargate({ clientToken, count: 2 })));
  const error = await refusal(e.ecs.send(new RunTaskCommand(onFargate({ clientToken, count: 1 }))));
  expect(error).toBeInstanceOf(ConflictException);
  expect(error['resourceIds']).toEqual(tasks.map(({ taskArn }) => taskArn));
  expect(await count()).toBe(2);
});

test('without a token of its own, each call of the SDK is another task', async () => {
  await run(e, onFargate());
  await run(e, onFargate());
  expect(await count()).toBe(2);
});

test('a refusal does not use the token up', async () => {
  await refusal(e.ecs.send(new RunTaskCommand(onFargate({ clientToken, count: 11 }))));
  await run(e, onFargate({ clientToken }));
});

test('failures are replayed to a repeated token', async () => {
  await e.stop();
  await start({ quotas: { fargateVcpus: 0.25 } });
  const { task } = await walk(
    e,
    await run(e, onFargate(noop(0, 60_000))).then(async (busy) => {
      const input = new RunTaskCommand(onFargate({ clientToken }));
      const first = await e.ecs.send(input);
      expect(first).toMatchObject({ tasks: [], failures: [{ reason: expect.stringContaining('vCPUs') }] });
      return busy;
    }),
  );
  expect(task.lastStatus).toBe('STOPPED');
  // There is room now, but the token has had its answer.
  const again = await e.ecs.send(new RunTaskCommand(onFargate({ clientToken })));
  expect(again).toMatchObject({ tasks: [], failures: [{ reason: expect.stringContaining('vCPUs') }] });
});

test('a token is forgotten when its task vanishes', async () => {
  const first = await run(e, onFargate({ clientToken }));
  await walk(e, first);
  await e.clock.advance(0.9 * HOUR);
  expect((await run(e, onFargate({ clientToken }))).taskArn).toBe(first.taskArn);
  await e.clock.advance(0.2 * HOUR);
  expect((await run(e, onFargate({ clientToken }))).taskArn).not.toBe(first.taskArn);
});

test('a token is forgotten after 24 hours, though its task still runs', async () => {
  const input = onManaged({ ...noop(0, 48 * HOUR), clientToken });
  const first = await run(e, input);
  await e.clock.advance(23.9 * HOUR);
  expect((await run(e, input)).taskArn).toBe(first.taskArn);
  await e.clock.advance(0.2 * HOUR);
  expect((await run(e, input)).taskArn).not.toBe(first.taskArn);
  expect(await count()).toBe(2);
});

fitsTheServiceModels();
