// SPDX-License-Identifier: Apache-2.0
// Fargate's table and the limits of ECS are written down twice, here and in the emulator, and neither imports the other:
// a wrong belief must not confirm itself. Here they are compared.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AWS_RATES } from '@stint/ecs-emulator';
import { describe, expect, test } from 'vitest';
import { usableMemoryMib } from '../../../ecs-emulator/src/capacity/instance-types.ts';
import type { InstanceType } from '../../../ecs-emulator/src/capacity/instance-types.ts';
import { LEAST_CPU, MOST_CPU } from '../../../ecs-emulator/src/ecs/check-definition.ts';
import { fargateDiskProblem, fargateProblem } from '../../../ecs-emulator/src/ecs/check-fargate.ts';
import { managedInstancesProblem } from '../../../ecs-emulator/src/ecs/check-managed.ts';
import { checkOverrides } from '../../../ecs-emulator/src/ecs/check-overrides.ts';
import { checkVolumeConfigurations } from '../../../ecs-emulator/src/ecs/check-volumes.ts';
import { isFargatePair } from '../../../ecs-emulator/src/ecs/sizes.ts';
import type { TaskDefinitionInput } from '../../../ecs-emulator/src/ecs/types.ts';
import { taskSpec } from '@stint/contracts/suites';
import type { DiskWant } from '@stint/core';
import { bucketSpecs } from './ecs-clients.ts';
import { readEcsConfig } from './ecs-config.ts';
import { misfitOfDisk, offerOf, usableShare } from './ecs-offers.ts';
import { fargateSizes } from './fargate-sizes.ts';
import { overridesOf, problemsOfOverrides } from './run-request.ts';
import { taskDefinitionOf } from './task-definition.ts';
import { problemsOfDisk, volumeTypes } from './volume-types.ts';

const config = readEcsConfig({ cluster: 'c', executionRole: 'arn:aws:iam::123456789012:role/exec' }, {});
const fargate = offerOf({ name: 'FARGATE' }, config, null);
const managed = offerOf({ name: 'mi', type: 'MANAGED_INSTANCES' }, config, null);
const throws = (run: () => unknown): boolean => {
  try {
    run();
    return false;
  } catch {
    return true;
  }
};

test('the pairs of CPU and memory that Fargate has', () => {
  const ours = new Set(fargateSizes(Infinity, Infinity).map((p) => `${p.cpus * 1_024} ${p.memoryMib}`));
  const theirs = new Set<string>();
  for (let units = 128; units <= 65_536; units *= 2) {
    for (let mib = 256; mib <= 524_288; mib += 256) if (isFargatePair(units, mib)) theirs.add(`${units} ${mib}`);
  }
  expect(ours).toEqual(theirs);
  expect(ours.size).toBe(77);
});

test('the sizes of Fargate’s own disk', () => {
  const { minGib, maxGib } = fargate.offer.disk.ephemeral ?? { minGib: 0, maxGib: 0 };
  const accepted = Array.from({ length: 300 }, (_, gib) => gib).filter((gib) => fargateDiskProblem(gib) === null);
  expect([minGib, maxGib]).toEqual([accepted[0], accepted.at(-1)]);
});

describe('volumes', () => {
  const definition: TaskDefinitionInput = {
    family: 'f',
    containerDefinitions: [],
    volumes: [{ name: 'scratch', configuredAtLaunch: true }],
  };
  const refused = ({ sizeGib, type, iops, throughputMibS }: DiskWant): boolean =>
    throws(() => {
      const managedEBSVolume = {
        roleArn: 'arn:aws:iam::123456789012:role/infra',
        sizeInGiB: sizeGib,
        ...(type !== null && { volumeType: type }),
        ...(iops !== null && { iops }),
        ...(throughputMibS !== null && { throughput: throughputMibS }),
      };
      checkVolumeConfigurations([{ name: 'scratch', managedEBSVolume }], definition, 'managed');
    });
  const sizes = [0, 1, 3, 4, 124, 125, 1_024, 1_025, 16_384, 16_385];
  const iops = [null, 99, 100, 2_999, 3_000, 16_000, 16_001, 64_000, 64_001, 256_000, 256_001];
  const throughputs = [null, 124, 125, 1_000, 1_001];

  test.each([...Object.keys(volumeTypes), 'gp9'])('%s', (type) => {
    const disks = sizes.flatMap((sizeGib) =>
      iops.flatMap((n) => throughputs.map((mibS) => ({ sizeGib, type, iops: n, throughputMibS: mibS }))),
    );
    const differ = disks.filter((disk) => problemsOfDisk(disk).length > 0 !== refused(disk));
    expect(differ).toEqual([]);
  });
});

