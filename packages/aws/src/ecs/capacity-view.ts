// SPDX-License-Identifier: Apache-2.0
import type { FoundProvider } from './discover.ts';
import type { EcsConfig } from './ecs-config.ts';
import { offerOf } from './ecs-offers.ts';
import type { InstanceType } from './instance-types.ts';
import { requirementsInWords } from './requirements-in-words.ts';

/** One capacity provider as `stint capacity ls --json` prints it. */
export interface CapacityView {
  /** As `--capacity` and `aws.ecs.capacity` take it. */
  name: string;
  /** As ECS calls it. */
  provider: string;
  kind: 'managed_instances' | 'fargate' | 'other';
  /** ECS's own word; null where it is not there. */
  state: string | null;
  usable: boolean;
  /** Why tasks are not placed on it. */
  why_not: string | null;
  market: 'spot' | 'onDemand' | null;
  arch: string[];
  /** Names and globs; empty = not restricted to types. */
  instance_types: string[];
  excluded_instance_types: string[];
  /** Ranges that it was made with, as people say them. */
  requirements: string[];
  /** The most that one task can have. */
  max_cpus: number | null;
  max_memory_gib: number | null;
  gpus: { max_count: number; types: string[] } | null;
  storage: { included_gib: number; shared: boolean; task_volume_gib: [number, number] | null } | null;
}

/** A provider described; pure. @param types - facts of the types that it names; null where they may not be read */
export function viewCapacity(
  found: FoundProvider,
  config: EcsConfig,
  types: readonly InstanceType[] | null,
): CapacityView {
  const { provider, kind } = found;
  const bare = {
    provider: found.name,
    state: provider?.status ?? null,
    usable: false,
    excluded_instance_types: [],
    requirements: [],
    instance_types: [],
  };
  if (!provider || kind === 'other') {
    const nothing = { market: null, arch: [], max_cpus: null, max_memory_gib: null, gpus: null, storage: null };
    return { ...bare, ...nothing, name: found.name, kind: 'other', why_not: found.problem };
  }
  const own = offerOf(provider, config, types);
  const { name, market, architectures, accelerators, disk, sizes } = own.offer;
  const listed = !config.capacity || config.capacity.some((e) => e.name === name || e.name === own.provider);
  const most = sizes.kind === 'upTo' ? sizes : mostOf(sizes.pairs);
  const { volume, ephemeral } = disk;
  const volumes = [volume, ephemeral].flatMap((d) => (d ? [d.minGib, d.maxGib] : []));
  return {
    ...bare,
    name,
    kind: kind === 'fargate' ? 'fargate' : 'managed_instances',
    usable: found.problem === null && listed,
    why_not: found.problem ?? (listed ? null : 'is not in aws.ecs.capacity'),
    market,
    arch: architectures.map((a) => a.toLowerCase()),
    instance_types: [...own.allowedTypes],
    excluded_instance_types: [...own.excludedTypes],
    requirements: requirementsInWords(provider.managedInstancesProvider?.instanceLaunchTemplate?.instanceRequirements),
    max_cpus: most.maxCpus,
    max_memory_gib: Math.floor((most.maxMemoryMib / 1024) * 10) / 10,
    gpus: accelerators && { max_count: accelerators.maxCount, types: [...accelerators.types] },
    storage: {
      included_gib: disk.includedGib,
      shared: disk.shared,
      task_volume_gib: volumes.length === 0 ? null : [Math.min(...volumes), Math.max(...volumes)],
    },
  };
}

function mostOf(pairs: readonly { cpus: number; memoryMib: number }[]): { maxCpus: number; maxMemoryMib: number } {
  return {
    maxCpus: Math.max(0, ...pairs.map((p) => p.cpus)),
    maxMemoryMib: Math.max(0, ...pairs.map((p) => p.memoryMib)),
  };
}
