// SPDX-License-Identifier: Apache-2.0
import type { AcceleratorManufacturer, AcceleratorName } from '@aws-sdk/client-ecs';
import { acceleratorName } from '@stint/core/tasks';
import type { Architecture, Wants } from '@stint/core';

export interface GpuType {
  /** Families that Managed Instances buy it in (managed-instances-instance-types, developer guide). */
  families: readonly string[];
  arch: Architecture;
  manufacturer: AcceleratorManufacturer;
  /** As `acceleratorNames` has it; null = it has no such name, and its families name it. */
  named: AcceleratorName | null;
}

const nvidia = { arch: 'X86_64', manufacturer: 'nvidia' } as const;

/** GPUs by their short names. */
export const gpuTypes: Readonly<Record<string, GpuType>> = {
  t4: { ...nvidia, families: ['g4dn.*'], named: 't4' },
  t4g: { ...nvidia, families: ['g5g.*'], arch: 'ARM64', named: 't4g' },
  a10g: { ...nvidia, families: ['g5.*'], named: 'a10g' },
  // Newer than the list of names where the service is older: their families are the certain way.
  l4: { ...nvidia, families: ['g6.*', 'gr6.*'], named: null },
  l40s: { ...nvidia, families: ['g6e.*'], named: null },
  // G6f and Gr6f have fractions of an L4 alone, which a count of GPUs does not name.
  'rtx-pro-6000': { ...nvidia, families: ['g7e.*'], named: null },
  v100: { ...nvidia, families: ['p3dn.*'], named: 'v100' },
  a100: { ...nvidia, families: ['p4d.*', 'p4de.*'], named: 'a100' },
  h100: { ...nvidia, families: ['p5.*'], named: 'h100' },
  h200: { ...nvidia, families: ['p5en.*'], named: null },
  b200: { ...nvidia, families: ['p6-b200.*'], named: null },
  b300: { ...nvidia, families: ['p6-b300.*'], named: null },
  'radeon-pro-v520': { families: ['g4ad.*'], arch: 'X86_64', manufacturer: 'amd', named: 'radeon-pro-v520' },
};

/** The GPU that is wanted by name; undefined where none is, or it is not known here. */
export const gpuOf = ({ accelerator }: Pick<Wants, 'accelerator'>): GpuType | undefined =>
  accelerator?.type == null ? undefined : gpuTypes[acceleratorName(accelerator.type)];
