// SPDX-License-Identifier: Apache-2.0
import { AppError, leaseLost } from '@stint/core';
import type { JobStore, Lease } from '@stint/core';
import { emptyMemoryState, requireLease } from './memory-state.ts';
import type { MemoryState } from './memory-state.ts';

/** A job store that works; `state` is shared with the call log of the same job. */
export function memoryJobStore(state: MemoryState = emptyMemoryState()): JobStore {
  const job = (): NonNullable<MemoryState['job']> => {
    if (!state.job) throw new AppError('NOT_FOUND', 'JOB_NOT_FOUND', 'no job was created here yet');
    return state.job;
  };
  return {
    async read() {
      if (!state.job) return null;
      const row = state.leases.get('job');
      return structuredClone({ ...state.job, lease: row?.held ?? null, epoch: row?.epoch ?? 0 });
    },

    async create(limits, atMs) {
      if (state.job) throw new AppError('ALREADY_EXISTS', 'JOB_EXISTS', 'a job was created here already');
      state.job = {
        status: 'QUEUED',
        reason: null,
        limits: { ...limits },
        history: [{ atMs, limits: { ...limits } }],
        cancelRequested: false,
        elapsedMs: 0,
      };
    },

    async acquire(resource, owner, seenEpoch, expiresAtMs, from) {
      const current = job();
      const epoch = state.leases.get(resource)?.epoch ?? 0;
      const lease: Lease = { resource, epoch: seenEpoch + 1, expiresAtMs, owner: { ...owner } };
      if (epoch !== seenEpoch) throw leaseLost(lease, epoch);
      state.leases.set(resource, { epoch: lease.epoch, held: lease });
      if (from.includes(current.status)) current.status = 'RUNNING';
      return structuredClone(lease);
    },

    async renew(lease, expiresAtMs) {
      const row = requireLease(state.leases, lease);
      const expires = Math.max(expiresAtMs, row.held?.expiresAtMs ?? 0);
      const renewed: Lease = { ...lease, owner: { ...lease.owner }, expiresAtMs: expires };
      row.held = renewed;
      return { lease: structuredClone(renewed), cancelRequested: job().cancelRequested };
    },

    async release(lease, end) {
      requireLease(state.leases, lease).held = null;
      if (lease.resource !== 'job') return;
      const current = job();
      current.status = end.status;
      current.reason = structuredClone(end.reason);
      current.elapsedMs = end.elapsedMs;
      if (end.status !== 'QUEUED' && end.status !== 'RUNNING') current.cancelRequested = false;
    },

    async setLimits(lease, limits, atMs) {
      requireLease(state.leases, lease);
      const current = job();
      current.limits = { ...limits };
      current.history.push({ atMs, limits: { ...limits } });
    },

    async cancel(force, seenEpoch, nowMs) {
      const current = job();
      if (current.status === 'COMPLETED' || current.status === 'CANCELLED') return current.status;
      const row = state.leases.get('job') ?? { epoch: 0, held: null };
      const free = force || !row.held || row.held.expiresAtMs <= nowMs;
      if (free && row.epoch === seenEpoch) {
        current.status = 'CANCELLED';
        current.reason = null;
        current.cancelRequested = false;
        state.leases.set('job', { epoch: row.epoch + 1, held: null });
      } else current.cancelRequested = true;
      return current.status;
    },

    async close() {
      // Nothing is held open.
    },
  };
}
