// SPDX-License-Identifier: Apache-2.0
import type { CapacityProvider, InstanceRequirementsRequest } from '@aws-sdk/client-ecs';
import { AppError } from '@stint/core/base';
import type { Architecture, ChooseOptions, Offer, SpotPolicy, Wants } from '@stint/core';
import type { CapacityEntry, EcsConfig } from './ecs-config.ts';
import { fargateSizes } from './fargate-sizes.ts';
import { matchesType, typeFit } from './instance-types.ts';
import type { InstanceType } from './instance-types.ts';
import { requirementsInWords } from './requirements-in-words.ts';

/** An offer with what the request needs to know of its provider. */
export interface EcsOffer {
  offer: Offer;
  kind: 'managedInstances' | 'fargate';
  /** As it is written in a capacity provider strategy. */
  provider: string;
  allowedTypes: readonly string[];
  excludedTypes: readonly string[];
  /** Facts of the types that it may buy, as far as they are known. */
  types: readonly InstanceType[];
  /** What it was made with; null where it leaves all to ECS, and for Fargate. */
  requirements: InstanceRequirementsRequest | null;
}

/** What is known of the machine types that a task names. */
export interface WantedTypes {
  /** Why no machine of them can hold the wants; null = one can, or nobody knows. */
  misfit: string | null;
  /** null where they may not be read. */
  facts: readonly InstanceType[] | null;
}

/** An instance offers less than its nominal memory: agent and system take the rest. */
export const usableShare = 0.9;
export const defaultStorageGib = 80;
/** Storage of a capacity provider, and of a volume of a task's own there. */
const volumes = { minGib: 30, maxGib: 16_384 };
/** Accelerators that a task can't ask for: they are no GPUs. */
const notGpu = /^(?:inferentia|trainium|gaudi|vu9p)/;
const volumeHint = 'set aws.ecs.infrastructureRole for a volume of its own';

/** The patterns of instance types whose facts decide what the providers can run. */
export function patternsOf(providers: readonly CapacityProvider[], config: EcsConfig): string[] {
  const all = providers.flatMap(
    (p) => entryOf(p, config)?.instanceTypes ?? requirementsOf(p)?.allowedInstanceTypes ?? [],
  );
  return [...new Set(all)];
}

/**
 * What the cluster offers, in the configured order or else as discovered.
 * @param types - facts of the types that `patternsOf` names; null where they may not be read
 * @throws AppError FAILED_PRECONDITION/CLUSTER_CAPACITY for a configured name that the cluster does not have
 */
export function offersOf(
  providers: readonly CapacityProvider[],
  config: EcsConfig,
  types: readonly InstanceType[] | null,
): EcsOffer[] {
  const all = providers.map((p) => offerOf(p, config, types));
  if (!config.capacity) return all;
  const known = all.map((o) => o.offer.name).join(', ');
  return config.capacity.map((entry) => {
    const found = all.find((o) => o.offer.name === entry.name || o.provider === entry.name);
    if (found) return found;
    throw new AppError(
      'FAILED_PRECONDITION',
      'CLUSTER_CAPACITY',
      `aws.ecs.capacity: ${entry.name} is not there or not ACTIVE; the cluster has: ${known}`,
      { hint: 'Correct the name, or remove the key to use what is discovered.' },
    );
  });
}

/** What one provider offers, whatever its state. */
export const offerOf = (p: CapacityProvider, config: EcsConfig, types: readonly InstanceType[] | null): EcsOffer =>
  p.type === 'MANAGED_INSTANCES' ? managed(p, config, types) : fargate(p, config);

/** How core is to choose among these offers: what it can't know of ECS. */
export function chooseOptionsOf(
  wants: Wants,
  offers: readonly EcsOffer[],
  policy: SpotPolicy,
  { limits, spotFallbackAfter }: Pick<EcsConfig, 'limits' | 'spotFallbackAfter'>,
  wantedTypes: WantedTypes,
): ChooseOptions {
  const [tooMuch = null] = misfitsOfLimits(wants, limits);
  const own = (offer: Offer): EcsOffer | undefined => offers.find((o) => o.offer === offer);
  return {
    policy,
    spotFallbackAfter,
    machineTypeFit: (offer) => {
      const { allowedTypes, excludedTypes } = own(offer) ?? { allowedTypes: [], excludedTypes: ['*'] };
      return typeFit(wants.machineTypes ?? [], allowedTypes, excludedTypes);
    },
    misfit: (offer) => {
      const mine = own(offer);
      if (tooMuch !== null) return tooMuch;
      if (mine?.kind !== 'managedInstances') return misfitOnFargate(wants);
      const { misfit, facts } = wantedTypes;
      return (
        misfitOfDisk(wants) ?? misfit ?? misfitOfOwnTypes(wants, mine.types) ?? misfitOfRanges(wants, mine, facts ?? [])
      );
    },
  };
}

