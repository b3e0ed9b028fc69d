// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import type { JobReason, JobStatus } from '@stint/core';

/** Exit code of a run that held the lease; the table of the contract (docs/cli.md). */
export function exitCodeOfRun(status: JobStatus, reason: JobReason | null): number {
  if (reason?.reason === 'LEASE_LOST') return 4;
  switch (status) {
    case 'COMPLETED':
      return 0;
    case 'BUDGET_EXCEEDED':
      return 5;
    case 'CANCELLED':
      return 4;
    case 'FAILED':
      return failedCodes[reason?.reason ?? ''] ?? 70;
    case 'QUEUED':
    case 'RUNNING':
      if (reason?.reason === 'INTERRUPTED') {
        const numbers: Readonly<Record<string, number>> = constants.signals;
        return 128 + (numbers[String(reason.details?.['signal'])] ?? constants.signals.SIGTERM);
      }
      if (reason === null || reason.code === 'UNAVAILABLE') return 6;
      return exitCodeOfError(reason);
  }
}

const failedCodes: Record<string, number> = {
  RECORDS_FAILED: 1,
  SHORTFALL: 1,
  TEMPLATE_ERROR: 2,
  MODEL_UNKNOWN: 2,
  ACCESS_DENIED: 3,
};

/** What keeps a job as it is because of somebody or something else: not bad input, but a state. */
const stateReasons = new Set([
  'JOB_HELD',
  'INPUT_CHANGED',
  'LEASE_LOST',
  'CANCELLED',
  'BUDGET_BELOW_SPENT',
  'RECORDS_BELOW_OK',
]);

/** Exit code of a command that was refused, or failed, before it held the lease. */
export function exitCodeOfError(e: { code: string; reason: string }): number {
  if (stateReasons.has(e.reason)) return 4;
  if (e.reason === 'STORAGE_DENIED') return 6;
  switch (e.code) {
    case 'INVALID_ARGUMENT':
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'UNIMPLEMENTED':
    case 'FAILED_PRECONDITION':
    case 'PERMISSION_DENIED':
      return 2;
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
    case 'RESOURCE_EXHAUSTED':
      return 6;
    case 'CANCELED':
      return 130;
    default:
      return 70;
  }
}
