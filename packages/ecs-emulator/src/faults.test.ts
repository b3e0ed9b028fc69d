// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import {
  CreateClusterCommand,
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import type { Task } from '@aws-sdk/client-ecs';
import { afterEach, describe, expect, test } from 'vitest';
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
  see,
  walk,
  withCluster,
} from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';
import type { FaultScriptFile } from './index.ts';

let e: Emulated;
afterEach(() => e.stop());

async function scripted(...rules: FaultScriptFile['rules']): Promise<void> {
  e = await emulated({ faults: { rules } });
  await withCluster(e, [{ name: 'mi' }, { name: 'mi-spot', spot: true }]);
  await register(e, fargateDefinition(), managedDefinition());
}
const onSpot = (change: object = {}) =>
  onManaged({ capacityProviderStrategy: [{ capacityProvider: 'mi-spot', weight: 1 }], ...change });
const onFargateSpot = (change: object = {}) =>
  onFargate({
    launchType: undefined,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
    ...change,
  });
const list = async (): Promise<string[]> => (await e.ecs.send(new ListTasksCommand({ cluster: 'c' }))).taskArns ?? [];
const exitCodes = (task: Task) => task.containers?.map(({ exitCode }) => exitCode);
const HOUR = 3_600_000;

describe('a rule on calls', () => {
  test('answers with an error by name, and nothing has happened', async () => {
    await scripted({ on: 'RunTask', nth: [2], error: { name: 'ServerException', message: 'down' } });
    await run(e, onFargate());
    expect(await refusal(run(e, onFargate()))).toMatchObject({
      name: 'ServerException',
      message: 'down',
      $fault: 'server',
      $metadata: { httpStatusCode: 500 },
    });
    await run(e, onFargate());
    expect(await list()).toHaveLength(2);
  });

  test.each(['ThrottlingException', 'AccessDeniedException', 'LimitExceededException'])(
    '%s is status 400',
    async (name) => {
      await scripted({ on: 'ListTasks', error: { name } });
      expect(await refusal(list())).toMatchObject({ name, $metadata: { httpStatusCode: 400 } });
    },
  );

  test('gives failures instead of tasks, and again to the same token', async () => {
    await scripted({ on: 'RunTask', nth: 1, failures: [{ reason: 'RESOURCE:MEMORY' }] });
    const input = new RunTaskCommand(onManaged({ clientToken: 'one' }));
    for (const _ of [1, 2]) {
      expect(await e.ecs.send(input)).toMatchObject({ tasks: [], failures: [{ reason: 'RESOURCE:MEMORY' }] });
    }
    await run(e, onManaged({ clientToken: 'two' }));
  });

  test('loses a request before it takes effect', async () => {
    await scripted({ on: 'RunTask', nth: [1], lose: 'request' });
    const input = onFargate({ clientToken: 'one' });
    expect((await refusal(run(e, input))).message).toMatch(/hang up|ECONNRESET/);
    expect(await list()).toEqual([]);
    expect(e.logLines().find(({ lost }) => lost === 'request')).toMatchObject({ action: 'RunTask', status: 0 });
    await run(e, input);
    expect(await list()).toHaveLength(1);
  });

  test('loses an answer after the call took effect: its token finds the task', async () => {
    await scripted({ on: 'RunTask', nth: [1], lose: 'answer' });
    const input = onFargate({ clientToken: 'one' });
    expect((await refusal(run(e, input))).message).toMatch(/hang up|ECONNRESET/);
    const [arn] = await list();
    expect(e.logLines().find(({ lost }) => lost === 'answer')).toMatchObject({ action: 'RunTask', status: 200 });
    expect((await run(e, input)).taskArn).toBe(arn);
    expect(await list()).toHaveLength(1);
  });

  test('delays a call', async () => {
    e = await emulated({ faults: { rules: [{ on: 'CreateCluster', delayMs: 5_000 }] } });
    let answered = false;
    const call = e.ecs.send(new CreateClusterCommand({ clusterName: 'late' })).then(() => (answered = true));
    while (e.clock.waiting === 0) await turn();
    await e.clock.advance(4_999);
    expect(answered).toBe(false);
    await e.clock.advance(1);
    await call;
  });

  test('hides new tasks for a while, as eventual consistency may', async () => {
    await scripted({ on: 'RunTask', nth: [1], hideMs: 7_000 });
    const task = await run(e, onFargate(noop(0, HOUR)));
    const tasks = [task.taskArn ?? ''];
    const { failures } = await e.ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks }));
    expect(failures).toEqual([{ arn: task.taskArn, reason: 'MISSING' }]);
    expect(await list()).toEqual([]);
    await e.clock.advance(7_000);
    expect(await see(e, task)).toHaveLength(1);
    expect(await list()).toEqual(tasks);
  });

  test('matches a family, a provider, a cluster', async () => {
    await scripted(
      { on: 'RunTask', match: { family: 'f*', provider: 'FARGATE_SPOT' }, error: { name: 'A' } },
      { on: 'RunTask', match: { provider: 'mi*' }, error: { name: 'B' } },
      { on: 'ListTasks', match: { cluster: 'd?' }, error: { name: 'C' } },
      { on: 'DescribeTasks', match: { family: 'f' }, error: { name: 'D' } },
      { on: 'RegisterTaskDefinition', match: { family: 'new' }, error: { name: 'E' } },
    );
    const task = await run(e, onFargate());
    expect(await refusal(run(e, onFargateSpot()))).toMatchObject({ name: 'A' });
    expect(await refusal(run(e, onManaged()))).toMatchObject({ name: 'B' });
    expect(await refusal(e.ecs.send(new ListTasksCommand({ cluster: 'd1' })))).toMatchObject({ name: 'C' });
    expect(await list()).toHaveLength(1);
    expect(await refusal(see(e, task))).toMatchObject({ name: 'D' });
    expect(await refusal(register(e, fargateDefinition({ family: 'new' })))).toMatchObject({ name: 'E' });
    await register(e, fargateDefinition({ family: 'newer' }));
  });

  const pattern = async (n: number): Promise<string> => {
    let out = '';
    for (let i = 0; i < n; i++)
      out += await list().then(
        () => '.',
        (error: Error) => error.name,
      );
    return out;
  };
  test('every Nth, and the first rule that applies', async () => {
    await scripted(
      { on: 'ListTasks', nth: 'every 3', error: { name: 'a' } },
      { on: 'ListTasks', nth: [2, 5], error: { name: 'b' } },
    );
    // The second rule is not tried on calls 3 and 6, so its fifth match is call 7.
    expect(await pattern(9)).toBe('.ba..ab.a');
  });

  test('with a probability, the same for the same seed', async () => {
    const rule: FaultScriptFile['rules'][number] = { on: 'ListTasks', probability: 0.3, error: { name: 'x' } };
    const seen: string[] = [];
    for (const seed of [1, 1, 2]) {
      e = await emulated({ faults: { seed, rules: [rule] } });
      await e.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
      seen.push(await pattern(100));
      if (seen.length < 3) await e.stop();
    }
    expect(seen[0]).toBe(seen[1]);
    expect(seen[0]).not.toBe(seen[2]);
    const hits = seen[0]?.replaceAll('.', '').length ?? 0;
    expect(hits).toBeGreaterThan(15);
    expect(hits).toBeLessThan(45);
  });
});

