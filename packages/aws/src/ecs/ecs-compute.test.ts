// SPDX-License-Identifier: Apache-2.0
// The ECS backend against the emulator, over HTTP, with the real SDK; the containers are real processes.
import { afterEach, describe, expect, test } from 'vitest';
import type { TaskSpec } from '@stint/core';
import { computeContract, taskSpec } from '@stint/contracts/suites';
import { emulatedCluster } from '../../testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../testing/emulated-cluster.ts';
import { runAll } from '../../testing/run-all.ts';

computeContract('ECS on the emulator', async () => {
  const cluster = await emulatedCluster();
  return {
    image: 'none',
    open: () => cluster.compute({ capacity: ['mi'], stopTimeout: '5s' }),
    close: () => cluster.stop(),
  };
});

let cluster: EmulatedCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const sh = (script: string, change: Partial<TaskSpec> = {}): TaskSpec =>
  taskSpec({
    executors: [{ image: 'busybox', command: ['sh', '-c', script], entryPoint: null, env: {}, workdir: null }],
    ...change,
  });

const last = (c: EmulatedCluster, action: string) =>
  c.calls().findLast((call) => call.action === action)?.request ?? {};

describe('a task on Managed Instances', () => {
  test('runs under the engine to its end, with where it ran, and one definition for all sizes', async () => {
    cluster = await emulatedCluster();
    const compute = await cluster.compute({ spotPolicy: 'onDemand' });
    const sizes = [0.5, 1, 2].map((cpus) => sh('echo hello; exit 0', { wants: { ...taskSpec().wants, cpus } }));
    const done = await runAll(compute, sizes);
    for (const task of done) {
      expect(task).toMatchObject({ state: 'COMPLETE', outcome: { exitCode: 0 } });
      expect(task.attempts[0]?.where).toMatchObject({
        provider: 'mi',
        instanceType: expect.any(String),
        instanceId: expect.stringMatching(/^i-/),
      });
    }
    expect(cluster.calls().filter((call) => call.action === 'RegisterTaskDefinition')).toHaveLength(1);
  });

  test('its requests are exactly these', async () => {
    cluster = await emulatedCluster();
    const compute = await cluster.compute({ spotPolicy: 'onDemand', taskRole: 'arn:aws:iam::123456789012:role/task' });
    const [done] = await runAll(compute, [sh('true', { labels: { 'a b!': 'c?' }, stopTimeoutS: 7 })]);
    const attempt = done?.attempts[0];
    expect(last(cluster, 'RunTask')).toEqual({
      cluster: expect.stringContaining(':cluster/c'),
      taskDefinition: expect.stringMatching(/:task-definition\/stint-busybox-[0-9a-f]{16}:1$/),
      count: 1,
      clientToken: attempt?.clientToken,
      startedBy: `stint/${done?.id}/1`,
      capacityProviderStrategy: [{ capacityProvider: 'mi', weight: 1 }],
      overrides: { cpu: '1024', memory: '2048', containerOverrides: [{ name: 'main', command: ['sh', '-c', 'true'] }] },
      tags: [{ key: 'a b_', value: 'c_' }],
    });
    expect(last(cluster, 'RegisterTaskDefinition')).toMatchObject({
      requiresCompatibilities: ['MANAGED_INSTANCES'],
      networkMode: 'host',
      runtimePlatform: { cpuArchitecture: 'X86_64', operatingSystemFamily: 'LINUX' },
      executionRoleArn: 'arn:aws:iam::123456789012:role/exec',
      taskRoleArn: 'arn:aws:iam::123456789012:role/task',
      containerDefinitions: [
        {
          name: 'main',
          image: 'busybox',
          essential: true,
          stopTimeout: 7,
          linuxParameters: { initProcessEnabled: true },
          logConfiguration: {
            logDriver: 'awslogs',
            options: { mode: 'blocking', 'awslogs-group': '/aws/ecs/stint', 'awslogs-stream-prefix': 'stint' },
          },
        },
      ],
    });
  });
});

