// SPDX-License-Identifier: Apache-2.0
import { leaseLost } from '@stint/core';
import type { Lease } from '@stint/core';
import type { StateDatabase } from './state-database.ts';

export interface LeaseRow {
  epoch: number;
  expires_at_ms: number;
  /** JSON of its LeaseOwner; null once released. */
  owner: string | null;
}

export function readLease(db: StateDatabase, resource: string): LeaseRow | null {
  const row = db.prepare('SELECT epoch, expires_at_ms, owner FROM leases WHERE resource = ?').get(resource);
  return (row as unknown as LeaseRow | undefined) ?? null;
}

/**
 * Inside a write transaction: the row of a lease that is in force.
 * @throws AppError FAILED_PRECONDITION/LEASE_LOST
 */
export function requireLease(db: StateDatabase, lease: Lease): LeaseRow {
  const row = readLease(db, lease.resource);
  if (!row || row.epoch !== lease.epoch || row.owner === null) throw leaseLost(lease, row?.epoch ?? null);
  return row;
}

/**
 * Runs `fn` while no other process writes the job's state, and only while `lease` (if any) is in force.
 * @throws AppError FAILED_PRECONDITION/LEASE_LOST
 */
export function whileHeld(db: StateDatabase, lease: Lease | null, fn: () => void): void {
  db.write(() => {
    if (lease) requireLease(db, lease);
    fn();
  });
}