test('the storage of a provider of Managed Instances', () => {
  const operations = read('../../../ecs-emulator/src/capacity/provider-operations.ts');
  const [, least, most] = /storageSizeGiB must be between (\d+) and (\d+)/.exec(operations) ?? [];
  const disk = (sizeGib: number) => ({
    ...taskSpec().wants,
    disk: { sizeGib, type: null, iops: null, throughputMibS: null },
  });
  const fits = [29, 30, 16_384, 16_385].map((gib) => misfitOfDisk(disk(gib)) === null);
  expect(fits).toEqual([false, true, true, false]);
  expect([least, most]).toEqual(['30', '16384']);
});

test('the least of a CPU, and the part of an instance’s memory that tasks can use', () => {
  const { sizes } = managed.offer;
  expect(sizes.kind === 'upTo' && sizes.minCpus * 1_024).toBe(LEAST_CPU);
  expect(MOST_CPU).toBe(192 * 1_024);
  expect(usableMemoryMib({ memoryMib: 100_000 } as InstanceType)).toBe(100_000 * usableShare);
});

test('the length of overrides', () => {
  const spec = (length: number) =>
    taskSpec({ executors: [{ ...taskSpec().executors[0]!, command: ['x'.repeat(length)] }] });
  const definition: TaskDefinitionInput = { family: 'f', containerDefinitions: [{ name: 'main', image: 'busybox' }] };
  const size = { cpus: 1, memoryMib: 2_048, disk: null };
  for (let length = 8_000; length < 8_200; length++) {
    const overrides = overridesOf(spec(length), size);
    const refused = throws(() => checkOverrides(overrides as never, definition, 'managed'));
    expect(problemsOfOverrides(overrides).length > 0, `${length}`).toBe(refused);
  }
});

test('how long a container may take to stop', () => {
  const draft = (stopTimeoutS: number) => ({
    taskId: '',
    attempt: 1,
    submission: 1,
    startedBy: '',
    spec: taskSpec({ stopTimeoutS }),
    placement: {
      offer: '',
      market: 'onDemand' as const,
      cpus: 1,
      memoryMib: 2_048,
      disk: null,
      machineTypes: null,
      warnings: [],
    },
  });
  const where = { region: 'eu-west-1', logPrefix: 'stint' };
  for (const s of [2, 120, 121, 86_400]) {
    const on = (offer: typeof fargate) => taskDefinitionOf(draft(s), offer, config, where) as TaskDefinitionInput;
    expect(fargateProblem(on(fargate))).toBeNull();
    expect(managedInstancesProblem(on(managed))).toBeNull();
  }
});

test('the rates of the API', () => {
  expect({ ...bucketSpecs, logs: null, ec2: null }).toEqual({
    run: AWS_RATES.runTask,
    describe: AWS_RATES.describeTasks,
    register: AWS_RATES.registerTaskDefinition,
    definitions: AWS_RATES.describeTaskDefinition,
    cluster: AWS_RATES.describeClusters,
    logs: null,
    ec2: null,
  });
  expect(AWS_RATES.describeCapacityProviders).toEqual(AWS_RATES.describeClusters);
});

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

test('neither package’s sources import the other', () => {
  const sources = (folder: string): string[] =>
    readdirSync(new URL(folder, import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => read(join(folder, name)));
  const importing = (folder: string, other: RegExp): string[] =>
    sources(folder).filter((text) =>
      [...text.matchAll(/from '([^']+)'|import\('([^']+)'\)/g)].some((m) => other.test(m[1] ?? m[2] ?? '')),
    );
  expect(importing('../', /ecs-emulator/)).toEqual([]);
  expect(importing('../../../ecs-emulator/src/', /@stint\/aws|\/aws\/|core\/src\/task/)).toEqual([]);
});