describe('a Spot reclaim', () => {
  test('warns a running task of Fargate, and ends it as SpotInterruption', async () => {
    await scripted({ task: {}, at: 'RUNNING', afterMs: 3_000, event: 'spotReclaim' });
    const { statuses, task } = await walk(e, await run(e, onFargateSpot(noop(0, HOUR))));
    expect(statuses).toContain('RUNNING');
    expect(task).toMatchObject({
      stopCode: 'SpotInterruption',
      stoppedReason: 'Your Spot Task was interrupted.',
      desiredStatus: 'STOPPED',
    });
    expect(exitCodes(task)).toEqual([143]);
  });

  test('of a task that exits 0 on SIGTERM looks like success but for its stop code', async () => {
    await scripted({ task: {}, at: 'RUNNING', afterMs: 3_000, event: 'spotReclaim', exitCode: 0 });
    const { task } = await walk(e, await run(e, onFargateSpot(noop(9, HOUR))));
    expect(task.stopCode).toBe('SpotInterruption');
    expect(exitCodes(task)).toEqual([0]);
  });

  test('takes the instance of Managed Instances, and no other task with it', async () => {
    await scripted({ task: { nth: [2] }, at: 'RUNNING', afterMs: 1_000, event: 'spotReclaim' });
    const { tasks = [] } = await e.ecs.send(new RunTaskCommand(onSpot({ ...noop(0, HOUR), count: 3 })));
    await e.clock.advance(120_000);
    const [first, second, third] = await see(e, ...tasks);
    expect([first?.lastStatus, third?.lastStatus]).toEqual(['RUNNING', 'RUNNING']);
    expect(second).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'SpotInterruption',
      stoppedReason: expect.stringMatching(/^Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.$/),
    });
    const containerInstances = [second?.containerInstanceArn ?? ''];
    const seen = await e.ecs.send(new DescribeContainerInstancesCommand({ cluster: 'c', containerInstances }));
    expect(seen.containerInstances).toMatchObject([{ status: 'INACTIVE' }]);
  });

  test.each(['PROVISIONING', 'PENDING'] as const)('at %s leaves no exit code', async (at) => {
    await scripted({ task: {}, at, event: 'spotReclaim' });
    const { task } = await walk(e, await run(e, onFargateSpot(noop(0))));
    expect(task).toMatchObject({ stopCode: 'SpotInterruption', stoppedReason: 'Your Spot Task was interrupted.' });
    expect(exitCodes(task)).toEqual([undefined]);
  });

  test('comes to tasks on Spot only', async () => {
    await scripted({ task: { nth: [1] }, at: 'RUNNING', event: 'spotReclaim' });
    expect((await walk(e, await run(e, onFargate(noop(0))))).task.stopCode).toBe('EssentialContainerExited');
    expect((await walk(e, await run(e, onManaged(noop(0))))).task.stopCode).toBe('EssentialContainerExited');
    expect((await walk(e, await run(e, onFargateSpot(noop(0))))).task.stopCode).toBe('SpotInterruption');
  });
});

