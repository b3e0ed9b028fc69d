// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import type { JobReason, Lease } from '@stint/core';
import { contractSuite, refused } from './contract-suite.ts';
import type { Skips } from './contract-suite.ts';
import { takeJob, testLimits, testOwner } from './state-harness.ts';
import type { StateHarness } from './state-harness.ts';

const lost = ['FAILED_PRECONDITION', 'LEASE_LOST'] as const;
const why: JobReason = { code: 'X', reason: 'Y', message: 'm', hint: null, details: { a: [1, 'b'] } };
const end = (status: 'QUEUED' | 'COMPLETED' | 'FAILED', elapsedMs = 5) => ({ status, reason: null, elapsedMs });

const rules: Record<string, (h: StateHarness) => Promise<void>> = {
  'a storage without a job reads as null, and only create makes one': async (h) => {
    const { jobs } = await h.open();
    expect(await jobs.read()).toBeNull();
    await refused(jobs.acquire('job', testOwner('a'), 0, 10, []), 'NOT_FOUND', 'JOB_NOT_FOUND');
    await refused(jobs.cancel(true, 0, 1), 'NOT_FOUND', 'JOB_NOT_FOUND');
    expect(await jobs.read()).toBeNull();
  },
  'a new job is QUEUED with epoch 0, its limits and their history': async (h) => {
    const { jobs } = await h.open();
    const limits = { budgetNanoUsd: 5_000, numRecords: 7, concurrency: 3 };
    await jobs.create(limits, 42);
    const expected = {
      status: 'QUEUED',
      reason: null,
      limits,
      history: [{ atMs: 42, limits }],
      cancelRequested: false,
      elapsedMs: 0,
      lease: null,
      epoch: 0,
    };
    expect(await jobs.read()).toEqual(expected);
    expect(await (await h.open()).jobs.read()).toEqual(expected);
  },
  'a second create is refused and changes nothing': async (h) => {
    const { jobs } = await h.open();
    await jobs.create(testLimits(5), 1);
    await refused(jobs.create(testLimits(9), 2), 'ALREADY_EXISTS', 'JOB_EXISTS');
    expect((await jobs.read())?.history).toEqual([{ atMs: 1, limits: testLimits(5) }]);
  },
  'no cap and automatic concurrency are kept': async (h) => {
    const { jobs } = await h.open();
    await jobs.create({ budgetNanoUsd: null, numRecords: 1, concurrency: 'auto' }, 1);
    expect((await (await h.open()).jobs.read())?.limits).toEqual({
      budgetNanoUsd: null,
      numRecords: 1,
      concurrency: 'auto',
    });
  },
  'acquire gives the next epoch, shows the holder and makes the job RUNNING': async (h) => {
    const { jobs } = await h.open();
    await jobs.create(testLimits(), 1);
    const lease = await jobs.acquire('job', testOwner('a'), 0, 900, ['QUEUED']);
    expect(lease).toEqual({ resource: 'job', epoch: 1, expiresAtMs: 900, owner: testOwner('a') });
    expect(await (await h.open()).jobs.read()).toMatchObject({ status: 'RUNNING', lease, epoch: 1 });
  },
  'a status that is not in `from` stays': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    await jobs.release(lease, end('COMPLETED'));
    const next = await jobs.acquire('job', testOwner('b'), 1, 900, ['QUEUED', 'RUNNING']);
    expect((await jobs.read())?.status).toBe('COMPLETED');
    await jobs.release(next, end('COMPLETED'));
    await jobs.acquire('job', testOwner('b'), 2, 900, ['COMPLETED']);
    expect((await jobs.read())?.status).toBe('RUNNING');
  },
  'acquire with an epoch that is not the last is refused': async (h) => {
    const { jobs } = await h.open();
    await takeJob(jobs);
    await refused(jobs.acquire('job', testOwner('b'), 0, 900, []), ...lost);
    await refused(jobs.acquire('job', testOwner('b'), 2, 900, []), ...lost);
    expect((await jobs.read())?.lease?.owner.id).toBe('one');
  },
  'of many that acquire at once one wins': async (h) => {
    const { jobs } = await h.open();
    await jobs.create(testLimits(), 1);
    const stores = await Promise.all(Array.from({ length: 6 }, () => h.open()));
    const done = await Promise.allSettled(stores.map((s, i) => s.jobs.acquire('job', testOwner(`${i}`), 0, 900, [])));
    const leases = done.flatMap((d) => (d.status === 'fulfilled' ? [d.value] : []));
    expect(leases).toHaveLength(1);
    for (const d of done) if (d.status === 'rejected') expect(d.reason).toMatchObject({ reason: 'LEASE_LOST' });
    expect((await jobs.read())?.lease).toEqual(leases[0]);
  },
  'an expired lease shows until it is taken over': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    expect((await (await h.open()).jobs.read())?.lease).toEqual(lease);
    const next = await jobs.acquire('job', testOwner('two'), 1, 9_000, ['QUEUED']);
    expect(next.epoch).toBe(2);
    expect((await jobs.read())?.lease?.owner.id).toBe('two');
  },
  'an expired lease that nobody took over still writes': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    expect((await jobs.renew(lease, 5_000)).lease.expiresAtMs).toBe(5_000);
  },
  'resources have epochs of their own': async (h) => {
    const { jobs } = await h.open();
    await takeJob(jobs);
    const shard = await jobs.acquire('shard/0', testOwner('a'), 0, 900, []);
    expect(shard.epoch).toBe(1);
    expect((await jobs.acquire('shard/0', testOwner('a'), 1, 900, [])).epoch).toBe(2);
    expect((await jobs.read())?.epoch).toBe(1);
    await refused(jobs.renew(shard, 1_000), ...lost);
  },
  'renew moves the expiry, never back, and tells of a cancel request': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    const first = await jobs.renew(lease, 2_000);
    expect(first).toEqual({ lease: { ...lease, expiresAtMs: 2_000 }, cancelRequested: false });
    expect((await jobs.renew(first.lease, 1_500)).lease.expiresAtMs).toBe(2_000);
    expect(await jobs.cancel(false, 1, 10)).toBe('RUNNING');
    expect((await jobs.renew(lease, 3_000)).cancelRequested).toBe(true);
    expect((await (await h.open()).jobs.read())?.lease?.expiresAtMs).toBe(3_000);
  },
  'every write with an older lease is refused and changes nothing': async (h) => {
    const { jobs } = await h.open();
    const old = await takeJob(jobs, 'one');
    await takeJob(jobs, 'two');
    const before = await jobs.read();
    await refused(jobs.renew(old, 9_000), ...lost);
    await refused(jobs.release(old, end('FAILED')), ...lost);
    await refused(jobs.setLimits(old, testLimits(1), 9), ...lost);
    expect(await jobs.read()).toEqual(before);
  },
  'every write with a released lease, or one never granted, is refused': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    const invented: Lease = { ...lease, epoch: 7 };
    await refused(jobs.renew(invented, 9_000), ...lost);
    await refused(jobs.renew({ ...lease, resource: 'shard/9' }, 9_000), ...lost);
    await jobs.release(lease, end('QUEUED'));
    const before = await jobs.read();
    await refused(jobs.renew(lease, 9_000), ...lost);
    await refused(jobs.release(lease, end('FAILED')), ...lost);
    await refused(jobs.setLimits(lease, testLimits(1), 9), ...lost);
    expect(await jobs.read()).toEqual(before);
  },
  'a run that takes a job up again leaves the reason of its last end until the next': async (h) => {
    const { jobs } = await h.open();
    await jobs.release(await takeJob(jobs), { status: 'FAILED', reason: why, elapsedMs: 1 });
    const lease = await jobs.acquire('job', testOwner('two'), 1, 1_000, ['FAILED']);
    await jobs.renew(lease, 2_000);
    expect(await (await h.open()).jobs.read()).toMatchObject({ status: 'RUNNING', reason: why });
    await jobs.release(lease, end('QUEUED'));
    expect((await jobs.read())?.reason).toBeNull();
  },
  'release ends the lease with status, reason and elapsed time': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    await jobs.release(lease, { status: 'FAILED', reason: why, elapsedMs: 1_234.5 });
    expect(await (await h.open()).jobs.read()).toMatchObject({
      status: 'FAILED',
      reason: why,
      elapsedMs: 1_234.5,
      lease: null,
      epoch: 1,
    });
    expect((await jobs.acquire('job', testOwner('b'), 1, 900, ['FAILED'])).epoch).toBe(2);
  },
  'releasing another resource leaves the job as it is': async (h) => {
    const { jobs } = await h.open();
    await takeJob(jobs);
    const shard = await jobs.acquire('shard/0', testOwner('a'), 0, 900, []);
    await jobs.release(shard, end('COMPLETED', 99));
    expect(await jobs.read()).toMatchObject({ status: 'RUNNING', elapsedMs: 0, epoch: 1 });
    await refused(jobs.renew(shard, 1_000), ...lost);
  },
  'limits in force change, and each change is kept': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    await jobs.setLimits(lease, testLimits(2_000_000, 20), 50);
    await jobs.setLimits(lease, { ...testLimits(null, 20), concurrency: 8 }, 60);
    const state = await (await h.open()).jobs.read();
    expect(state?.limits).toEqual({ budgetNanoUsd: null, numRecords: 20, concurrency: 8 });
    expect(state?.history.map((entry) => [entry.atMs, entry.limits.budgetNanoUsd])).toEqual([
      [1, 1_000_000],
      [50, 2_000_000],
      [60, null],
    ]);
  },
  'cancel asks a holder, and its end answers': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    expect(await (await h.open()).jobs.cancel(false, 1, 10)).toBe('RUNNING');
    expect(await jobs.read()).toMatchObject({ status: 'RUNNING', cancelRequested: true, epoch: 1 });
    await jobs.release(lease, { status: 'CANCELLED', reason: null, elapsedMs: 1 });
    expect(await jobs.read()).toMatchObject({ status: 'CANCELLED', cancelRequested: false, lease: null });
  },
  'a cancel request that its holder did not answer stays for the next': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    await jobs.cancel(false, 1, 10);
    await jobs.release(lease, end('QUEUED'));
    expect((await jobs.read())?.cancelRequested).toBe(true);
    const next = await takeJob(jobs, 'two');
    expect((await jobs.renew(next, 9_000)).cancelRequested).toBe(true);
  },
  'a job that nobody holds is CANCELLED at once': async (h) => {
    const { jobs } = await h.open();
    await jobs.create(testLimits(), 1);
    expect(await jobs.cancel(false, 0, 10)).toBe('CANCELLED');
    expect(await (await h.open()).jobs.read()).toMatchObject({ status: 'CANCELLED', lease: null });
  },
  'a released, an expired and a forced lease count as nobody': async (h) => {
    const { jobs } = await h.open();
    const lease = await takeJob(jobs);
    expect(await jobs.cancel(false, 1, 999)).toBe('RUNNING');
    expect(await jobs.cancel(false, 1, 1_000)).toBe('CANCELLED');
    await refused(jobs.renew(lease, 9_000), ...lost);
  },
  'a forced cancel fences a holder that was not dead': async (h) => {
    const { jobs, log } = await h.open();
    const lease = await takeJob(jobs);
    expect(await jobs.cancel(true, 1, 10)).toBe('CANCELLED');
    await refused(jobs.renew(lease, 9_000), ...lost);
    await refused(log.append(lease, []), ...lost);
    await refused(jobs.acquire('job', testOwner('b'), 1, 900, []), ...lost);
  },
  'a forced cancel of a lease that is not the last asks its new holder': async (h) => {
    const { jobs } = await h.open();
    await takeJob(jobs, 'one');
    const next = await takeJob(jobs, 'two');
    expect(await jobs.cancel(true, 1, 10)).toBe('RUNNING');
    expect((await jobs.renew(next, 9_000)).cancelRequested).toBe(true);
  },
  'COMPLETED and CANCELLED stay, FAILED can be cancelled': async (h) => {
    const { jobs } = await h.open();
    await jobs.release(await takeJob(jobs), end('COMPLETED'));
    expect(await jobs.cancel(true, 1, 10)).toBe('COMPLETED');
    expect(await jobs.read()).toMatchObject({ cancelRequested: false, epoch: 1 });
    const again = await jobs.acquire('job', testOwner('b'), 1, 900, ['COMPLETED']);
    await jobs.release(again, { status: 'FAILED', reason: why, elapsedMs: 1 });
    expect(await jobs.cancel(false, 2, 10)).toBe('CANCELLED');
    expect((await jobs.read())?.reason).toBeNull();
    expect(await jobs.cancel(false, 3, 10)).toBe('CANCELLED');
  },
  'closing twice does no harm': async (h) => {
    const { jobs } = await h.open();
    await jobs.create(testLimits(), 1);
    await jobs.close();
    await jobs.close();
    expect((await (await h.open()).jobs.read())?.status).toBe('QUEUED');
  },
};

/** The rules of the JobStore port. */
export function jobStoreContract(name: string, make: () => Promise<StateHarness>, skip: Skips = {}): void {
  contractSuite(`JobStore contract: ${name}`, make, skip, rules);
}
