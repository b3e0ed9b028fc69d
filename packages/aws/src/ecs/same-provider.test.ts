// SPDX-License-Identifier: Apache-2.0
import type { CreateCapacityProviderCommandInput } from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { checkMade, checkSame, differencesOf } from './same-provider.ts';

const request = (
  template: Record<string, unknown> = {},
  requirements: Record<string, unknown> = {},
): CreateCapacityProviderCommandInput => ({
  name: 'p',
  cluster: 'c',
  managedInstancesProvider: {
    infrastructureRoleArn: 'arn:aws:iam::123456789012:role/infra',
    instanceLaunchTemplate: {
      ec2InstanceProfileArn: 'arn:aws:iam::123456789012:instance-profile/x',
      networkConfiguration: { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'] },
      storageConfiguration: { storageSizeGiB: 80 },
      instanceRequirements: { vCpuCount: { min: 1 }, memoryMiB: { min: 1 }, ...requirements },
      ...template,
    },
  },
});

test('what ECS adds by itself, an order, and how long idle instances stay are no differences', () => {
  const there = {
    ...request(
      {
        networkConfiguration: { subnets: ['subnet-2', 'subnet-1'], securityGroups: ['sg-1'] },
        capacityOptionType: 'ON_DEMAND',
        monitoring: 'BASIC',
      },
      { bareMetal: 'excluded', burstablePerformance: 'excluded', excludedInstanceTypes: [] },
    ),
    status: 'ACTIVE' as const,
  };
  const { managedInstancesProvider } = there;
  if (managedInstancesProvider)
    Object.assign(managedInstancesProvider, { infrastructureOptimization: { scaleInAfter: 60 } });
  expect(differencesOf(there, request())).toEqual([]);
});

test.each([
  [request({ capacityOptionType: 'SPOT' }), 'capacityOptionType is SPOT, wanted: ON_DEMAND'],
  [request({}, { vCpuCount: { min: 2 } }), 'instanceRequirements.vCpuCount.min is 2, wanted: 1'],
  [request({}, { vCpuCount: { min: 1, max: 4 } }), 'instanceRequirements.vCpuCount.max is 4, wanted: not set'],
  [
    request({}, { excludedInstanceTypes: ['c5.*'] }),
    'instanceRequirements.excludedInstanceTypes is c5.*, wanted: not set',
  ],
  [request({ storageConfiguration: { storageSizeGiB: 90 } }), 'storageConfiguration.storageSizeGiB is 90, wanted: 80'],
])('another setting is told with both values', (there, says) => {
  expect(differencesOf(there, request())).toEqual([says]);
});

test('one that is being deleted is not taken for the same', () => {
  const there = { ...request(), status: 'DEPROVISIONING' as const };
  expect(() => checkSame(there, request())).toThrow('capacity provider p is being deleted');
  expect(() => checkSame({ ...there, status: 'ACTIVE' }, request())).not.toThrow();
});

test('one that ECS could not make is no longer waited for, and its reason is said', () => {
  const seen = { name: 'p', status: 'PROVISIONING' as const };
  expect(() => checkMade({ ...seen, updateStatus: 'CREATE_IN_PROGRESS' })).not.toThrow();
  expect(() => checkMade({ ...seen, updateStatus: 'CREATE_FAILED', updateStatusReason: 'no role' })).toThrow(
    'capacity provider p is PROVISIONING: CREATE_FAILED: no role',
  );
  expect(() => checkMade({ name: 'p', status: 'INACTIVE' })).toThrow('capacity provider p is INACTIVE');
});
