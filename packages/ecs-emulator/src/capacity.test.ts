// SPDX-License-Identifier: Apache-2.0
import {
  CreateCapacityProviderCommand,
  CreateClusterCommand,
  DeleteCapacityProviderCommand,
  DeleteClusterCommand,
  DescribeCapacityProvidersCommand,
  DescribeClustersCommand,
  DescribeContainerInstancesCommand,
  ListContainerInstancesCommand,
  PutClusterCapacityProvidersCommand,
  RunTaskCommand,
  UpdateCapacityProviderCommand,
} from '@aws-sdk/client-ecs';
import type { ContainerInstance, InstanceRequirementsRequest, Task } from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  emulated,
  fargateDefinition,
  fitsTheServiceModels,
  managedDefinition,
  managedProvider,
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

let e: Emulated;
beforeEach(async () => {
  e = await emulated();
});
afterEach(() => e.stop());

const ALL = { vCpuCount: { min: 0 }, memoryMiB: { min: 0 } };
const create = (...args: Parameters<typeof managedProvider>) =>
  e.ecs.send(new CreateCapacityProviderCommand(managedProvider(...args)));
const statusOf = async (name: string) =>
  (await e.ecs.send(new DescribeCapacityProvidersCommand({ cluster: 'c', capacityProviders: [name] })))
    .capacityProviders?.[0];

async function instances(): Promise<ContainerInstance[]> {
  const { containerInstanceArns = [] } = await e.ecs.send(new ListContainerInstancesCommand({ cluster: 'c' }));
  if (containerInstanceArns.length === 0) return [];
  const seen = await e.ecs.send(
    new DescribeContainerInstancesCommand({ cluster: 'c', containerInstances: containerInstanceArns }),
  );
  return seen.containerInstances ?? [];
}
const attribute = (instance: ContainerInstance | undefined, name: string) =>
  instance?.attributes?.find((each) => each.name === name)?.value;
const typesOf = async (): Promise<string[]> =>
  (await instances()).map((each) => attribute(each, 'ecs.instance-type') ?? '').toSorted();
const runMany = async (count: number, change: object = {}): Promise<Task[]> => {
  const tasks: Task[] = [];
  for (let left = count; left > 0; left -= 10) {
    const made = await e.ecs.send(
      new RunTaskCommand(onManaged({ ...noop(0, 1e9), count: Math.min(10, left), ...change })),
    );
    tasks.push(...(made.tasks ?? []));
  }
  return tasks;
};

