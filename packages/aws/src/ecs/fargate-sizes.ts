// SPDX-License-Identifier: Apache-2.0

/** cpu units, and from, to, step of memory in MiB (task_definition_parameters, "Task size"; the last row: 60, 120, 244 GiB). */
const rows: readonly [units: number, fromMib: number, toMib: number, stepMib: number][] = [
  [512, 1_024, 4_096, 1_024],
  [1_024, 2_048, 8_192, 1_024],
  [2_048, 4_096, 16_384, 1_024],
  [4_096, 8_192, 30_720, 1_024],
  [8_192, 16_384, 61_440, 4_096],
  [16_384, 32_768, 122_880, 8_192],
];

/** The legal pairs up to these limits. */
export function fargateSizes(maxCpus: number, maxMemoryMib: number): { cpus: number; memoryMib: number }[] {
  const pairs = [512, 1_024, 2_048].map((memoryMib) => ({ cpus: 0.25, memoryMib }));
  for (const [units, from, to, step] of rows) {
    for (let memoryMib = from; memoryMib <= to; memoryMib += step) pairs.push({ cpus: units / 1_024, memoryMib });
  }
  for (const memoryMib of [61_440, 122_880, 249_856]) pairs.push({ cpus: 32, memoryMib });
  return pairs.filter((p) => p.cpus <= maxCpus && p.memoryMib <= maxMemoryMib);
}
