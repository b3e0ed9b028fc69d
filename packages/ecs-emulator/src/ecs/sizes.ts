// SPDX-License-Identifier: Apache-2.0
import type { ContainerOverride, TaskDefinitionInput, TaskOverride } from './types.ts';

/** `256`, `.25 vCPU`, `1vcpu` as CPU units; null = unreadable. */
export function parseCpuUnits(text: string): number | null {
  const found = /^\s*(\d*\.?\d+)\s*(vcpus?)?\s*$/i.exec(text);
  if (!found?.[1]) return null;
  const units = Number(found[1]) * (found[2] ? 1_024 : 1);
  return Number.isInteger(units) ? units : null;
}

/** `512`, `1GB`, `.5 GB` as MiB; null = unreadable. */
export function parseMemoryMib(text: string): number | null {
  const found = /^\s*(\d*\.?\d+)\s*(gb|mb)?\s*$/i.exec(text);
  if (!found?.[1]) return null;
  const mib = Number(found[1]) * (/gb/i.test(found[2] ?? '') ? 1_024 : 1);
  return Number.isInteger(mib) ? mib : null;
}

/** CPU units to the least and most memory in MiB and its steps (task size, Amazon ECS Developer Guide). */
const FARGATE: Readonly<Record<number, readonly [least: number, most: number, step: number]>> = {
  512: [1_024, 4_096, 1_024],
  1_024: [2_048, 8_192, 1_024],
  2_048: [4_096, 16_384, 1_024],
  4_096: [8_192, 30_720, 1_024],
  8_192: [16_384, 61_440, 4_096],
  16_384: [32_768, 122_880, 8_192],
};
/** Rows that are no range. */
const FARGATE_EXACT: Readonly<Record<number, readonly number[]>> = {
  256: [512, 1_024, 2_048],
  32_768: [61_440, 122_880, 249_856],
};

export function isFargatePair(cpuUnits: number, memoryMib: number): boolean {
  const range = FARGATE[cpuUnits];
  if (!range) return FARGATE_EXACT[cpuUnits]?.includes(memoryMib) ?? false;
  const [least, most, step] = range;
  return memoryMib >= least && memoryMib <= most && (memoryMib - least) % step === 0;
}

/** What a task takes of the instance that it runs on. */
export interface TaskSize {
  cpuUnits: number;
  memoryMib: number;
  gpus: number;
  /** GPU value `ALL`: an instance with GPUs for itself. */
  allGpus: boolean;
}

/** Task-level figures count where given, else the sum of the containers. Strings were checked before. */
export function sizeOf(definition: TaskDefinitionInput, overrides: TaskOverride = {}): TaskSize {
  const cpu = overrides.cpu ?? definition.cpu;
  const memory = overrides.memory ?? definition.memory;
  let [cpuSum, memorySum, gpus, allGpus] = [0, 0, 0, false];
  for (const container of definition.containerDefinitions) {
    const over: ContainerOverride = overrides.containerOverrides?.find((o) => o.name === container.name) ?? {};
    cpuSum += over.cpu ?? container.cpu ?? 0;
    memorySum += over.memory ?? over.memoryReservation ?? container.memoryReservation ?? container.memory ?? 0;
    for (const need of over.resourceRequirements ?? container.resourceRequirements ?? []) {
      if (need.type !== 'GPU') continue;
      if (need.value === 'ALL') allGpus = true;
      // A shared GPU (sharingStrategy) counts as one: who shares it with whom is not emulated.
      else gpus += Number(need.value ?? 1);
    }
  }
  return {
    cpuUnits: cpu === undefined ? cpuSum : (parseCpuUnits(cpu) ?? 0),
    memoryMib: memory === undefined ? memorySum : (parseMemoryMib(memory) ?? 0),
    gpus: allGpus ? Math.max(1, gpus) : gpus,
    allGpus,
  };
}
