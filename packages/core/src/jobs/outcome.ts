// SPDX-License-Identifier: Apache-2.0
import { AppError } from '../errors.ts';
import type { JobReason, JobState, JobStatus } from '../ports/job-store.ts';

/** Signals that end a run cleanly; a closed terminal sends SIGHUP. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Why a run stops before all is done; the first cause wins. */
export type StopCause =
  | { type: 'failed'; error: AppError }
  | { type: 'interrupted'; signal: StopSignal }
  | { type: 'cancelled' }
  | { type: 'gaveUp'; alias: string; forMs: number; error: AppError | null }
  | { type: 'storage'; error: AppError }
  | { type: 'lost'; error: AppError };

/** How a run ended: what the job's status is now and what the process says. */
export interface RunOutcome {
  status: JobStatus;
  reason: JobReason | null;
}

/**
 * True where failed records get new attempts: the job is FAILED, or was, and the run that took it up again died. That one
 * may have died before it noted the new attempts.
 */
export function resumesFailure({ status, reason }: Pick<JobState, 'status' | 'reason'>): boolean {
  if (status !== 'RUNNING') return status === 'FAILED';
  return reason?.reason === 'RECORDS_FAILED' || reason?.reason === 'SHORTFALL';
}

export function reasonOf(error: AppError, reason: string = error.reason): JobReason {
  return {
    code: error.code,
    reason,
    message: error.message,
    hint: error.info.hint ?? null,
    details: error.info.details ?? null,
  };
}

const RESUME = 'Run the same command again to go on from here; nothing paid for is lost.';

/** Status and reason of a run that was stopped. */
export function outcomeOf(cause: StopCause): RunOutcome {
  switch (cause.type) {
    case 'failed':
      return { status: 'FAILED', reason: reasonOf(cause.error) };
    case 'interrupted':
      return {
        status: 'QUEUED',
        reason: reasonOf(
          new AppError('CANCELED', 'INTERRUPTED', `stopped by ${cause.signal} after a clean commit`, {
            hint: RESUME,
            details: { signal: cause.signal },
          }),
        ),
      };
    case 'cancelled':
      return {
        status: 'CANCELLED',
        reason: reasonOf(
          new AppError('CANCELED', 'CANCELLED', 'the job was cancelled', {
            hint: 'What was committed stays; `stint export` writes it out.',
          }),
        ),
      };
    case 'gaveUp': {
      const seconds = Math.round(cause.forMs / 1000);
      const why = cause.error ? `: ${cause.error.message}` : '';
      const hint = cause.error?.info.hint ? `${cause.error.info.hint} ${RESUME}` : RESUME;
      return {
        status: 'QUEUED',
        reason: reasonOf(
          new AppError(
            'UNAVAILABLE',
            'SERVICE_UNAVAILABLE',
            `no call of model "${cause.alias}" succeeded for ${String(seconds)} s${why}`,
            { hint, details: { alias: cause.alias, for_s: seconds } },
          ),
        ),
      };
    }
    case 'storage':
      return {
        status: 'QUEUED',
        reason: reasonOf(
          new AppError('UNAVAILABLE', 'STORAGE_UNAVAILABLE', cause.error.message, {
            hint: cause.error.info.hint ?? RESUME,
            details: cause.error.info.details,
          }),
        ),
      };
    case 'lost':
      return { status: 'RUNNING', reason: reasonOf(cause.error, 'LEASE_LOST') };
  }
}
