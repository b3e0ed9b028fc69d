// SPDX-License-Identifier: Apache-2.0
import {
  DescribeAvailabilityZonesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeRegionsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
  paginateDescribeInstanceTypes,
} from '@aws-sdk/client-ec2';
import { DescribeContainerInstancesCommand } from '@aws-sdk/client-ecs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  clientConfig,
  emulated,
  managedDefinition,
  noop,
  onManaged,
  refusal,
  register,
  run,
  walk,
  withCluster,
} from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
let ec2: EC2Client;
beforeEach(async () => {
  e = await emulated();
  ec2 = new EC2Client(clientConfig(e.endpoint));
});
afterEach(async () => {
  ec2.destroy();
  await e.stop();
});

test('the caller is somebody of the account', async () => {
  const sts = new STSClient(clientConfig(e.endpoint));
  expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: '123456789012',
    Arn: 'arn:aws:sts::123456789012:assumed-role/emulator/caller',
  });
  sts.destroy();
});

describe('the default network', () => {
  test('is found as the documentation says', async () => {
    const { Vpcs = [] } = await ec2.send(
      new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] }),
    );
    expect(Vpcs).toMatchObject([{ IsDefault: true, VpcId: expect.stringMatching(/^vpc-0[0-9a-f]{16}$/) }]);
    const vpc = { Name: 'vpc-id', Values: [Vpcs[0]?.VpcId ?? ''] };
    const { Subnets = [] } = await ec2.send(
      new DescribeSubnetsCommand({
        Filters: [vpc, { Name: 'default-for-az', Values: ['true'] }, { Name: 'state', Values: ['available'] }],
      }),
    );
    expect(Subnets.map((subnet) => subnet.AvailabilityZone)).toEqual(['eu-west-1a', 'eu-west-1b', 'eu-west-1c']);
    expect(Subnets[0]).toMatchObject({ MapPublicIpOnLaunch: true, DefaultForAz: true, VpcId: Vpcs[0]?.VpcId });
    const { SecurityGroups } = await ec2.send(
      new DescribeSecurityGroupsCommand({ Filters: [vpc, { Name: 'group-name', Values: ['default'] }] }),
    );
    expect(SecurityGroups).toMatchObject([{ GroupName: 'default', VpcId: Vpcs[0]?.VpcId }]);
  });

  test('is another one in another Region', async () => {
    const there = new EC2Client({ ...clientConfig(e.endpoint), region: 'us-east-2' });
    const ids = await Promise.all(
      [ec2, there].map(async (client) => (await client.send(new DescribeVpcsCommand({}))).Vpcs?.[0]?.VpcId),
    );
    expect(new Set(ids).size).toBe(2);
    there.destroy();
  });

  test('nothing else is found', async () => {
    const filter = (Name: string, value: string) => ({ Filters: [{ Name, Values: [value] }] });
    expect((await ec2.send(new DescribeVpcsCommand(filter('is-default', 'false')))).Vpcs).toEqual([]);
    expect((await ec2.send(new DescribeSubnetsCommand(filter('vpc-id', 'vpc-1')))).Subnets).toEqual([]);
    expect((await ec2.send(new DescribeSubnetsCommand(filter('availability-zone', '*-2b')))).Subnets).toEqual([]);
    expect((await ec2.send(new DescribeSubnetsCommand(filter('availability-zone', '*-1?')))).Subnets).toHaveLength(3);
    expect(await refusal(ec2.send(new DescribeVpcsCommand(filter('colour', 'red'))))).toMatchObject({
      name: 'InvalidParameterValue',
    });
    expect(await refusal(ec2.send(new DescribeSubnetsCommand({ SubnetIds: ['subnet-1'] })))).toMatchObject({
      name: 'InvalidSubnetID.NotFound',
    });
  });

  test('has zones and Regions', async () => {
    const { AvailabilityZones } = await ec2.send(new DescribeAvailabilityZonesCommand({}));
    expect(AvailabilityZones?.map((zone) => zone.ZoneId)).toEqual(['euw1-az1', 'euw1-az2', 'euw1-az3']);
    const { Regions } = await ec2.send(new DescribeRegionsCommand({ RegionNames: ['eu-west-1'] }));
    expect(Regions).toMatchObject([{ RegionName: 'eu-west-1' }]);
  });
});

