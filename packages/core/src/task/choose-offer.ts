// SPDX-License-Identifier: Apache-2.0
import type { PlaceResult, PlacementHistory } from '../ports/compute.ts';
import type { Offer, Placement } from './offers.ts';
import type { DiskWant, SpotPolicy, Wants } from './wants.ts';

/** Whether an offer can be held to the wanted machine types: `steers` buys only those, `filters` may wait for ever. */
export type MachineTypeFit = 'steers' | 'filters' | 'none';

export interface ChooseOptions {
  policy: SpotPolicy;
  /** Reclaims after which spotFirst goes on-demand. */
  spotFallbackAfter: number;
  /** Judges `wants.machineTypes`; type names and patterns are the backend's business. */
  machineTypeFit?: (offer: Offer) => MachineTypeFit;
  /** The backend's own reason why an offer can't hold the wants; null = it has none. */
  misfit?: (offer: Offer) => string | null;
}

/**
 * Which offer the next attempt of a task takes. Pure: the same wants, offers and history always give the same answer.
 * The order of `offers` is the order of preference; an offer that had no capacity for this attempt goes to the end.
 */
export function chooseOffer(
  wants: Wants,
  offers: readonly Offer[],
  history: PlacementHistory,
  options: ChooseOptions,
): PlaceResult {
  const { ranked, refused } = rankOffers(wants, offers, history, options);
  const [best] = ranked;
  if (best) return { kind: 'placed', placement: best };
  const problems = refused.map(({ offer, why }) => `${offer}: ${why}`);
  return { kind: 'never', problems: problems.length > 0 ? problems : ['there is no capacity at all'] };
}

export interface RankedOffers {
  /** What fits, the one to take first. */
  ranked: Placement[];
  /** What does not, and why, naming what was asked and what there is. */
  refused: { offer: string; why: string }[];
}

/** Every offer that the task may choose from (`wants.capacity`), in the order in which they are taken, or with its reason. */
export function rankOffers(
  wants: Wants,
  offers: readonly Offer[],
  history: PlacementHistory,
  options: ChooseOptions,
): RankedOffers {
  const named = byName(wants, offers);
  if (named.missing.length > 0) return { ranked: [], refused: named.missing };
  const fits: { offer: Offer; placement: Placement }[] = [];
  const refused: RankedOffers['refused'] = [];
  for (const offer of named.offers) {
    const fit = options.misfit?.(offer) ?? fitOffer(wants, offer, options);
    if (typeof fit === 'string') refused.push({ offer: offer.name, why: fit });
    else fits.push({ offer, placement: fit });
  }
  const { policy } = options;
  const may = (offer: Offer): boolean =>
    policy === 'spotFirst' || offer.market === (policy === 'spot' ? 'spot' : 'onDemand');
  for (const { offer } of fits.filter((f) => !may(f.offer))) {
    const market = offer.market === 'spot' ? 'Spot' : 'on-demand';
    refused.push({ offer: offer.name, why: `is ${market}, the policy is ${policy}` });
  }
  const wanted = fits.filter((f) => may(f.offer));
  const first = preferOnDemand(policy, history, options.spotFallbackAfter) ? 'onDemand' : 'spot';
  const tried = (offer: Offer): number => history.exhausted.filter((e) => e.offer === offer.name).length;
  const order = (offer: Offer): number => (policy === 'spotFirst' && offer.market !== first ? 1 : 0);
  const noSpot = policy === 'spotFirst' && !wanted.some(({ offer }) => offer.market === 'spot');
  const ranked = wanted
    .map((x, i) => ({ ...x, i }))
    .sort((a, b) => order(a.offer) - order(b.offer) || tried(a.offer) - tried(b.offer) || a.i - b.i)
    .map(({ offer, placement }) => {
      if (!noSpot) return placement;
      const warning = `spotFirst: there is only on-demand capacity that fits, so ${offer.name} is used`;
      return { ...placement, warnings: [...placement.warnings, warning] };
    });
  return { ranked, refused };
}

function preferOnDemand(policy: SpotPolicy, history: PlacementHistory, fallbackAfter: number): boolean {
  if (policy !== 'spotFirst') return policy === 'onDemand';
  return history.spotReclaims >= fallbackAfter || history.exhausted.some((e) => e.market === 'spot');
}

function byName(
  wants: Wants,
  offers: readonly Offer[],
): { offers: readonly Offer[]; missing: RankedOffers['refused'] } {
  if (!wants.capacity) return { offers, missing: [] };
  const known = offers.map((o) => o.name).join(', ') || 'none';
  const missing = wants.capacity.filter((name) => !offers.some((o) => o.name === name));
  return {
    offers: wants.capacity.flatMap((name) => offers.filter((o) => o.name === name)),
    missing: missing.map((name) => ({ offer: `capacity ${name}`, why: `not found; there is: ${known}` })),
  };
}