describe('a lost host', () => {
  test('of Managed Instances leaves neither stop code nor exit code', async () => {
    await scripted({ task: { provider: 'mi*', nth: [1] }, at: 'RUNNING', afterMs: 500, event: 'hostLost' });
    const [lost, kept] = [await run(e, onManaged(noop(0, HOUR))), await run(e, onManaged(noop(0, HOUR)))];
    const { statuses, task } = await walk(e, lost);
    expect(statuses.slice(-2)).toEqual(['RUNNING', 'STOPPED']);
    expect(task.stopCode).toBeUndefined();
    expect(task.stoppedReason).toMatch(/^Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.$/);
    expect(exitCodes(task)).toEqual([undefined]);
    expect((await see(e, kept))[0]?.lastStatus).toBe('RUNNING');
  });

  test('of Fargate is a matter of the infrastructure', async () => {
    await scripted({ task: {}, at: 'RUNNING', event: 'hostLost' });
    const { task } = await walk(e, await run(e, onFargate(noop(0, HOUR))));
    expect(task).toMatchObject({ stopCode: 'InfrastructureHealth' });
    expect(exitCodes(task)).toEqual([undefined]);
  });
});

describe('a task that does not start', () => {
  test.each([
    ['notFound', /^CannotPullContainerError: .*busybox:latest: not found$/],
    ['denied', /^CannotPullContainerError: .*pull access denied/],
    ['rateLimited', /^CannotPullContainerError: .*toomanyrequests/],
    ['architecture', /^CannotPullContainerError: .*image Manifest does not contain descriptor matching platform/],
    ['noSpace', /^CannotPullContainerError: .*no space left on device/],
  ] as const)('for a pull error: %s', async (kind, reason) => {
    await scripted({ task: {}, at: 'PENDING', event: 'pullError', kind });
    const { statuses, task } = await walk(e, await run(e, onFargate(noop(0))));
    expect(statuses).not.toContain('RUNNING');
    expect(task).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: expect.stringMatching(reason),
      containers: [{ reason: expect.stringMatching(reason) }],
    });
    expect(exitCodes(task)).toEqual([undefined]);
  });

  test('for its resources', async () => {
    await scripted({ task: {}, at: 'PENDING', event: 'resourceInit' });
    const { task } = await walk(e, await run(e, onFargate(noop(0))));
    expect(task).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: expect.stringMatching(/^ResourceInitializationError: unable to pull secrets or registry auth/),
    });
  });

  test.each([undefined, 127])('for a bad command, with the exit code %s', async (exitCode) => {
    await scripted({ task: {}, at: 'PENDING', event: 'badCommand', ...(exitCode !== undefined && { exitCode }) });
    const { task } = await walk(
      e,
      await run(e, onManaged({ overrides: { containerOverrides: [{ name: 'main', command: ['nope'] }] } })),
    );
    expect(task).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: expect.stringMatching(
        /^CannotStartContainerError: .*exec: "nope": executable file not found in \$PATH/,
      ),
    });
    expect(exitCodes(task)).toEqual([exitCode]);
  });

  test.each([
    ['mi', 'insufficient', 'TaskFailedToStart', /^InsufficientInstanceCapacity: .*Request ID/],
    ['mi', 'vcpuQuota', 'TaskFailedToStart', /^VcpuLimitExceeded: .*Request ID/],
    ['mi', 'timeout', 'TaskFailedToStart', /timed out waiting for capacity/],
    ['FARGATE', 'insufficient', 'TaskFailedToStart', /^Capacity is unavailable at this time/],
    ['FARGATE', 'vcpuQuota', 'TaskFailedToStart', /limit on the number of vCPUs/],
    ['FARGATE_SPOT', 'insufficient', 'SpotInterruption', /^Your Spot Task was interrupted/],
    ['FARGATE_SPOT', 'timeout', 'TaskFailedToStart', /^Timeout waiting for network interface/],
  ] as const)('for want of capacity of %s: %s', async (provider, kind, stopCode, reason) => {
    await scripted({ task: { provider }, at: 'PROVISIONING', afterMs: 2_000, event: 'noCapacity', kind });
    const input =
      provider === 'mi'
        ? onManaged()
        : onFargate({ launchType: undefined, capacityProviderStrategy: [{ capacityProvider: provider, weight: 1 }] });
    const { statuses, task } = await walk(e, await run(e, { ...input, ...noop(0) }));
    expect(statuses).toEqual(['PROVISIONING', 'DEPROVISIONING', 'STOPPED']);
    expect(task).toMatchObject({ stopCode, stoppedReason: expect.stringMatching(reason) });
    expect(exitCodes(task)).toEqual([undefined]);
  });
});

