// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import type { JobStore, Lease } from '../ports/job-store.ts';
import { LEASE_MS, LeaseKeeper } from './lease-keeper.ts';

const owner = { id: 'p', host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: 's' };

/** Lets time pass second by second, and says after how many the lease was given up. */
async function secondsUntilLost(lifeMs: number, renew: (lease: Lease) => Promise<Lease>): Promise<number | null> {
  let atMs = 0;
  let due: { atMs: number; fn: () => void } | null = null;
  const clock = {
    // Wall time has another origin, as it has on every machine.
    now: () => 1_000_000 + atMs,
    monotonic: () => atMs,
    after: (ms: number, fn: () => void) => {
      const timer = { atMs: atMs + ms, fn };
      due = timer;
      return () => void (due = due === timer ? null : due);
    },
  };
  const jobs = {
    renew: async (lease: Lease) => ({ lease: await renew(lease), cancelRequested: false }),
  } as unknown as JobStore;
  let lost: number | null = null;
  const lease: Lease = { resource: 'job', epoch: 1, expiresAtMs: clock.now() + lifeMs, owner };
  const keeper = new LeaseKeeper(jobs, clock, lease, { lost: () => (lost = atMs / 1000), cancel: () => undefined });
  while (lost === null && atMs < 40_000) {
    atMs += 1000;
    const now = due as { atMs: number; fn: () => void } | null;
    if (now && now.atMs <= atMs) {
      due = null;
      now.fn();
    }
    // The beat's promise, and what follows it.
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
  await keeper.stop();
  return lost;
}

const unreachable = (): Promise<Lease> => Promise.reject(new AppError('UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'gone'));

test('a lease that can’t be renewed is trusted until its life less a margin, counted from when it was granted', async () => {
  expect(await secondsUntilLost(LEASE_MS, unreachable)).toBe(15);
  // Ten seconds went by between the grant and the keeper.
  expect(await secondsUntilLost(LEASE_MS - 10_000, unreachable)).toBe(5);
});

test('one that is renewed is kept', async () => {
  const renewed = (lease: Lease): Promise<Lease> => Promise.resolve(lease);
  expect(await secondsUntilLost(LEASE_MS - 10_000, renewed)).toBeNull();
});

test('one that somebody else took is lost with the next heartbeat', async () => {
  const taken = (): Promise<Lease> => Promise.reject(new AppError('FAILED_PRECONDITION', 'LEASE_LOST', 'taken'));
  expect(await secondsUntilLost(LEASE_MS, taken)).toBe(1);
});
