// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { judgeProviders } from './discover.ts';
import { readEcsConfig } from './ecs-config.ts';
import { offerOf } from './ecs-offers.ts';

const managed = (name: string, status: 'ACTIVE' | 'PROVISIONING' = 'ACTIVE') => ({
  name,
  status,
  managedInstancesProvider: {},
});

test('each provider of a cluster can be used or says why not, Managed Instances first', () => {
  const found = judgeProviders(
    [
      { name: 'FARGATE', status: 'ACTIVE', type: 'FARGATE' },
      { name: 'FARGATE_SPOT', status: 'ACTIVE', type: 'FARGATE_SPOT' },
      { name: 'asg', status: 'ACTIVE', type: 'EC2_AUTOSCALING' },
      { name: 'of-another-cluster', status: 'ACTIVE', type: 'EC2_AUTOSCALING' },
      managed('mi-new', 'PROVISIONING'),
      managed('mi'),
    ],
    ['FARGATE', 'asg', 'mi', 'mi-new', 'gone'],
  );
  expect(found.map(({ name, kind, problem }) => [name, kind, problem])).toEqual([
    ['mi-new', 'managedInstances', 'is PROVISIONING, not ACTIVE'],
    ['mi', 'managedInstances', null],
    ['FARGATE', 'fargate', null],
    ['FARGATE_SPOT', 'fargate', 'is not associated with the cluster'],
    ['asg', 'other', 'is of an Auto Scaling group, which tasks do not use'],
    ['gone', 'other', 'is listed by the cluster and not described by ECS'],
  ]);
  expect(found[1]?.provider?.type).toBe('MANAGED_INSTANCES');
});

test('a provider that is told to buy no accelerators has none, and its makers of CPUs count beside its types', () => {
  const config = readEcsConfig({ cluster: 'c', executionRole: 'arn:aws:iam::123456789012:role/x' }, {});
  const type = { cpus: 4, memoryMib: 16_384, burstable: false, bareMetal: false };
  const facts = [
    { ...type, name: 'g4dn.xlarge', architectures: ['X86_64' as const], gpus: 1, gpuType: 't4' },
    { ...type, name: 'm7g.xlarge', architectures: ['ARM64' as const], gpus: 0, gpuType: null },
  ];
  const instanceRequirements = {
    vCpuCount: { min: 1 },
    memoryMiB: { min: 1 },
    allowedInstanceTypes: ['*'],
    acceleratorCount: { max: 0 },
    cpuManufacturers: ['intel' as const],
  };
  const provider = {
    ...managed('mi'),
    type: 'MANAGED_INSTANCES' as const,
    managedInstancesProvider: {
      infrastructureRoleArn: '',
      instanceLaunchTemplate: { ec2InstanceProfileArn: '', networkConfiguration: {}, instanceRequirements },
    },
  };
  expect(offerOf(provider, config, facts).offer).toMatchObject({ accelerators: null, architectures: ['X86_64'] });
});
