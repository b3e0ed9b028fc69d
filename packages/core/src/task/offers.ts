// SPDX-License-Identifier: Apache-2.0
import type { Architecture, DiskWant } from './wants.ts';

/** Sizes that can be had: any up to a maximum, or the pairs of a list (rounded up to). */
export type OfferSizes =
  | { kind: 'upTo'; maxCpus: number; maxMemoryMib: number; minCpus: number }
  | { kind: 'list'; pairs: readonly { cpus: number; memoryMib: number }[] };

/** How big and of which kind a task's own disk may be. */
export interface OfferDisk {
  /** Space that a task finds without asking, GiB; shared with others where `shared`. */
  includedGib: number;
  /** Volume type of that space, where it is known: who asks for this type may have it. */
  includedType: string | null;
  shared: boolean;
  /** Space that can be asked for without a type; null = none. */
  ephemeral: { minGib: number; maxGib: number } | null;
  /** A volume of the task's own; null = none (why: `volumeHint`). */
  volume: { minGib: number; maxGib: number } | null;
  volumeHint: string | null;
}

/** One kind of capacity that tasks can be placed on, as data: no table of any cloud, no globs, no query lives here. */
export interface Offer {
  /** Unique in the backend: the name of a capacity provider, `fargate`, `local`. */
  name: string;
  market: 'spot' | 'onDemand';
  sizes: OfferSizes;
  architectures: readonly Architecture[];
  /** null = none. `types` empty = of an unknown type; names in the backend's short form (`t4`). */
  accelerators: { maxCount: number; types: readonly string[] } | null;
  disk: OfferDisk;
  /** Instance types it may use; null = it has no such thing (Fargate); `[]` = any. */
  machineTypes: readonly string[] | null;
  /** The offer may use other types than the wanted one: a constraint filters and does not steer. */
  fuse: boolean;
}

/** Where an attempt goes, and what it gets there. JSON, kept in the task. */
export interface Placement {
  offer: string;
  market: 'spot' | 'onDemand';
  /** Rounded up where the offer has a list. */
  cpus: number;
  memoryMib: number;
  disk: (DiskWant & { how: 'included' | 'ephemeral' | 'volume' }) | null;
  machineTypes: readonly string[] | null;
  /** Said once to the user: what is not enforced or only filtered. */
  warnings: string[];
}
