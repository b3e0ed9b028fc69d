// SPDX-License-Identifier: Apache-2.0
import { leaseLost } from '@stint/core';
import type { JobState, Lease, StoredCall, StoredObject, Totals } from '@stint/core';

/** Last lease of one resource; `held` is null once it was released. */
export interface MemoryLease {
  epoch: number;
  held: Lease | null;
}

/** Everything the memory adapters keep: what a real disk would hold after the process died. */
export interface MemoryState {
  objects: Map<string, StoredObject>;
  job: Omit<JobState, 'lease' | 'epoch'> | null;
  leases: Map<string, MemoryLease>;
  /** Rows by index, each list in key order. */
  rows: Map<number, StoredCall[]>;
  totals: Totals;
  commits: Map<number, number>;
}

export const noTotals = (): Totals => ({
  settledNanoUsd: 0,
  unknownNanoUsd: 0,
  heldNanoUsd: 0,
  calls: 0,
  inputTokens: 0,
  outputTokens: 0,
});

export function emptyMemoryState(): MemoryState {
  return { objects: new Map(), job: null, leases: new Map(), rows: new Map(), totals: noTotals(), commits: new Map() };
}

/** @throws AppError FAILED_PRECONDITION/LEASE_LOST unless this very lease is in force. */
export function requireLease(leases: ReadonlyMap<string, MemoryLease>, lease: Lease): MemoryLease {
  const row = leases.get(lease.resource);
  if (!row || row.epoch !== lease.epoch || !row.held) throw leaseLost(lease, row?.epoch ?? null);
  return row;
}