/** @returns the placement, or why it does not fit, naming what was asked and what there is */
function fitOffer(wants: Wants, offer: Offer, options: ChooseOptions): Placement | string {
  const warnings: string[] = [];
  if (!offer.architectures.includes(wants.arch)) {
    return `arch ${wants.arch} was asked, it has ${offer.architectures.join(', ')}`;
  }
  if (wants.fusion && !offer.fuse) return 'Fusion needs SYS_ADMIN and /dev/fuse, which it does not allow';
  const accelerators = misfitOfAccelerators(wants, offer);
  if (accelerators !== null) return accelerators;
  const others = otherTypes(wants, offer);
  if (others.length > 0)
    warnings.push(`${offer.name} has accelerators of type ${others.join(', ')} too, and may give those`);
  if (wants.machineTypes) {
    if (offer.machineTypes === null)
      return `machine type ${wants.machineTypes.join(', ')} was asked, it has none to choose`;
    const fit = options.machineTypeFit?.(offer) ?? 'filters';
    if (fit === 'none') return `machine type ${wants.machineTypes.join(', ')} was asked, it does not allow it`;
    if (fit === 'filters') {
      warnings.push(
        `${offer.name} may buy other machine types too: a constraint filters and does not steer what is bought`,
      );
    }
  }
  const size = fitSize(wants, offer);
  if (typeof size === 'string') return size;
  const disk = wants.disk ? fitDisk(wants.disk, offer) : null;
  if (typeof disk === 'string') return disk;
  if (disk?.how === 'included' && offer.disk.shared) {
    warnings.push(`disk: the ${offer.disk.includedGib} GiB of ${offer.name} are shared by all tasks of a host`);
  }
  return { offer: offer.name, market: offer.market, ...size, disk, machineTypes: wants.machineTypes, warnings };
}

function misfitOfAccelerators(wants: Wants, offer: Offer): string | null {
  const { accelerator } = wants;
  if (!accelerator) {
    const keptFree = offer.accelerators !== null && !(wants.capacity ?? []).includes(offer.name);
    return keptFree ? 'has accelerators, which the task does not want' : null;
  }
  const { count, type } = accelerator;
  if (!offer.accelerators) return `${count} accelerator(s) were asked, it has none`;
  if (count > offer.accelerators.maxCount) {
    return `${count} accelerators were asked, it has ${offer.accelerators.maxCount} at most`;
  }
  const { types } = offer.accelerators;
  if (type === null || types.some((t) => acceleratorName(t) === acceleratorName(type))) return null;
  return `accelerator type ${type} was asked, it has ${types.join(', ') || 'unknown ones'}`;
}

/** Types that an offer may give instead of the wanted one. */
function otherTypes({ accelerator }: Wants, offer: Offer): string[] {
  if (accelerator?.type == null) return [];
  const wanted = acceleratorName(accelerator.type);
  return (offer.accelerators?.types ?? []).filter((t) => acceleratorName(t) !== wanted);
}

/** `nvidia-tesla-t4`, `NVIDIA T4`, `t4` → `t4`. */
export const acceleratorName = (type: string): string =>
  type
    .toLowerCase()
    .replace(/[\s_]+/g, '-')
    .replace(/^(?:nvidia|amd|aws)-/, '')
    .replace(/^tesla-/, '');

function fitSize(wants: Wants, offer: Offer): { cpus: number; memoryMib: number } | string {
  const { sizes } = offer;
  const { cpus, memoryMib } = wants;
  if (sizes.kind === 'upTo') {
    if (cpus > sizes.maxCpus) return `${cpus} CPUs were asked, it has ${sizes.maxCpus} at most`;
    if (memoryMib > sizes.maxMemoryMib)
      return `${memoryMib} MiB of memory were asked, it has ${sizes.maxMemoryMib} at most`;
    return { cpus: Math.max(cpus, sizes.minCpus), memoryMib };
  }
  const [best] = sizes.pairs
    .filter((p) => p.cpus >= cpus && p.memoryMib >= memoryMib)
    .sort((a, b) => a.cpus - b.cpus || a.memoryMib - b.memoryMib);
  if (best) return { cpus: best.cpus, memoryMib: best.memoryMib };
  const maxCpus = Math.max(...sizes.pairs.map((p) => p.cpus));
  if (cpus > maxCpus) return `${cpus} CPUs were asked, it has ${maxCpus} at most`;
  const maxMemory = Math.max(...sizes.pairs.filter((p) => p.cpus >= cpus).map((p) => p.memoryMib));
  return `${memoryMib} MiB of memory were asked, it has ${maxMemory} at most`;
}

function fitDisk(disk: DiskWant, offer: Offer): NonNullable<Placement['disk']> | string {
  const { includedGib, includedType, shared, ephemeral, volume, volumeHint } = offer.disk;
  const { sizeGib, type } = disk;
  const asked = `a disk of ${sizeGib} GiB${type === null ? '' : ` of type ${type}`} was asked`;
  const untuned = disk.iops === null && disk.throughputMibS === null;
  const plain = type === null && untuned;
  if (plain && !shared && sizeGib <= includedGib) return { ...disk, how: 'included' };
  if (plain && ephemeral && sizeGib >= ephemeral.minGib && sizeGib <= ephemeral.maxGib)
    return { ...disk, how: 'ephemeral' };
  if (volume && sizeGib >= volume.minGib && sizeGib <= volume.maxGib) return { ...disk, how: 'volume' };
  if ((plain || (untuned && type === includedType)) && sizeGib <= includedGib) return { ...disk, how: 'included' };
  if (volume) return `${asked}, its volumes have ${volume.minGib} to ${volume.maxGib} GiB`;
  const most = Math.max(includedGib, ephemeral?.maxGib ?? 0);
  return `${asked}, it has ${most} GiB without a type${volumeHint === null ? '' : `; ${volumeHint}`}`;
}
