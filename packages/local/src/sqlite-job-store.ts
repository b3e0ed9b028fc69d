// SPDX-License-Identifier: Apache-2.0
import { AppError, leaseLost } from '@stint/core';
import type { JobLimits, JobReason, JobState, JobStatus, JobStore, Lease, LeaseOwner } from '@stint/core';
import { readLease, requireLease } from './sqlite-lease.ts';
import type { StateDatabase } from './state-database.ts';

interface JobRow {
  status: JobStatus;
  reason: string | null;
  cancel_requested: number;
  elapsed_ms: number;
}

const statuses: ReadonlySet<string> = new Set<JobStatus>([
  'QUEUED',
  'RUNNING',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'BUDGET_EXCEEDED',
]);

interface LimitsRow {
  at_ms: number;
  budget_nano_usd: number | null;
  num_records: number;
  concurrency: number | null;
}

const toLimits = (row: LimitsRow): JobLimits => ({
  budgetNanoUsd: row.budget_nano_usd,
  numRecords: row.num_records,
  concurrency: row.concurrency ?? 'auto',
});

/** Budget in force; null = no cap. Inside a transaction it is the one that a write must keep. */
export function budgetInForce(db: StateDatabase): number | null {
  const row = db.prepare('SELECT budget_nano_usd AS budget FROM limits ORDER BY seq DESC LIMIT 1').get();
  return (row?.['budget'] as number | null | undefined) ?? null;
}

/** Status, lease and limits in state.sqlite. `close` releases the file. */
export function createSqliteJobStore(db: StateDatabase): JobStore {
  db.retain();
  let closed = false;

  const readJob = (): JobRow | null =>
    (db.prepare('SELECT status, reason, cancel_requested, elapsed_ms FROM job').get() as JobRow | undefined) ?? null;
  const requireJob = (): JobRow => {
    const job = readJob();
    if (!job) throw new AppError('NOT_FOUND', 'JOB_NOT_FOUND', 'no job was created here yet');
    return job;
  };
  const setStatus = (status: JobStatus): void => void db.prepare('UPDATE job SET status = ?').run(status);
  const addLimits = (limits: JobLimits, atMs: number): void => {
    const concurrency = limits.concurrency === 'auto' ? null : limits.concurrency;
    db.prepare('INSERT INTO limits (at_ms, budget_nano_usd, num_records, concurrency) VALUES (?, ?, ?, ?)').run(
      atMs,
      limits.budgetNanoUsd,
      limits.numRecords,
      concurrency,
    );
  };
  const putLease = (resource: string, epoch: number, expiresAtMs: number, owner: LeaseOwner | null): void => {
    db.prepare('INSERT OR REPLACE INTO leases (resource, epoch, expires_at_ms, owner) VALUES (?, ?, ?, ?)').run(
      resource,
      epoch,
      expiresAtMs,
      owner && JSON.stringify(owner),
    );
  };
  const damaged = (what: string): AppError =>
    new AppError('FAILED_PRECONDITION', 'DAMAGED', `${db.path} ${what}`, {
      hint: 'Restore state.sqlite from a copy.',
      details: { file: db.path },
    });
  const parsed = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      throw damaged('holds text that is not JSON where JSON belongs');
    }
  };
  const change = <T>(fn: () => T): T => {
    db.jobVersion++;
    return db.write(fn);
  };
  /** An epoch that was granted is in files soon: it must not be granted again after a loss of power. */
  const changeDurably = <T>(fn: () => T): T => {
    db.jobVersion++;
    return db.writeDurably(fn);
  };

  return {
    async read() {
      return db.read((): JobState | null => {
        const job = readJob();
        if (!job) return null;
        const rows = db.prepare('SELECT * FROM limits ORDER BY seq').all() as unknown as LimitsRow[];
        const history = rows.map((row) => ({ atMs: row.at_ms, limits: toLimits(row) }));
        const last = history.at(-1);
        if (!last) throw damaged('holds a job without limits');
        if (!statuses.has(job.status)) throw damaged(`says that the job is "${String(job.status)}"`);
        const held = readLease(db, 'job');
        return {
          status: job.status,
          reason: job.reason === null ? null : (parsed(job.reason) as JobReason),
          limits: { ...last.limits },
          history,
          cancelRequested: job.cancel_requested !== 0,
          elapsedMs: job.elapsed_ms,
          lease:
            held === null || held.owner === null
              ? null
              : {
                  resource: 'job',
                  epoch: held.epoch,
                  expiresAtMs: held.expires_at_ms,
                  owner: parsed(held.owner) as LeaseOwner,
                },
          epoch: held?.epoch ?? 0,
        };
      });
    },

    async create(limits, atMs) {
      changeDurably(() => {
        if (readJob()) throw new AppError('ALREADY_EXISTS', 'JOB_EXISTS', 'a job was created here already');
        db.prepare("INSERT INTO job VALUES (1, 'QUEUED', NULL, 0, 0)").run();
        addLimits(limits, atMs);
      });
    },

    async acquire(resource, owner, seenEpoch, expiresAtMs, from) {
      return changeDurably((): Lease => {
        const job = requireJob();
        const lease: Lease = { resource, epoch: seenEpoch + 1, expiresAtMs, owner: { ...owner } };
        const epoch = readLease(db, resource)?.epoch ?? 0;
        if (epoch !== seenEpoch) throw leaseLost(lease, epoch);
        putLease(resource, lease.epoch, expiresAtMs, owner);
        if (from.includes(job.status)) setStatus('RUNNING');
        return lease;
      });
    },

    async renew(lease, expiresAtMs) {
      return change(() => {
        const row = requireLease(db, lease);
        const renewed: Lease = { ...lease, expiresAtMs: Math.max(expiresAtMs, row.expires_at_ms) };
        putLease(lease.resource, lease.epoch, renewed.expiresAtMs, lease.owner);
        return { lease: renewed, cancelRequested: requireJob().cancel_requested !== 0 };
      });
    },

    async release(lease, end) {
      change(() => {
        const row = requireLease(db, lease);
        putLease(lease.resource, lease.epoch, row.expires_at_ms, null);
        if (lease.resource !== 'job') return;
        const goesOn = end.status === 'QUEUED' || end.status === 'RUNNING';
        db.prepare(
          'UPDATE job SET status = ?, reason = ?, elapsed_ms = ?, cancel_requested = cancel_requested * ?',
        ).run(end.status, end.reason && JSON.stringify(end.reason), end.elapsedMs, goesOn ? 1 : 0);
      });
    },

    async setLimits(lease, limits, atMs) {
      change(() => {
        requireLease(db, lease);
        addLimits(limits, atMs);
      });
    },

    async cancel(force, seenEpoch, nowMs) {
      return change((): JobStatus => {
        const job = requireJob();
        if (job.status === 'COMPLETED' || job.status === 'CANCELLED') return job.status;
        const row = readLease(db, 'job') ?? { epoch: 0, expires_at_ms: 0, owner: null };
        const free = force || row.owner === null || row.expires_at_ms <= nowMs;
        if (!free || row.epoch !== seenEpoch) {
          db.prepare('UPDATE job SET cancel_requested = 1').run();
          return job.status;
        }
        db.prepare("UPDATE job SET status = 'CANCELLED', reason = NULL, cancel_requested = 0").run();
        putLease('job', row.epoch + 1, nowMs, null);
        return 'CANCELLED';
      });
    },

    async close() {
      if (!closed) db.release();
      closed = true;
    },
  };
}