describe('a provider of Managed Instances', () => {
  test('becomes ACTIVE in its cluster, is seen through it alone, and goes', async () => {
    await e.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
    const made = await create('mi', { spot: true });
    expect(made.capacityProvider).toMatchObject({ status: 'PROVISIONING', type: 'MANAGED_INSTANCES' });
    await e.clock.advance(20_000);
    expect(await statusOf('mi')).toMatchObject({
      status: 'ACTIVE',
      updateStatus: 'CREATE_COMPLETE',
      managedInstancesProvider: { instanceLaunchTemplate: { capacityOptionType: 'SPOT' } },
    });
    const without = await e.ecs.send(new DescribeCapacityProvidersCommand({ capacityProviders: ['mi'] }));
    expect(without.failures).toMatchObject([{ reason: 'MISSING' }]);
    const { clusters } = await e.ecs.send(new DescribeClustersCommand({ clusters: ['c'] }));
    expect(clusters?.[0]?.capacityProviders).toEqual(['mi']);
    expect(await refusal(e.ecs.send(new DeleteClusterCommand({ cluster: 'c' })))).toMatchObject({
      name: 'ClusterContainsCapacityProviderException',
    });
    await e.ecs.send(new DeleteCapacityProviderCommand({ cluster: 'c', capacityProvider: 'mi' }));
    expect(await statusOf('mi')).toBeUndefined();
    const deleted = await e.ecs.send(new DeleteClusterCommand({ cluster: 'c' }));
    expect(deleted.cluster?.status).toBe('INACTIVE');
    expect(await refusal(e.ecs.send(new RunTaskCommand(onFargate())))).toMatchObject({
      name: 'ClusterNotFoundException',
    });
  });

  test('is not used before it is ACTIVE', async () => {
    await e.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
    await register(e, managedDefinition());
    await create('mi');
    expect((await refusal(run(e, onManaged()))).message).toMatch(/PROVISIONING/);
  });

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['a name of AWS', () => create('fargate-mine'), 'InvalidParameterException', /name/],
    ['a name with a dot', () => create('a.b'), 'InvalidParameterException', /name/],
    ['a name twice', () => create('mi'), 'InvalidParameterException', /exists/],
    [
      'no cluster',
      () => e.ecs.send(new CreateCapacityProviderCommand({ ...managedProvider('x'), cluster: undefined })),
      'InvalidParameterException',
      /cluster/,
    ],
    [
      'neither kind',
      () => e.ecs.send(new CreateCapacityProviderCommand({ name: 'x', cluster: 'c' })),
      'InvalidParameterException',
      /Exactly one/,
    ],
    ['a scale-in of two hours', () => create('x', { scaleInAfter: 7200 }), 'InvalidParameterException', /3600/],
    [
      'min above max',
      () => create('x', { requirements: { ...ALL, vCpuCount: { min: 4, max: 2 } } }),
      'InvalidParameterException',
      /vCpuCount/,
    ],
    [
      'a type outside its own range',
      () => create('x', { requirements: { ...ALL, vCpuCount: { min: 8 }, allowedInstanceTypes: ['m6i.large'] } }),
      'InvalidParameterException',
      /m6i\.large/,
    ],
    [
      'an enum in the wrong case',
      () => create('x', { requirements: { ...ALL, bareMetal: 'EXCLUDED' as 'excluded' } }),
      'InvalidParameterException',
      /enum/,
    ],
  ])('is refused: %s', async (_, call, name, message) => {
    await withCluster(e);
    const error = await refusal(call());
    expect(error).toMatchObject({ name });
    expect(error.message).toMatch(message);
  });

  test('number 21 of a cluster is one too many', async () => {
    await withCluster(
      e,
      Array.from({ length: 20 }, (_, i) => ({ name: `p${i}` })),
    );
    expect(await refusal(create('p20'))).toMatchObject({ name: 'LimitExceededException' });
  });

  test('pages by ten', async () => {
    await withCluster(
      e,
      Array.from({ length: 12 }, (_, i) => ({ name: `p${i}` })),
    );
    const first = await e.ecs.send(new DescribeCapacityProvidersCommand({ cluster: 'c' }));
    expect(first.capacityProviders).toHaveLength(10);
    const { nextToken } = first;
    const second = await e.ecs.send(new DescribeCapacityProvidersCommand({ cluster: 'c', nextToken }));
    expect(second.capacityProviders).toHaveLength(4);
    expect(second.nextToken).toBeUndefined();
  });

  test('an update holds for new instances, and leaves the market as it is', async () => {
    await withCluster(e, [{ name: 'mi', spot: true, requirements: { ...ALL, allowedInstanceTypes: ['m6i.large'] } }]);
    await register(e, managedDefinition());
    await runMany(1);
    await e.clock.advance(60_000);
    const update = managedProvider('mi', { requirements: { ...ALL, allowedInstanceTypes: ['m7i.2xlarge'] } });
    await e.ecs.send(new UpdateCapacityProviderCommand(update));
    await runMany(3);
    await e.clock.advance(60_000);
    expect(await typesOf()).toEqual(['m6i.large', 'm7i.2xlarge']);
    expect(await statusOf('mi')).toMatchObject({
      managedInstancesProvider: { instanceLaunchTemplate: { capacityOptionType: 'SPOT' } },
    });
  });
});

test('PutClusterCapacityProviders replaces the list, and leaves none out that is in use', async () => {
  await withCluster(e);
  await register(e, fargateDefinition(), managedDefinition());
  await run(e, onManaged(noop(0, 1e9)));
  const put = (capacityProviders: string[]) =>
    e.ecs.send(
      new PutClusterCapacityProvidersCommand({ cluster: 'c', capacityProviders, defaultCapacityProviderStrategy: [] }),
    );
  expect(await refusal(put(['FARGATE']))).toMatchObject({ name: 'ResourceInUseException' });
  expect((await put(['mi'])).cluster?.capacityProviders).toEqual(['mi']);
  expect(await refusal(put(['mi', 'unknown']))).toMatchObject({ name: 'InvalidParameterException' });
  const spot = {
    ...onFargate(),
    launchType: undefined,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1 }],
  };
  expect((await refusal(run(e, spot))).message).toMatch(/not associated/);
});

