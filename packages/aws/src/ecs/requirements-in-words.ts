// SPDX-License-Identifier: Apache-2.0
import type { InstanceRequirementsRequest } from '@aws-sdk/client-ecs';

/** `2 to 16 vCPU`, `at least 4 GiB of memory`, `GPU`. */
export function requirementsInWords(r: InstanceRequirementsRequest | undefined): string[] {
  if (!r) return [];
  const range = (unit: string, given: { min?: number | undefined; max?: number | undefined } | undefined, by = 1) => {
    const [min, max] = [given?.min, given?.max].map((n) => (n === undefined ? 0 : Math.round((n / by) * 10) / 10));
    if (given?.max === 0) return [`no ${unit}`];
    if (max) return [`${min} to ${max} ${unit}`];
    return min ? [`at least ${min} ${unit}`] : [];
  };
  const list = (what: string, values: readonly string[] | undefined) =>
    values && values.length > 0 ? [`${what} ${values.join(', ')}`] : [];
  return [
    ...range('vCPU', r.vCpuCount),
    ...range('GiB of memory', r.memoryMiB, 1024),
    ...range('accelerators', r.acceleratorCount),
    ...list('accelerator', r.acceleratorNames),
    ...list('accelerator kind', r.acceleratorTypes),
    ...list('CPU of', r.cpuManufacturers),
  ];
}