test('a container killed for its memory exits with 137 and says why', async () => {
  await scripted({ task: {}, at: 'RUNNING', afterMs: 1_000, event: 'outOfMemory' });
  const { task } = await walk(e, await run(e, onFargate(noop(0, HOUR))));
  expect(task).toMatchObject({
    stopCode: 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
    containers: [{ exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }],
  });
});

test.each(['PROVISIONING', 'PENDING', 'RUNNING'] as const)(
  'a task stuck at %s stays until it is stopped',
  async (at) => {
    await scripted({ task: {}, at, event: 'stuck' });
    const made = await run(e, onFargate(noop(5, 1_000)));
    await e.clock.advance(HOUR);
    expect((await see(e, made))[0]?.lastStatus).toBe(at);
    await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: made.taskArn }));
    const { task } = await walk(e, made);
    expect(task.stopCode).toBe('UserInitiated');
    expect(exitCodes(task)).toEqual([at === 'RUNNING' ? 5 : undefined]);
  },
);

test.each(['PROVISIONING', 'PENDING', 'RUNNING'] as const)('a task that vanishes at %s was never there', async (at) => {
  await scripted({ task: { nth: [1] }, at, afterMs: 500, event: 'vanish' });
  const input = onFargate({ ...noop(0, HOUR), clientToken: 'one' });
  const made = await run(e, input);
  await e.clock.advance(60_000);
  expect(await see(e, made)).toEqual([]);
  expect(await list()).toEqual([]);
  // Its token went with it.
  expect((await run(e, input)).taskArn).not.toBe(made.taskArn);
});

test('an event after the end of a task does not come', async () => {
  await scripted({ task: {}, at: 'RUNNING', afterMs: 20_000, event: 'hostLost' });
  const { task } = await walk(e, await run(e, onFargate(noop(0, 5_000))));
  expect(task.stopCode).toBe('EssentialContainerExited');
});

test('rules on tasks match families and providers, and count what they match', async () => {
  await scripted(
    { task: { family: 'f', nth: [2] }, at: 'RUNNING', event: 'outOfMemory' },
    { task: { provider: 'FARGATE' }, at: 'PENDING', event: 'resourceInit' },
  );
  const codes: (string | undefined)[] = [];
  for (const input of [onManaged(noop(0)), onFargate(noop(0)), onFargate(noop(0))]) {
    const { task } = await walk(e, await run(e, input));
    codes.push(task.containers?.[0]?.reason ?? task.stopCode);
  }
  expect(codes).toEqual([
    'EssentialContainerExited',
    'TaskFailedToStart',
    'OutOfMemoryError: Container killed due to memory usage',
  ]);
});

fitsTheServiceModels();