test('output under a prefix of the caller’s own is found by a process that does not know it', async () => {
  cluster = await emulatedCluster();
  const compute = await cluster.compute(
    { spotPolicy: 'onDemand', logsGroup: '/aws/ecs/nextflow' },
    { logPrefix: 'nf' },
  );
  const [done] = await runAll(compute, [sh('echo hello')]);
  const [attempt] = done?.attempts ?? [];
  const other = await cluster.compute();
  const read = async () => {
    if (!done || !attempt) return null;
    const { lines } = await other.logs(done, attempt, null, new AbortController().signal);
    return lines.map((line) => line.text);
  };
  await expect.poll(read).toEqual(['hello']);
  expect(last(cluster, 'GetLogEvents')).toMatchObject({
    logGroupName: '/aws/ecs/nextflow',
    logStreamName: `nf/main/${attempt?.handle?.split('/').at(-1)}`,
  });
});

test('Fargate rounds up to a legal pair, and gets subnets of the default VPC with a public address', async () => {
  cluster = await emulatedCluster();
  const compute = await cluster.compute({ capacity: ['fargate'], spotPolicy: 'onDemand' });
  const [done] = await runAll(compute, [
    sh('exit 0', {
      wants: {
        ...taskSpec().wants,
        cpus: 0.3,
        memoryMib: 600,
        disk: { sizeGib: 50, type: null, iops: null, throughputMibS: null },
      },
    }),
  ]);
  expect(done?.state).toBe('COMPLETE');
  expect(last(cluster, 'RunTask')).toMatchObject({
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1 }],
    overrides: { cpu: '512', memory: '1024', ephemeralStorage: { sizeInGiB: 50 } },
    networkConfiguration: {
      awsvpcConfiguration: {
        assignPublicIp: 'ENABLED',
        subnets: expect.any(Array),
        securityGroups: [expect.any(String)],
      },
    },
  });
  expect(last(cluster, 'RegisterTaskDefinition')).toMatchObject({
    requiresCompatibilities: ['FARGATE'],
    networkMode: 'awsvpc',
  });
});

test('a Spot reclaim that exits 0 is a reclaim, and the next attempt goes on-demand', async () => {
  cluster = await emulatedCluster({
    faults: {
      seed: 1,
      rules: [{ task: { provider: 'mi-spot' }, at: 'RUNNING', event: 'spotReclaim', exitCode: 0 }],
    } as never,
  });
  const compute = await cluster.compute({ capacity: ['mi', 'mi-spot'] });
  const [done] = await runAll(compute, [sh('sleep 1')]);
  expect(done?.attempts.map((a) => `${a.placement.offer} ${a.outcome?.code}`)).toEqual([
    'mi-spot SPOT_RECLAIM',
    'mi COMPLETED',
  ]);
});

test('an answer that gets lost starts nothing twice', async () => {
  cluster = await emulatedCluster({
    faults: { seed: 1, rules: [{ on: 'RunTask', nth: [1, 2], lose: 'answer' }] } as never,
  });
  const compute = await cluster.compute({ spotPolicy: 'onDemand' });
  const [done] = await runAll(compute, [sh('exit 3')]);
  expect(done?.attempts).toHaveLength(1);
  expect(done).toMatchObject({ state: 'EXECUTOR_ERROR', outcome: { exitCode: 3 } });
  const tokens = cluster
    .calls()
    .filter((c) => c.action === 'RunTask')
    .map((c) => c.request['clientToken']);
  expect(tokens.length).toBeGreaterThan(1);
  expect(new Set(tokens).size).toBe(1);
});