describe('instance types', () => {
  test('have the facts that choosing one needs', async () => {
    const InstanceTypes = ['m6i.2xlarge', 'g5.12xlarge', 'c7g.large', 't3.medium', 'inf2.xlarge'] as const;
    const { InstanceTypes: found = [] } = await ec2.send(
      new DescribeInstanceTypesCommand({ InstanceTypes: [...InstanceTypes] }),
    );
    const of = (name: string) => found.find((type) => type.InstanceType === name);
    expect(of('m6i.2xlarge')).toMatchObject({
      VCpuInfo: { DefaultVCpus: 8 },
      MemoryInfo: { SizeInMiB: 32_768 },
      ProcessorInfo: { SupportedArchitectures: ['x86_64'] },
      SupportedUsageClasses: ['on-demand', 'spot'],
      InstanceStorageSupported: false,
    });
    expect(of('g5.12xlarge')).toMatchObject({
      GpuInfo: { Gpus: [{ Name: 'A10G', Manufacturer: 'NVIDIA', Count: 4, MemoryInfo: { SizeInMiB: 24_576 } }] },
      InstanceStorageInfo: { TotalSizeInGB: 3_800 },
    });
    expect(of('c7g.large')?.ProcessorInfo?.SupportedArchitectures).toEqual(['arm64']);
    expect(of('t3.medium')).toMatchObject({ BurstablePerformanceSupported: true, VCpuInfo: { DefaultVCpus: 2 } });
    expect(of('inf2.xlarge')?.GpuInfo).toBeUndefined();
  });

  test('come in pages, each once', async () => {
    const names: (string | undefined)[] = [];
    let pages = 0;
    for await (const page of paginateDescribeInstanceTypes({ client: ec2 }, {})) {
      names.push(...(page.InstanceTypes ?? []).map((type) => type.InstanceType));
      pages++;
    }
    expect(pages).toBeGreaterThan(1);
    expect(names.length).toBeGreaterThan(200);
    expect(new Set(names).size).toBe(names.length);
  });

  test('are filtered', async () => {
    const found = await ec2.send(
      new DescribeInstanceTypesCommand({ Filters: [{ Name: 'instance-type', Values: ['g6.*'] }], MaxResults: 5 }),
    );
    expect(found.InstanceTypes?.every((type) => type.InstanceType?.startsWith('g6.'))).toBe(true);
    expect(found.InstanceTypes).toHaveLength(5);
    expect(found.NextToken).toBeTruthy();
    const unknown = ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: ['z9.huge' as 'm5.large'] }));
    expect(await refusal(unknown)).toMatchObject({ name: 'InvalidInstanceType' });
  });
});

test('Managed Instances are hidden from lists and seen by id; a reclaimed one says why it ended', async () => {
  await e.stop();
  e = await emulated({ faults: { rules: [{ task: {}, at: 'RUNNING', event: 'spotReclaim' }] } });
  ec2 = new EC2Client(clientConfig(e.endpoint));
  await withCluster(e, [{ name: 'mi', spot: true }]);
  await register(e, managedDefinition());
  const { task } = await walk(e, await run(e, onManaged(noop(0, 1e9))));
  const { containerInstances } = await e.ecs.send(
    new DescribeContainerInstancesCommand({ cluster: 'c', containerInstances: [task.containerInstanceArn ?? ''] }),
  );
  const id = containerInstances?.[0]?.ec2InstanceId ?? '';
  expect((await ec2.send(new DescribeInstancesCommand({}))).Reservations).toEqual([]);
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  expect(Reservations?.[0]?.Instances).toMatchObject([
    {
      InstanceId: id,
      InstanceLifecycle: 'spot',
      State: { Name: 'terminated' },
      StateReason: { Code: 'Server.SpotInstanceTermination' },
    },
  ]);
  expect(await refusal(ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-1'] })))).toMatchObject({
    name: 'InvalidInstanceID.NotFound',
  });
});

test('the log has calls of EC2 in the words of the API', async () => {
  await ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] }));
  expect(e.logLines().at(-1)).toMatchObject({
    action: 'DescribeVpcs',
    service: 'ec2',
    request: { Filter: [{ Name: 'is-default', Value: ['true'] }] },
    unknown: [],
  });
});
