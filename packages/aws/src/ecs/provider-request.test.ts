// SPDX-License-Identifier: Apache-2.0
import { taskSpec } from '@stint/contracts/suites';
import type { Wants } from '@stint/core';
import { describe, expect, test } from 'vitest';
import { readEcsConfig } from './ecs-config.ts';
import type { InstanceType } from './instance-types.ts';
import { providerFor } from './provider-request.ts';

const arn = (what: string): string => `arn:aws:iam::123456789012:${what}`;
const roles = { infrastructureRole: arn('role/infra'), instanceProfile: arn('instance-profile/ecsInstanceRole') };
const configOf = (change: Record<string, unknown> = roles) =>
  readEcsConfig({ cluster: 'c', executionRole: arn('role/exec'), ...change }, {});
const type = (name: string, cpus: number, gib: number, more: Partial<InstanceType> = {}): InstanceType => ({
  name,
  cpus,
  memoryMib: gib * 1024,
  architectures: ['X86_64'],
  gpus: 0,
  gpuType: null,
  burstable: false,
  bareMetal: false,
  ...more,
});
const types = [
  type('c6i.large', 2, 4),
  type('c6i.xlarge', 4, 8),
  type('c7g.large', 2, 4, { architectures: ['ARM64'] }),
  type('t3.large', 2, 8, { burstable: true }),
  type('m5.metal', 96, 384, { bareMetal: true }),
  type('g4dn.xlarge', 4, 16, { gpus: 1, gpuType: 't4' }),
  type('g4dn.12xlarge', 48, 192, { gpus: 4, gpuType: 't4' }),
  type('g6.xlarge', 4, 16, { gpus: 1, gpuType: 'l4' }),
];

function advise(
  change: Partial<Wants>,
  o: { config?: ReturnType<typeof configOf>; types?: InstanceType[] | null } = {},
) {
  return providerFor({
    name: 'p',
    clusterArn: 'arn:aws-cn:ecs:cn-north-1:123456789012:cluster/c',
    clusterName: 'c',
    region: 'cn-north-1',
    wants: { ...taskSpec().wants, ...change },
    config: o.config ?? configOf(),
    types: o.types === undefined ? types : o.types,
    network: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
  });
}
const templateOf = (a: ReturnType<typeof advise>) => {
  expect(a.problems).toEqual([]);
  return a.request?.managedInstancesProvider?.instanceLaunchTemplate;
};
const t4 = { accelerator: { count: 1, type: 'nvidia-tesla-t4' } };

test('the whole request of plain wants', () => {
  expect(advise({ cpus: 1.5, memoryMib: 9_000 })).toEqual({
    problems: [],
    missing: [],
    request: {
      name: 'p',
      cluster: 'c',
      managedInstancesProvider: {
        infrastructureRoleArn: roles.infrastructureRole,
        instanceLaunchTemplate: {
          ec2InstanceProfileArn: roles.instanceProfile,
          networkConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
          storageConfiguration: { storageSizeGiB: 80 },
          capacityOptionType: 'SPOT',
          instanceRequirements: {
            vCpuCount: { min: 2 },
            memoryMiB: { min: 10_000 },
            cpuManufacturers: ['intel', 'amd'],
            acceleratorCount: { max: 0 },
          },
        },
      },
    },
  });
});