describe('instances', () => {
  test('are bought, described and packed: a task shows where it runs', async () => {
    await withCluster(e, [{ name: 'mi', requirements: { ...ALL, allowedInstanceTypes: ['m6i.xlarge'] } }]);
    await register(e, managedDefinition());
    const tasks = await runMany(3);
    await e.clock.advance(10_000);
    expect((await see(e, ...tasks)).map(({ lastStatus }) => lastStatus)).toEqual(Array(3).fill('PROVISIONING'));
    expect(await instances()).toEqual([]);
    await e.clock.advance(60_000);
    const seen = await see(e, ...tasks);
    const [instance, ...others] = await instances();
    expect(others).toEqual([]);
    expect(
      seen.map((task) => [task.lastStatus, task.containerInstanceArn, task.launchType, task.capacityProviderName]),
    ).toEqual(Array(3).fill(['RUNNING', instance?.containerInstanceArn, 'MANAGED_INSTANCES', 'mi']));
    expect(instance).toMatchObject({
      ec2InstanceId: expect.stringMatching(/^i-[0-9a-f]{17}$/),
      capacityProviderName: 'mi',
      status: 'ACTIVE',
      runningTasksCount: 3,
    });
    expect(attribute(instance, 'ecs.instance-type')).toBe('m6i.xlarge');
    expect(attribute(instance, 'ecs.cpu-architecture')).toBe('x86_64');
    expect(attribute(instance, 'ecs.availability-zone')).toBe(seen[0]?.availabilityZone);
    const of = (list: ContainerInstance['registeredResources'], name: string) =>
      list?.find((r) => r.name === name)?.integerValue;
    expect(of(instance?.registeredResources, 'MEMORY')).toBe(Math.floor(16_384 * 0.9));
    expect(of(instance?.remainingResources, 'CPU')).toBe(4_096 - 3 * 1_024);
    // A fourth fits, a fifth needs another one.
    await runMany(2);
    await e.clock.advance(60_000);
    expect(await typesOf()).toEqual(['m6i.xlarge', 'm6i.xlarge']);
  });

  test('are large for many tasks and small for one', async () => {
    await withCluster(e, [{ name: 'mi', requirements: { ...ALL, allowedInstanceTypes: ['c7i.*'] } }]);
    await register(e, managedDefinition({ memory: '1024' }));
    await runMany(1);
    await e.clock.advance(60_000);
    expect(await typesOf()).toEqual(['c7i.large']);
    await runMany(200);
    await e.clock.advance(60_000);
    expect((await typesOf()).length).toBeLessThan(7);
    expect(await typesOf()).toContain('c7i.48xlarge');
  });

  test('need more than a task’s nominal memory: 16 GiB do not fit a type of 16 GiB', async () => {
    await withCluster(e, [
      { name: 'mi', requirements: { ...ALL, allowedInstanceTypes: ['m6i.xlarge', 'm6i.2xlarge'] } },
    ]);
    await register(e, managedDefinition({ cpu: '4096', memory: '16384' }));
    await runMany(1);
    await e.clock.advance(60_000);
    expect(await typesOf()).toEqual(['m6i.2xlarge']);
  });

  test.each<[string, InstanceRequirementsRequest, object, string]>([
    [
      'the accelerator by name',
      { ...ALL, acceleratorNames: ['t4'] },
      { resourceRequirements: [{ type: 'GPU', value: '1' }] },
      'g4dn.xlarge',
    ],
    [
      'four accelerators',
      { ...ALL, acceleratorNames: ['a10g'] },
      { resourceRequirements: [{ type: 'GPU', value: '4' }] },
      'g5.12xlarge',
    ],
    [
      'a family by glob',
      { ...ALL, allowedInstanceTypes: ['r6*.xlarge'], excludedInstanceTypes: undefined },
      {},
      'r6a.xlarge',
    ],
    [
      'without what is excluded',
      { ...ALL, vCpuCount: { min: 2, max: 2 }, excludedInstanceTypes: ['c*', 'm*', 'r*g.*'] },
      {},
      'r5.large',
    ],
    ['one maker of CPUs', { ...ALL, cpuManufacturers: ['amd'], vCpuCount: { min: 4 } }, {}, 'c6a.xlarge'],
    ['burstable ones when asked', { ...ALL, burstablePerformance: 'required' }, {}, 't3.medium'],
    ['instance store when asked', { ...ALL, localStorage: 'required', acceleratorCount: { max: 0 } }, {}, 'c6id.large'],
  ])('have %s', async (_, requirements, change, expected) => {
    await withCluster(e, [{ name: 'mi', requirements }]);
    await register(e, managedDefinition({ containerDefinitions: [{ name: 'main', image: 'x', ...change }] }));
    await runMany(1);
    await e.clock.advance(60_000);
    expect(await typesOf()).toEqual([expected]);
  });

  test('have the architecture of the task', async () => {
    await withCluster(e);
    await register(e, managedDefinition({ runtimePlatform: { cpuArchitecture: 'ARM64' } }));
    await runMany(1);
    await e.clock.advance(60_000);
    expect(attribute((await instances())[0], 'ecs.cpu-architecture')).toBe('arm64');
  });

  test.each([
    'attribute:ecs.instance-type == m7i.4xlarge',
    'attribute:ecs.instance-type =~ m7i.4x.*',
    'attribute:ecs.instance-type in [m7i.4xlarge, nope.large]',
    "(attribute:ecs.instance-type matches 'm7i.*' and not attribute:ecs.instance-type != 'm7i.4xlarge')",
    'attribute:ecs.instance-type =~ m7i\\.(4x|5x)large && attribute:ecs.cpu-architecture exists',
  ])('satisfy %s', async (expression) => {
    await withCluster(e);
    await register(e, managedDefinition());
    await runMany(1, { placementConstraints: [{ type: 'memberOf', expression }] });
    await e.clock.advance(60_000);
    expect(await typesOf()).toEqual(['m7i.4xlarge']);
  });

  test('are one for each task of a group with distinctInstance', async () => {
    await withCluster(e);
    await register(e, managedDefinition({ cpu: '256', memory: '256' }));
    await runMany(3, { placementConstraints: [{ type: 'distinctInstance' }] });
    await e.clock.advance(60_000);
    expect(await instances()).toHaveLength(3);
  });

  test.each<[string, object, object, RegExp]>([
    ['CPU', { cpu: '196608' }, {}, /RESOURCE:CPU/],
    ['memory', { memory: '1000000' }, {}, /RESOURCE:MEMORY/],
    [
      'a GPU',
      { containerDefinitions: [{ name: 'main', image: 'x', resourceRequirements: [{ type: 'GPU', value: '1' }] }] },
      {},
      /RESOURCE:GPU/,
    ],
    [
      'a type',
      {},
      { placementConstraints: [{ type: 'memberOf', expression: 'attribute:ecs.instance-type == x1.large' }] },
      /MemberOf placement constraint unsatisfied/,
    ],
  ])('can not be had for want of %s: the task fails to start', async (_, definition, change, reason) => {
    await withCluster(e, [{ name: 'mi', requirements: { ...ALL, allowedInstanceTypes: ['m*.4xlarge'] } }]);
    await register(e, managedDefinition(definition));
    const [made] = await runMany(1, change);
    if (!made) throw new Error('no task');
    const { task } = await walk(e, made);
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart', stoppedReason: expect.stringMatching(reason) });
    expect(task.containers?.[0]?.exitCode).toBeUndefined();
  });

  test('above the vCPU quota are not bought', async () => {
    await e.stop();
    e = await emulated({ quotas: { instanceVcpus: 4 } });
    await withCluster(e, [{ name: 'mi', requirements: { ...ALL, allowedInstanceTypes: ['m6i.xlarge'] } }]);
    await register(e, managedDefinition({ cpu: '4096' }));
    const [first, second] = await runMany(2);
    if (!first || !second) throw new Error('no task');
    const { task } = await walk(e, second);
    expect(task).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: expect.stringMatching(/^VcpuLimitExceeded.*Request ID/),
    });
    await e.clock.advance(60_000);
    expect((await see(e, first))[0]?.lastStatus).toBe('RUNNING');
  });

  test.each([
    [10, 1],
    [-1, 0],
  ])('with nothing to run go after scaleInAfter %d, and their last state stays visible', async (scaleInAfter, gone) => {
    await e.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
    await create('mi', { scaleInAfter });
    await e.clock.advance(20_000);
    await register(e, managedDefinition());
    const { task } = await walk(e, await run(e, onManaged(noop(0))));
    const arns = task.containerInstanceArn ? [task.containerInstanceArn] : [];
    expect(await instances()).toHaveLength(1);
    await e.clock.advance(400_000);
    expect(await instances()).toHaveLength(1 - gone);
    const { containerInstances } = await e.ecs.send(
      new DescribeContainerInstancesCommand({ cluster: 'c', containerInstances: arns }),
    );
    expect(containerInstances).toMatchObject([
      { status: gone === 1 ? 'INACTIVE' : 'ACTIVE', agentConnected: gone === 0 },
    ]);
  });

  test('of a deleted provider drain: their tasks end in peace, waiting ones fail', async () => {
    await withCluster(e);
    await register(e, managedDefinition());
    const running = await run(e, onManaged(noop(0, 100_000)));
    await e.clock.advance(60_000);
    await e.ecs.send(new DeleteCapacityProviderCommand({ cluster: 'c', capacityProvider: 'mi' }));
    expect(await statusOf('mi')).toMatchObject({ status: 'DEPROVISIONING' });
    expect((await walk(e, running)).task.containers?.[0]?.exitCode).toBe(0);
    expect(await statusOf('mi')).toBeUndefined();
    expect(await instances()).toEqual([]);
  });
});

fitsTheServiceModels();
