// SPDX-License-Identifier: Apache-2.0
import { invalidParameter } from '../wire/api-error.ts';
import { checkTags } from './tags.ts';
import type { ManagedEbsVolume, RunTaskInput, TaskDefinitionInput } from './types.ts';

/** GiB by volume type (TaskManagedEBSVolumeConfiguration, ECS API reference). */
const SIZES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  gp2: [1, 16_384],
  gp3: [1, 16_384],
  io1: [4, 16_384],
  io2: [4, 16_384],
  st1: [125, 16_384],
  sc1: [125, 16_384],
  standard: [1, 1_024],
};
const IOPS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  gp3: [3_000, 16_000],
  io1: [100, 64_000],
  io2: [100, 256_000],
};

/** Volumes that the task definition leaves to the launch must come with it, and no others. @throws ApiError */
export function checkVolumeConfigurations(
  configurations: NonNullable<RunTaskInput['volumeConfigurations']>,
  definition: TaskDefinitionInput,
  kind: 'fargate' | 'managed',
): void {
  if (configurations.length > 1) throw invalidParameter('Only one volume configuration is allowed for a task.');
  const open = (definition.volumes ?? []).filter(({ configuredAtLaunch }) => configuredAtLaunch);
  for (const { name, managedEBSVolume } of configurations) {
    if (!open.some((volume) => volume.name === name)) {
      throw invalidParameter(`The volume ${name} is not a volume with configuredAtLaunch of the task definition.`);
    }
    if (!managedEBSVolume) throw invalidParameter(`The configuration of the volume ${name} has no managedEBSVolume.`);
    checkEbs(managedEBSVolume, kind);
  }
  const missing = open.find(({ name }) => !configurations.some((each) => each.name === name));
  if (missing) {
    throw invalidParameter(`The volume ${missing.name ?? ''} is configuredAtLaunch and needs a volume configuration.`);
  }
}

function checkEbs(volume: ManagedEbsVolume, kind: 'fargate' | 'managed'): void {
  const { roleArn, sizeInGiB, snapshotId, volumeType = 'gp3', iops, throughput } = volume;
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/.+/.test(roleArn))
    throw invalidParameter('The roleArn of the volume is not the ARN of a role.');
  const size = SIZES[volumeType];
  if (!size) throw invalidParameter(`Invalid volumeType: ${volumeType}.`);
  if (volumeType === 'standard' && kind === 'fargate')
    throw invalidParameter('The volumeType standard is not supported on Fargate.');
  if (sizeInGiB === undefined && snapshotId === undefined) {
    throw invalidParameter('Either sizeInGiB or snapshotId must be specified for the volume.');
  }
  if (sizeInGiB !== undefined && (sizeInGiB < size[0] || sizeInGiB > size[1])) {
    throw invalidParameter(`sizeInGiB of a ${volumeType} volume must be between ${size[0]} and ${size[1]}.`);
  }
  const range = IOPS[volumeType];
  if (iops !== undefined && !range) throw invalidParameter(`iops are not supported for a ${volumeType} volume.`);
  if (iops !== undefined && range && (iops < range[0] || iops > range[1])) {
    throw invalidParameter(`iops of a ${volumeType} volume must be between ${range[0]} and ${range[1]}.`);
  }
  if (iops === undefined && (volumeType === 'io1' || volumeType === 'io2')) {
    throw invalidParameter(`iops are required for a ${volumeType} volume.`);
  }
  if (throughput !== undefined && volumeType !== 'gp3')
    throw invalidParameter('throughput is only supported for gp3 volumes.');
  if (throughput !== undefined && (throughput < 125 || throughput > 1_000)) {
    throw invalidParameter('throughput must be between 125 and 1000 MiB/s.');
  }
  if (volume.filesystemType === 'ntfs') throw invalidParameter('The filesystemType ntfs is for Windows tasks.');
  for (const { tags } of volume.tagSpecifications ?? []) checkTags(tags);
}