describe('what is wanted steers what may be bought', () => {
  test('spot and on-demand are different providers; spotFirst begins with Spot', () => {
    const option = (spotPolicy: Wants['spotPolicy']) => templateOf(advise({ spotPolicy }))?.capacityOptionType;
    expect([option('spot'), option(null), option('onDemand')]).toEqual(['SPOT', 'SPOT', 'ON_DEMAND']);
    const config = configOf({ ...roles, spotPolicy: 'onDemand' });
    expect(templateOf(advise({}, { config }))?.capacityOptionType).toBe('ON_DEMAND');
  });

  test('a GPU by its name, one newer than the names by its families, any by its maker', () => {
    expect(templateOf(advise(t4))?.instanceRequirements).toMatchObject({
      allowedInstanceTypes: ['g4dn.*'],
      acceleratorNames: ['t4'],
      acceleratorCount: { min: 1 },
      acceleratorTypes: ['gpu'],
    });
    const l4 = templateOf(advise({ accelerator: { count: 1, type: 'l4' } }))?.instanceRequirements;
    expect(l4?.allowedInstanceTypes).toEqual(['g6.*']);
    expect(l4).not.toHaveProperty('acceleratorNames');
    const any = templateOf(advise({ accelerator: { count: 1, type: null } }))?.instanceRequirements;
    expect(any).toMatchObject({ acceleratorManufacturers: ['nvidia'] });
    expect(any).not.toHaveProperty('allowedInstanceTypes');
  });

  test('machine types that hold the wants, with what EC2 leaves out by itself', () => {
    const requirements = (machineTypes: string[], more: Partial<Wants> = {}) =>
      templateOf(advise({ machineTypes, ...more }))?.instanceRequirements;
    expect(requirements(['c6i.large', 'c6i.xlarge'], { cpus: 4 })).toMatchObject({
      allowedInstanceTypes: ['c6i.xlarge'],
      vCpuCount: { min: 4 },
    });
    expect(requirements(['c6i.*'])).not.toHaveProperty('burstablePerformance');
    expect(requirements(['t3.*'])).toMatchObject({ burstablePerformance: 'included' });
    expect(requirements(['m5.metal'])).toMatchObject({ bareMetal: 'included' });
    expect(requirements(['c7g.*'], { arch: 'ARM64' })).toMatchObject({ cpuManufacturers: ['amazon-web-services'] });
  });

  test('a plain disk is the host’s where a task can have no volume of its own', () => {
    const disk = { sizeGib: 500, type: null, iops: null, throughputMibS: null };
    expect(templateOf(advise({ disk }))?.storageConfiguration).toEqual({ storageSizeGiB: 80 });
    const config = configOf({ instanceProfile: roles.instanceProfile });
    expect(templateOf(advise({ disk }, { config }))?.storageConfiguration).toEqual({ storageSizeGiB: 500 });
  });

  test('what the configuration lacks is named, and stands in the request as an example of the account', () => {
    const a = advise({}, { config: configOf({}) });
    expect(a.missing).toEqual(['aws.ecs.infrastructureRole', 'aws.ecs.instanceProfile']);
    expect(templateOf(a)?.ec2InstanceProfileArn).toBe('arn:aws-cn:iam::123456789012:instance-profile/ecsInstanceRole');
  });

  test('without facts of the types their names are trusted', () => {
    expect(templateOf(advise({ machineTypes: ['x9.huge'] }, { types: null }))?.instanceRequirements).toMatchObject({
      allowedInstanceTypes: ['x9.huge'],
    });
    expect(templateOf(advise(t4, { types: null }))?.instanceRequirements).toMatchObject({ acceleratorNames: ['t4'] });
  });
});

test.each<[Partial<Wants>, RegExp]>([
  [{ cpus: 17 }, /^17 CPUs were asked, aws\.ecs\.limits\.maxCpus is 16$/],
  [{ memoryMib: 130_000 }, /^130000 MiB of memory were asked, aws\.ecs\.limits\.maxMemoryGib is 120$/],
  [
    { disk: { sizeGib: 29, type: null, iops: null, throughputMibS: null } },
    /^a disk of 29 GiB was asked.*30 to 16384$/,
  ],
  [{ accelerator: { count: 1, type: 'gtx' } }, /^accelerator type gtx was asked, there is t4, /],
  [{ accelerator: { count: 1, type: 'h200' } }, /^EC2 has no machine with h200 in cn-north-1$/],
  [{ accelerator: { count: 5, type: 't4' } }, /^5 accelerators were asked, it has 4 at most$/],
  [{ ...t4, arch: 'ARM64' }, /^accelerator type nvidia-tesla-t4 was asked for ARM64, its machines are X86_64$/],
  [
    { ...t4, machineTypes: ['g6.xlarge'] },
    /^machine type g6\.xlarge: accelerator type nvidia-tesla-t4 was asked, it has l4$/,
  ],
  [{ ...t4, machineTypes: ['c6i.large'] }, /^machine type c6i\.large: 1 accelerator\(s\) were asked, it has none$/],
  [{ machineTypes: ['g6.xlarge'] }, /^machine type g6\.xlarge: has accelerators.*--gpu$/],
  [{ machineTypes: ['nope.large'] }, /^machine type nope\.large: EC2 has no such type in cn-north-1$/],
  [{ machineTypes: ['c6i.*', 'nope.large'] }, /^machine type nope\.large: EC2 has no such type in cn-north-1$/],
  [{ machineTypes: ['c6i.*'], cpus: 8 }, /^machine type c6i\.\*: 8 CPUs were asked, it has 4 at most$/],
  [
    { machineTypes: ['c6i.large'], memoryMib: 4_096 },
    /^machine type c6i\.large: 4096 MiB.*tasks have 3686 there at most$/,
  ],
  [{ machineTypes: ['c7g.large'] }, /^machine type c7g\.large: X86_64 was asked, it is ARM64$/],
  [{ machineTypes: ['c6i large'] }, /^machine type "c6i large": may have letters, digits, \. \* -, 30 at most$/],
])('%j can be held by no provider, and one line says why', (change, says) => {
  const { request, problems } = advise(change);
  expect(request).toBeNull();
  expect(problems).toEqual([expect.stringMatching(says)]);
});
