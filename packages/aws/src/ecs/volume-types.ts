// SPDX-License-Identifier: Apache-2.0
import type { DiskWant } from '@stint/core';

interface VolumeType {
  minGib: number;
  maxGib: number;
  /** null = it takes no figure. */
  iops: { min: number; max: number; required: boolean } | null;
  throughputMibS: { min: number; max: number } | null;
}

/** TaskManagedEBSVolumeConfiguration, ECS API reference. */
export const volumeTypes: Readonly<Record<string, VolumeType>> = {
  gp2: { minGib: 1, maxGib: 16_384, iops: null, throughputMibS: null },
  gp3: {
    minGib: 1,
    maxGib: 16_384,
    iops: { min: 3_000, max: 16_000, required: false },
    throughputMibS: { min: 125, max: 1_000 },
  },
  io1: { minGib: 4, maxGib: 16_384, iops: { min: 100, max: 64_000, required: true }, throughputMibS: null },
  io2: { minGib: 4, maxGib: 16_384, iops: { min: 100, max: 256_000, required: true }, throughputMibS: null },
  st1: { minGib: 125, maxGib: 16_384, iops: null, throughputMibS: null },
  sc1: { minGib: 125, maxGib: 16_384, iops: null, throughputMibS: null },
  standard: { minGib: 1, maxGib: 1_024, iops: null, throughputMibS: null },
};
export const defaultVolumeType = 'gp3';

/** What is wrong with a disk as an EBS volume; empty where nothing, or where it is none. */
export function problemsOfDisk(disk: DiskWant | null): string[] {
  if (!disk || (disk.type === null && disk.iops === null && disk.throughputMibS === null)) return [];
  const { sizeGib, type: asked, iops, throughputMibS } = disk;
  const name = asked ?? defaultVolumeType;
  const type = volumeTypes[name];
  if (!type) return [`disk type ${name}: there is ${Object.keys(volumeTypes).join(', ')}`];
  const problems: string[] = [];
  if (sizeGib < type.minGib || sizeGib > type.maxGib)
    problems.push(`a ${name} disk has ${type.minGib} to ${type.maxGib} GiB, ${sizeGib} were asked`);
  const figure = (what: string, value: number | null, range: { min: number; max: number } | null): void => {
    if (value === null) return;
    if (!range) problems.push(`a ${name} disk takes no ${what}, ${value} were asked`);
    else if (value < range.min || value > range.max)
      problems.push(`a ${name} disk has ${range.min} to ${range.max} ${what}, ${value} were asked`);
  };
  figure('IOPS', iops, type.iops);
  figure('MiB/s', throughputMibS, type.throughputMibS);
  if (iops === null && type.iops?.required)
    problems.push(`a ${name} disk needs its IOPS: ${type.iops.min} to ${type.iops.max}`);
  return problems;
}