/** What is more than the configuration allows at all, whatever there is. */
export function misfitsOfLimits({ cpus, memoryMib }: Wants, { maxCpus, maxMemoryGib }: EcsConfig['limits']): string[] {
  return [
    ...(cpus > maxCpus ? [`${cpus} CPUs were asked, aws.ecs.limits.maxCpus is ${maxCpus}`] : []),
    ...(memoryMib > maxMemoryGib * 1024
      ? [`${memoryMib} MiB of memory were asked, aws.ecs.limits.maxMemoryGib is ${maxMemoryGib}`]
      : []),
  ];
}

/** A provider buys nothing outside of its ranges, even where its names allow the type. */
function misfitOfRanges(
  { machineTypes }: Wants,
  { allowedTypes, requirements }: EcsOffer,
  facts: readonly InstanceType[],
): string | null {
  const named = facts.filter(
    (t) =>
      machineTypes?.some((w) => matchesType(w, t.name)) === true &&
      (allowedTypes.length === 0 || allowedTypes.some((a) => matchesType(a, t.name))),
  );
  if (named.length === 0 || !requirements || named.some((t) => inRanges(t, requirements))) return null;
  return `machine type ${machineTypes?.join(', ')} was asked, it buys only such with ${requirementsInWords(requirements).join(', ')}`;
}

/** Managed Instances take no smaller disk, not even the one that they share. */
export function misfitOfDisk({ disk }: Wants): string | null {
  if (!disk || (disk.sizeGib >= volumes.minGib && disk.sizeGib <= volumes.maxGib)) return null;
  return `a disk of ${disk.sizeGib} GiB was asked, Managed Instances have ${volumes.minGib} to ${volumes.maxGib}`;
}

/** What no single machine type has: each may have one of two things, and a task needs both on one. */
function misfitOfOwnTypes({ cpus, memoryMib, arch, accelerator, machineTypes }: Wants, types: readonly InstanceType[]) {
  const named = types.filter((t) => !machineTypes || machineTypes.some((w) => matchesType(w, t.name)));
  const able = named.filter((t) => t.architectures.includes(arch) && t.gpus >= (accelerator?.count ?? 0));
  const who = machineTypes ? `machine type ${machineTypes.join(', ')}` : 'it';
  if (able.length === 0) {
    // Without names of types the offer as a whole tells what is missing.
    if (!machineTypes || named.length === 0) return null;
    return `${arch}${accelerator ? ` with ${accelerator.count} accelerator(s)` : ''} was asked, ${who} has none`;
  }
  const maxCpus = Math.max(...able.map((t) => t.cpus));
  if (cpus > maxCpus) return `${cpus} CPUs were asked, ${who} has ${maxCpus} at most`;
  const most = (all: readonly InstanceType[]): number =>
    Math.floor(Math.max(...all.map((t) => t.memoryMib)) * usableShare);
  const mostOfAll = most(able);
  if (memoryMib > mostOfAll) return `${memoryMib} MiB of memory were asked, ${who} has ${mostOfAll} at most`;
  const withCpus = most(able.filter((t) => t.cpus >= cpus));
  if (memoryMib <= withCpus) return null;
  return `${memoryMib} MiB of memory were asked with ${cpus} CPUs, ${who} has ${withCpus} at most with so many`;
}

/** The one type of volume that Fargate does not take. */
const misfitOnFargate = ({ disk }: Wants): string | null =>
  disk?.type === 'standard' ? 'a disk of type standard was asked, Fargate takes all others' : null;

const requirementsOf = (p: CapacityProvider): InstanceRequirementsRequest | undefined =>
  p.managedInstancesProvider?.instanceLaunchTemplate?.instanceRequirements;

const entryOf = (p: CapacityProvider, config: EcsConfig): CapacityEntry | undefined =>
  config.capacity?.find((e) => e.name === p.name);

