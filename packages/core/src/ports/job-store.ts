// SPDX-License-Identifier: Apache-2.0

export type JobStatus = 'QUEUED' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'BUDGET_EXCEEDED';

/** Why a job is not COMPLETED, for people and scripts; the `reason` of the summary. */
export interface JobReason {
  code: string;
  reason: string;
  message: string;
  hint: string | null;
  details: Record<string, unknown> | null;
}

/** Limits in force; each change is kept in the history. */
export interface JobLimits {
  /** null = no cap (every price is 0). */
  budgetNanoUsd: number | null;
  numRecords: number;
  concurrency: number | 'auto';
}

/** Who holds a lease. Liveness can be judged only where host, boot id and pid namespace equal ours. */
export interface LeaseOwner {
  /** Unique for each process start. */
  id: string;
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  /** Start of that process, in the platform's own words; a reused pid has another. */
  startTime: string;
}

/** Temporary right to write one resource (`job`, later `shard/<k>`). */
export interface Lease {
  readonly resource: string;
  /** Strictly greater than of every earlier lease on the resource; goes with every write. */
  readonly epoch: number;
  /** Epoch ms. */
  readonly expiresAtMs: number;
  readonly owner: LeaseOwner;
}

export interface JobState {
  status: JobStatus;
  reason: JobReason | null;
  limits: JobLimits;
  history: { atMs: number; limits: JobLimits }[];
  cancelRequested: boolean;
  /** Wall time of all runs that held the lease, ms. */
  elapsedMs: number;
  /** The `job` lease, if one is held; an expired one shows until it is taken over. */
  lease: Lease | null;
  /** Epoch of the last lease granted on `job` (or of the cancel that fenced it); 0 = none yet. */
  epoch: number;
}

/**
 * Status, lease and limits of one job. Every change is one atomic conditional write; with a lease it is refused with
 * FAILED_PRECONDITION/LEASE_LOST when a newer epoch was granted (or the lease was released).
 */
export interface JobStore {
  /** @returns null where no job was created yet. @throws AppError UNAVAILABLE/STORAGE_UNAVAILABLE: never absence. */
  read(): Promise<JobState | null>;
  /** First state: QUEUED, epoch 0. @throws AppError ALREADY_EXISTS/JOB_EXISTS */
  create(limits: JobLimits, atMs: number): Promise<void>;
  /**
   * Takes the lease with epoch + 1, only while the resource's epoch is still `seenEpoch`; whether the holder seen may
   * be replaced was the caller's decision. A status in `from` becomes RUNNING, another stays; the reason of the last
   * end stays until the next.
   * @throws AppError FAILED_PRECONDITION/LEASE_LOST when somebody else was faster, NOT_FOUND/JOB_NOT_FOUND.
   */
  acquire(
    resource: string,
    owner: LeaseOwner,
    seenEpoch: number,
    expiresAtMs: number,
    from: readonly JobStatus[],
  ): Promise<Lease>;
  /** @returns the lease with its later expiry, and whether cancel was requested. */
  renew(lease: Lease, expiresAtMs: number): Promise<{ lease: Lease; cancelRequested: boolean }>;
  /**
   * Ends the lease with the status, reason and total of `elapsedMs` the job has from then on. A status other than QUEUED
   * and RUNNING answers a cancel request, and clears it. A lease on another resource than `job` just ends.
   */
  release(lease: Lease, end: { status: JobStatus; reason: JobReason | null; elapsedMs: number }): Promise<void>;
  /** Changes the limits in force. */
  setLimits(lease: Lease, limits: JobLimits, atMs: number): Promise<void>;
  /**
   * Asks the holder to stop; where nobody holds the lease (`seenEpoch` still the last and its lease released, expired or
   * judged dead by the caller: `force`) the job is CANCELLED at once, and the epoch moves on, so that a holder that was
   * not dead can write no more. COMPLETED and CANCELLED stay.
   * @returns the status after the call. @throws AppError NOT_FOUND/JOB_NOT_FOUND
   */
  cancel(force: boolean, seenEpoch: number, nowMs: number): Promise<JobStatus>;
  close(): Promise<void>;
}
