// SPDX-License-Identifier: Apache-2.0
import type { InstanceRequirements } from '../ecs/types.ts';
import { glob } from '../world/glob.ts';
import { INSTANCE_TYPES } from './instance-types.ts';
import type { InstanceType } from './instance-types.ts';

/** What a provider without requirements buys: "cost-optimised general-purpose" types. */
const GENERAL_PURPOSE = /^[cmr][5-9]/;

/** The types that a provider may buy, cheapest first. */
export function typesFor(requirements: InstanceRequirements | undefined): InstanceType[] {
  if (!requirements)
    return INSTANCE_TYPES.filter((type) => GENERAL_PURPOSE.test(type.name) && type.localStorageGb === 0);
  return INSTANCE_TYPES.filter((type) => fits(type, requirements));
}

export function fits(type: InstanceType, r: InstanceRequirements): boolean {
  const { accelerator } = type;
  const memoryGib = type.memoryMib / 1_024;
  const choice = (has: boolean, wanted: string | undefined, standard: string): boolean => {
    const rule = wanted ?? standard;
    return rule === 'included' || (rule === 'required') === has;
  };
  return (
    within(type.vcpus, r.vCpuCount) &&
    within(type.memoryMib, r.memoryMiB) &&
    within(memoryGib / type.vcpus, r.memoryGiBPerVCpu) &&
    (r.allowedInstanceTypes === undefined || r.allowedInstanceTypes.some((pattern) => glob(pattern, type.name))) &&
    !(r.excludedInstanceTypes ?? []).some((pattern) => glob(pattern, type.name)) &&
    oneOf(type.cpuManufacturer, r.cpuManufacturers) &&
    // Every type of the table is of a current generation.
    oneOf('current', r.instanceGenerations) &&
    choice(type.burstable, r.burstablePerformance, 'excluded') &&
    choice(false, r.bareMetal, 'excluded') &&
    choice(type.localStorageGb > 0, r.localStorage, 'included') &&
    (r.localStorageTypes === undefined || (type.localStorageGb > 0 && r.localStorageTypes.includes('ssd'))) &&
    within(type.localStorageGb, r.totalLocalStorageGB) &&
    within(accelerator?.count ?? 0, r.acceleratorCount) &&
    oneOf(accelerator?.kind, r.acceleratorTypes) &&
    oneOf(accelerator?.manufacturer, r.acceleratorManufacturers) &&
    oneOf(accelerator?.name, r.acceleratorNames) &&
    within(accelerator ? accelerator.memoryMib * accelerator.count : 0, r.acceleratorTotalMemoryMiB)
  );
}

const within = (n: number, range: { min?: number; max?: number } | undefined): boolean =>
  n >= (range?.min ?? -Infinity) && n <= (range?.max ?? Infinity);
const oneOf = (value: string | undefined, allowed: readonly string[] | undefined): boolean =>
  allowed === undefined || allowed.length === 0 || (value !== undefined && allowed.includes(value));
