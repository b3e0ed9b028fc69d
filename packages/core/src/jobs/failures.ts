// SPDX-License-Identifier: Apache-2.0
import type { TemplateError } from '@stint/jinja';
import { AppError } from '../errors.ts';
import type { JobSpec } from '../formats/job.ts';

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

/** The job ends under the reason of the contract; the provider's own stays in the details. */
export function renamed(error: AppError): AppError {
  return new AppError(error.code, fatalReason(error), error.message, {
    ...error.info,
    details: { ...error.info.details, provider_reason: error.reason },
  });
}

/** `max_failures` as a number of records; a percentage allows at least 10. */
function allowedFailures(limit: JobSpec['max_failures'], numRecords: number): number {
  return 'records' in limit ? limit.records : Math.max(10, Math.floor((limit.percent / 100) * numRecords));
}

/** What ends a job in which so many records failed; null = it goes on. `last` is the latest of them, where it is known. */
export function tooManyFailed(
  spec: Pick<JobSpec, 'on_shortfall' | 'max_failures'>,
  numRecords: number,
  failed: number,
  last?: { index: number; code: string; reason: string },
): AppError | null {
  const details = last ? { index: last.index, code: last.code } : { failed };
  if (spec.on_shortfall === 'fail' && failed > 0) {
    const which = last ? `record ${String(last.index)} failed: ${last.reason}` : `${String(failed)} records failed`;
    return new AppError('FAILED_PRECONDITION', 'SHORTFALL', which, {
      hint: 'on_shortfall is "fail". Run the same command again to give failed records new attempts.',
      details,
    });
  }
  const allowed = allowedFailures(spec.max_failures, numRecords);
  if (failed <= allowed) return null;
  const why = last ? `; the last: ${last.reason}` : '';
  return new AppError(
    'FAILED_PRECONDITION',
    'RECORDS_FAILED',
    `${String(failed)} records failed, more than max_failures allows (${String(allowed)})${why}`,
    {
      hint: 'Look at the rows in rejects/, then run the same command again: failed records get new attempts.',
      details,
    },
  );
}

/** A template that failed before any record was made: it would fail them all. */
export function templateFailure(message: string, cause: TemplateError, index: number): AppError {
  const { template, line, variable = null } = cause;
  return new AppError('INVALID_ARGUMENT', 'TEMPLATE_ERROR', message, {
    cause,
    hint: 'Correct the template (`stint template render` shows a prompt without any call), then run again.',
    details: { index, template, line, variable },
  });
}
