// SPDX-License-Identifier: Apache-2.0
import type { AppError } from '../errors.ts';

/**
 * What a failed model call means. The one table of it:
 * - throttled: waited for, never counted against the record
 * - transient: at most 5 tries of a step, then the attempt fails
 * - filtered: one corrective turn, then the attempt is rejected
 * - request: the provider refused this request; the record is given up, and before any success of the alias the job fails
 * - fatal: no record can succeed; the job fails at once
 * - aborted: we stopped it
 */
export type FailureClass = 'throttled' | 'transient' | 'filtered' | 'request' | 'fatal' | 'aborted';

export function classify(error: AppError): FailureClass {
  switch (error.code) {
    case 'RESOURCE_EXHAUSTED':
      return 'throttled';
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return 'transient';
    case 'PERMISSION_DENIED':
    case 'NOT_FOUND':
    case 'UNIMPLEMENTED':
    case 'FAILED_PRECONDITION':
    case 'INTERNAL':
    case 'ALREADY_EXISTS':
      return 'fatal';
    case 'CANCELED':
      return 'aborted';
    case 'INVALID_ARGUMENT':
      return error.reason === 'CONTENT_FILTERED' ? 'filtered' : 'request';
  }
}

/** Reason the job ends with when a call's failure is fatal for it. */
export function fatalReason(error: AppError): string {
  if (error.code === 'PERMISSION_DENIED') return 'ACCESS_DENIED';
  if (error.code === 'NOT_FOUND') return 'MODEL_UNKNOWN';
  if (error.code === 'INVALID_ARGUMENT') return 'RECORDS_FAILED';
  return error.reason;
}

/** Tries of a step whose failures are transient. */
export const MAX_TRANSIENT_TRIES = 5;
