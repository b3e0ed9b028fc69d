// SPDX-License-Identifier: Apache-2.0
import { AppError, toAppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { JobState, JobStatus, JobStore, Lease, LeaseOwner } from '../ports/job-store.ts';
import { takenOver } from './shard-book.ts';

/** Life of a lease, ms; renewed at a third of it. */
export const LEASE_MS = 15_000;
/** Trust ends this much before the lease does, for clocks and pauses. */
const MARGIN_MS = 1_000;
/** How often a cancel request is looked for. */
const HEARTBEAT_MS = 1_000;

export type Liveness = (owner: LeaseOwner) => 'alive' | 'dead' | 'unknown';

/**
 * Takes the job's lease. A dead holder on this machine is replaced at once, a live one is respected at once, any
 * other is waited for until its lease expires.
 * @param from - statuses from which a run may start.
 * @throws AppError FAILED_PRECONDITION/JOB_HELD
 */
export async function acquireJob(
  jobs: JobStore,
  clock: Clock,
  owner: LeaseOwner,
  liveness: Liveness,
  from: readonly JobStatus[],
  state: JobState,
): Promise<Lease> {
  let seen = state;
  const waitUntil = clock.monotonic() + LEASE_MS + MARGIN_MS;
  for (;;) {
    const holder = seen.lease;
    if (!holder || holder.expiresAtMs <= clock.now() || liveness(holder.owner) === 'dead') {
      try {
        return await jobs.acquire('job', owner, seen.epoch, clock.now() + LEASE_MS, from);
      } catch (e) {
        if (toAppError(e).reason !== 'LEASE_LOST') throw e;
      }
    } else if (liveness(holder.owner) === 'alive' || clock.monotonic() > waitUntil) throw held(holder);
    else
      await new Promise<void>((resolve) => clock.after(Math.min(500, holder.expiresAtMs - clock.now() + 1), resolve));
    const again = await jobs.read();
    if (!again) throw new AppError('NOT_FOUND', 'JOB_NOT_FOUND', 'the job vanished while its lease was awaited');
    if (again.epoch !== seen.epoch && again.lease) throw held(again.lease);
    if (!from.includes(again.status)) {
      throw new AppError('FAILED_PRECONDITION', 'JOB_HELD', `the job is ${again.status} by now`, {
        hint: 'Run `stint status` to see it.',
      });
    }
    seen = again;
  }
}

function held(lease: Lease): AppError {
  const { host, pid } = lease.owner;
  return new AppError('FAILED_PRECONDITION', 'JOB_HELD', `the job is held by process ${String(pid)} on ${host}`, {
    hint: 'Wait for that process, stop it (kill -TERM), or cancel the job with `stint cancel`.',
    details: { host, pid, epoch: lease.epoch, expires_at: new Date(lease.expiresAtMs).toISOString() },
  });
}

/** Keeps a lease alive until stopped; tells when it is lost or when cancel was asked for. */
export class LeaseKeeper {
  #lease: Lease;
  readonly #jobs: JobStore;
  readonly #clock: Clock;
  readonly #onLost: (error: AppError) => void;
  readonly #onCancel: () => void;
  #cancelTimer: () => void = () => undefined;
  #stopped = false;
  #renewing: Promise<void> = Promise.resolve();
  #renewedAt: number;
  #trustedUntil: number;

  constructor(jobs: JobStore, clock: Clock, lease: Lease, on: { lost: (error: AppError) => void; cancel: () => void }) {
    this.#jobs = jobs;
    this.#clock = clock;
    this.#lease = lease;
    this.#onLost = on.lost;
    this.#onCancel = on.cancel;
    // Some of its life may be over already.
    this.#renewedAt = clock.monotonic() + (lease.expiresAtMs - clock.now()) - LEASE_MS;
    this.#trustedUntil = this.#renewedAt + LEASE_MS - MARGIN_MS;
    this.#arm();
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Ends renewal; waits for one under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#renewing;
  }

  #arm(): void {
    this.#cancelTimer = this.#clock.after(HEARTBEAT_MS, () => {
      this.#renewing = this.#beat();
    });
  }

  async #beat(): Promise<void> {
    const sentAt = this.#clock.monotonic();
    const due = sentAt - this.#renewedAt >= LEASE_MS / 3;
    try {
      // Between renewals the expiry stays; the write still proves that the lease is ours.
      const expiresAtMs = due ? this.#clock.now() + LEASE_MS : this.#lease.expiresAtMs;
      const { lease, cancelRequested } = await this.#jobs.renew(this.#lease, expiresAtMs);
      this.#lease = lease;
      if (due) {
        this.#renewedAt = sentAt;
        this.#trustedUntil = sentAt + LEASE_MS - MARGIN_MS;
      }
      if (cancelRequested) this.#onCancel();
    } catch (e) {
      const error = toAppError(e);
      if (error.reason === 'LEASE_LOST') {
        this.#stopped = true;
        this.#onLost(error);
      } else if (this.#clock.monotonic() > this.#trustedUntil) {
        this.#stopped = true;
        this.#onLost(new AppError('FAILED_PRECONDITION', 'LEASE_LOST', takenOver('lease').message, { cause: e }));
      }
    }
    if (!this.#stopped) this.#arm();
  }
}
