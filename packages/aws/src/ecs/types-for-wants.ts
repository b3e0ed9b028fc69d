// SPDX-License-Identifier: Apache-2.0
import { acceleratorName } from '@stint/core/tasks';
import type { Wants } from '@stint/core';
import { usableShare } from './ecs-offers.ts';
import { gpuOf, gpuTypes } from './gpu-types.ts';
import { matchesType } from './instance-types.ts';
import type { InstanceType } from './instance-types.ts';

export interface TypesForWants {
  /** Names and globs of types that can hold the wants; empty = any may be bought. */
  allowed: string[];
  /** EC2 leaves such types out unless told otherwise. */
  burstable: boolean;
  bareMetal: boolean;
  problems: string[];
}

/** `allowedInstanceTypes`, CreateCapacityProvider. */
const legalPattern = /^[a-zA-Z0-9.*-]{1,30}$/;

/** The instance types whose facts say whether the wants can be held; empty = any type may be bought. */
export function candidatePatterns(wants: Wants): string[] {
  const { machineTypes, accelerator } = wants;
  if (machineTypes) return machineTypes.filter((pattern) => legalPattern.test(pattern));
  if (!accelerator) return [];
  if (accelerator.type === null) return nvidiaFamilies;
  return [...(gpuOf(wants)?.families ?? [])];
}

const nvidiaFamilies = Object.values(gpuTypes)
  .filter((gpu) => gpu.manufacturer === 'nvidia')
  .flatMap((gpu) => gpu.families);

/**
 * The types to allow, or why there are none.
 * @param facts - of what `candidatePatterns` names; null where they may not be read: then the names alone are judged
 */
export function typesForWants(wants: Wants, facts: readonly InstanceType[] | null, region: string): TypesForWants {
  const { machineTypes, accelerator, arch } = wants;
  const none = { allowed: [], burstable: false, bareMetal: false };
  const problems = (machineTypes ?? [])
    .filter((pattern) => !legalPattern.test(pattern))
    .map((pattern) => `machine type ${JSON.stringify(pattern)}: may have letters, digits, . * -, 30 at most`);
  const gpu = gpuOf(wants);
  if (accelerator?.type != null && !gpu && !machineTypes) {
    problems.push(
      `accelerator type ${accelerator.type} was asked, there is ${Object.keys(gpuTypes).join(', ')}; or name machine types that have it`,
    );
  }
  if (gpu && gpu.arch !== arch) {
    problems.push(`accelerator type ${accelerator?.type} was asked for ${arch}, its machines are ${gpu.arch}`);
  }
  const patterns = candidatePatterns(wants);
  if (problems.length > 0 || patterns.length === 0) return { ...none, problems };
  // Any GPU: whatever has one may be bought, so no type is named.
  const named = machineTypes !== null || accelerator?.type != null;
  if (!facts) return { ...none, allowed: named ? patterns : [], problems };
  const judge = (some: readonly string[]) =>
    narrow(
      wants,
      facts.filter((t) => some.some((pattern) => matchesType(pattern, t.name))),
    );
  const all = judge(patterns);
  if (!machineTypes) {
    const nowhere = `EC2 has no machine with ${accelerator?.type ?? 'an accelerator'} in ${region}`;
    const allowed = named ? patterns.filter((pattern) => judge([pattern]).fitting.length > 0) : [];
    return { ...none, allowed, problems: all.fitting.length > 0 ? [] : [all.why ?? nowhere] };
  }
  const judged = patterns.map((pattern) => ({ pattern, ...judge([pattern]) }));
  // A typing error is told; a type that is only too small is left out where another one holds the wants.
  const told = judged.filter((j) => j.fitting.length === 0 && (j.why === null || all.fitting.length === 0));
  return {
    allowed: judged.filter((j) => j.fitting.length > 0).map((j) => j.pattern),
    burstable: all.fitting.some((t) => t.burstable),
    bareMetal: all.fitting.length > 0 && all.fitting.every((t) => t.bareMetal),
    problems: told.map(({ pattern, why }) => `machine type ${pattern}: ${why ?? `EC2 has no such type in ${region}`}`),
  };
}

/** Why no machine of the wanted types can ever hold the wants, whatever may be bought; null = one can, or nobody knows. */
export function misfitOfTypes(wants: Wants, facts: readonly InstanceType[] | null, region: string): string | null {
  if (!wants.machineTypes || !facts) return null;
  const { allowed, problems } = typesForWants(wants, facts, region);
  return allowed.length > 0 ? null : problems.join('; ');
}

/** Those of these types that hold the wants; if none does, what was asked and what they have. */
function narrow(
  wants: Wants,
  types: readonly InstanceType[],
): { fitting: readonly InstanceType[]; why: string | null } {
  const { cpus, memoryMib, arch, accelerator } = wants;
  const most = (left: readonly InstanceType[], of: (t: InstanceType) => number): number => Math.max(...left.map(of));
  const usable = (t: InstanceType): number => Math.floor(t.memoryMib * usableShare);
  const has = (left: readonly InstanceType[]): string =>
    [...new Set(left.flatMap((t) => t.gpuType ?? []))].join(', ') || 'none';
  const count = accelerator?.count ?? 0;
  const type = accelerator?.type == null ? null : acceleratorName(accelerator.type);
  const rules: [keeps: (t: InstanceType) => boolean, why: (left: readonly InstanceType[]) => string][] = [
    [(t) => t.architectures.includes(arch), (left) => `${arch} was asked, it is ${left[0]?.architectures.join(', ')}`],
    [
      // Who names a provider means it, whatever else it has.
      (t) => (accelerator ? t.gpus > 0 : t.gpus === 0 || wants.capacity !== null),
      () =>
        accelerator
          ? `${count} accelerator(s) were asked, it has none`
          : 'has accelerators, which the task does not want: ask for them with --gpu',
    ],
    [
      (t) => type === null || (t.gpuType !== null && acceleratorName(t.gpuType) === type),
      (left) => `accelerator type ${accelerator?.type} was asked, it has ${has(left)}`,
    ],
    [(t) => t.gpus >= count, (left) => `${count} accelerators were asked, it has ${most(left, (t) => t.gpus)} at most`],
    [(t) => t.cpus >= cpus, (left) => `${cpus} CPUs were asked, it has ${most(left, (t) => t.cpus)} at most`],
    [
      (t) => usable(t) >= memoryMib,
      (left) => `${memoryMib} MiB of memory were asked, tasks have ${most(left, usable)} there at most`,
    ],
  ];
  let left = types;
  for (const [keeps, why] of rules) {
    const kept = left.filter(keeps);
    if (kept.length === 0) return { fitting: [], why: left.length === 0 ? null : why(left) };
    left = kept;
  }
  return { fitting: left, why: null };
}