test.each([
  ['pullError', { kind: 'notFound' }, 'IMAGE_NOT_FOUND'],
  ['pullError', { kind: 'denied' }, 'IMAGE_ACCESS_DENIED'],
  ['pullError', { kind: 'rateLimited' }, 'IMAGE_RATE_LIMITED'],
  ['pullError', { kind: 'architecture' }, 'IMAGE_WRONG_ARCHITECTURE'],
  ['pullError', { kind: 'noSpace' }, 'IMAGE_NO_SPACE'],
  ['resourceInit', {}, 'RESOURCE_INITIALIZATION'],
  ['badCommand', {}, 'BAD_COMMAND'],
  ['noCapacity', { kind: 'insufficient' }, 'CAPACITY_UNAVAILABLE'],
  ['noCapacity', { kind: 'vcpuQuota' }, 'QUOTA_EXCEEDED'],
  ['noCapacity', { kind: 'timeout' }, 'CAPACITY_UNAVAILABLE'],
] as const)('%s %j ends as %s, and null stays null', async (event, more, code) => {
  const at = event === 'noCapacity' ? 'PROVISIONING' : 'PENDING';
  cluster = await emulatedCluster({ faults: { seed: 1, rules: [{ task: {}, at, event, ...more }] } as never });
  const [done] = await runAll(await cluster.compute({ spotPolicy: 'onDemand', capacity: ['mi'] }), [sh('true')]);
  expect(done).toMatchObject({ state: 'SYSTEM_ERROR', outcome: { code, exitCode: null } });
});

test.each([
  ['hostLost', 'RUNNING', 'HOST_LOST'],
  ['outOfMemory', 'RUNNING', 'OUT_OF_MEMORY'],
] as const)('%s ends as %s', async (event, at, code) => {
  cluster = await emulatedCluster({ faults: { seed: 1, rules: [{ task: {}, at, event }] } as never });
  const [done] = await runAll(await cluster.compute({ spotPolicy: 'onDemand', capacity: ['mi'] }), [sh('sleep 30')]);
  expect(done?.outcome?.code).toBe(code);
});

test.each([29, 16_385])(
  'a disk of %i GiB never goes to Managed Instances, and the error names the range',
  async (sizeGib) => {
    cluster = await emulatedCluster();
    const wants = { ...taskSpec().wants, disk: { sizeGib, type: null, iops: null, throughputMibS: null } };
    const none = { spotReclaims: 0, exhausted: [], inUse: { cpus: 0, memoryMib: 0 } };
    const managed = await (await cluster.compute({ capacity: ['mi', 'mi-spot'] })).place(wants, 'onDemand', none);
    expect(managed).toEqual({
      kind: 'never',
      problems: ['mi', 'mi-spot'].map(
        (name) => `${name}: a disk of ${sizeGib} GiB was asked, Managed Instances have 30 to 16384`,
      ),
    });
    const anywhere = await (await cluster.compute()).place(wants, 'onDemand', none);
    if (sizeGib === 29) expect(anywhere).toMatchObject({ placement: { offer: 'fargate' } });
    else expect(anywhere.kind).toBe('never');
  },
);

describe('configuration', () => {
  test.each([
    [{ cluster: 'nope' }, /no cluster nope/],
    [{ capacity: ['nope'] }, /capacity: nope is not there or not ACTIVE; the cluster has: .*mi/],
  ])('%j is refused, saying what was found', async (change, says) => {
    cluster = await emulatedCluster();
    await expect(cluster.compute(change)).rejects.toThrow(says);
  });

  test('what fits nowhere names both numbers, before anything is sent', async () => {
    cluster = await emulatedCluster();
    const compute = await cluster.compute({ capacity: ['fargate'] });
    await expect(runAll(compute, [sh('true', { wants: { ...taskSpec().wants, cpus: 17 } })])).rejects.toThrow(
      /17 CPUs were asked, aws.ecs.limits.maxCpus is 16/,
    );
    await expect(runAll(compute, [sh('x'.repeat(9_000))])).rejects.toThrow(/90\d\d characters, ECS takes 8192 at most/);
    expect(cluster.calls().map((c) => c.action)).not.toContain('RunTask');
  });
});