function managed(p: CapacityProvider, config: EcsConfig, types: readonly InstanceType[] | null): EcsOffer {
  const template = p.managedInstancesProvider?.instanceLaunchTemplate;
  const r = requirementsOf(p);
  const corrected = entryOf(p, config);
  const allowed = corrected?.instanceTypes ?? r?.allowedInstanceTypes ?? [];
  const excluded = r?.excludedInstanceTypes ?? [];
  const facts = (types ?? []).filter(
    (t) =>
      allowed.some((a) => matchesType(a, t.name)) && !excluded.some((x) => matchesType(x, t.name)) && inRanges(t, r),
  );
  const most = (of: (t: InstanceType) => number): number =>
    facts.length === 0 ? Infinity : Math.max(...facts.map(of));
  const { limits } = config;
  const spot = corrected?.spot ?? template?.capacityOptionType === 'SPOT';
  const storage = corrected?.storageGib ?? template?.storageConfiguration?.storageSizeGiB ?? defaultStorageGib;
  return {
    kind: 'managedInstances',
    provider: p.name ?? '',
    allowedTypes: allowed,
    excludedTypes: excluded,
    types: facts,
    requirements: r ?? null,
    offer: {
      name: p.name ?? '',
      market: spot ? 'spot' : 'onDemand',
      sizes: {
        kind: 'upTo',
        minCpus: 128 / 1024,
        maxCpus: Math.min(
          limits.maxCpus,
          corrected?.maxCpus ?? Infinity,
          r?.vCpuCount?.max ?? Infinity,
          most((t) => t.cpus),
        ),
        maxMemoryMib: Math.floor(
          Math.min(
            limits.maxMemoryGib * 1024,
            (corrected?.maxMemoryGib ?? Infinity) * 1024,
            (r?.memoryMiB?.max ?? Infinity) * usableShare,
            most((t) => t.memoryMib) * usableShare,
          ),
        ),
      },
      architectures: corrected?.arch ? [corrected.arch === 'arm64' ? 'ARM64' : 'X86_64'] : architecturesOf(r, facts),
      accelerators: acceleratorsOf(r, facts, corrected?.gpus),
      disk: {
        includedGib: storage,
        includedType: corrected?.storageType ?? null,
        shared: true,
        ephemeral: null,
        volume: config.infrastructureRole === undefined ? null : volumes,
        volumeHint,
      },
      machineTypes: allowed,
      fuse: true,
    },
  };
}

const within = (n: number, range: { min?: number | undefined; max?: number | undefined } | undefined): boolean =>
  n >= (range?.min ?? 0) && n <= (range?.max ?? Infinity);

const inRanges = (t: InstanceType, r: InstanceRequirementsRequest | undefined): boolean =>
  within(t.cpus, r?.vCpuCount) && within(t.memoryMib, r?.memoryMiB);

function architecturesOf(r: InstanceRequirementsRequest | undefined, facts: readonly InstanceType[]): Architecture[] {
  const all: Architecture[] = ['X86_64', 'ARM64'];
  const makers = r?.cpuManufacturers ?? [];
  const made = (a: Architecture): boolean =>
    makers.length === 0 || makers.some((m) => (m === 'amazon-web-services') === (a === 'ARM64'));
  const typed = (a: Architecture): boolean => facts.length === 0 || facts.some((t) => t.architectures.includes(a));
  return all.filter((a) => made(a) && typed(a));
}

function acceleratorsOf(
  r: InstanceRequirementsRequest | undefined,
  facts: readonly InstanceType[],
  corrected: { count: number; type?: string | undefined } | undefined,
): Offer['accelerators'] {
  const names = r?.acceleratorNames ?? [];
  const gpuNames = names.filter((n) => !notGpu.test(n));
  if (corrected) return { maxCount: corrected.count, types: corrected.type === undefined ? [] : [corrected.type] };
  // A count of at most 0 is how a provider is told to buy none.
  if (r?.acceleratorCount?.max === 0) return null;
  const withGpu = facts.filter((t) => t.gpus > 0);
  const asked = r?.acceleratorCount !== undefined || names.length > 0 || (r?.acceleratorTypes?.length ?? 0) > 0;
  if (!asked && withGpu.length === 0) return null;
  const maxCount = Math.min(
    r?.acceleratorCount?.max ?? 8,
    withGpu.length === 0 ? 8 : Math.max(...withGpu.map((t) => t.gpus)),
  );
  const kinds = r?.acceleratorTypes ?? [];
  const noGpu = (names.length > 0 && gpuNames.length === 0) || (kinds.length > 0 && !kinds.includes('gpu'));
  if (noGpu) return { maxCount: 0, types: [] };
  const fromFacts = withGpu.flatMap((t) => t.gpuType ?? []);
  return { maxCount, types: [...new Set([...gpuNames, ...fromFacts])] };
}

function fargate(p: CapacityProvider, config: EcsConfig): EcsOffer {
  const spot = p.name === 'FARGATE_SPOT';
  return {
    kind: 'fargate',
    provider: p.name ?? 'FARGATE',
    allowedTypes: [],
    excludedTypes: [],
    types: [],
    requirements: null,
    offer: {
      name: spot ? 'fargate_spot' : 'fargate',
      market: spot ? 'spot' : 'onDemand',
      sizes: { kind: 'list', pairs: fargateSizes(config.limits.maxCpus, config.limits.maxMemoryGib * 1024) },
      architectures: ['X86_64', 'ARM64'],
      accelerators: null,
      disk: {
        includedGib: 20,
        includedType: null,
        shared: false,
        ephemeral: { minGib: 21, maxGib: 200 },
        volume: config.infrastructureRole === undefined ? null : { minGib: 1, maxGib: 16_384 },
        volumeHint,
      },
      machineTypes: null,
      fuse: false,
    },
  };
}
