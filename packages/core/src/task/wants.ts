// SPDX-License-Identifier: Apache-2.0

export type Architecture = 'X86_64' | 'ARM64';
/** spotFirst: Spot, then on-demand after so many reclaims, a start deadline or no capacity. */
export type SpotPolicy = 'spot' | 'spotFirst' | 'onDemand';

export interface AcceleratorWant {
  /** At least 1. */
  count: number;
  /** Nextflow, AWS and short names: `nvidia-tesla-t4`, `t4`; null = any. */
  type: string | null;
}

export interface DiskWant {
  sizeGib: number;
  /** EBS volume type (`gp3`, …); null = whatever the backend has. */
  type: string | null;
  iops: number | null;
  /** MiB/s. */
  throughputMibS: number | null;
}

/** What a task asks of the machine it runs on. Complete: defaults are already in. */
export interface Wants {
  /** Fractions allowed. */
  cpus: number;
  memoryMib: number;
  accelerator: AcceleratorWant | null;
  disk: DiskWant | null;
  /** Instance types, globs allowed (`c6i.*`); null = any. */
  machineTypes: readonly string[] | null;
  arch: Architecture;
  /** FUSE in the container: SYS_ADMIN and /dev/fuse. */
  fusion: boolean;
  /** null = the backend's configured policy. */
  spotPolicy: SpotPolicy | null;
  /** Names of capacity to choose from, in this order; null = all configured. */
  capacity: readonly string[] | null;
}

export const defaultCpus = 1;
export const defaultMemoryMib = 2048;
