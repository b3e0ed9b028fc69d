// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { JobReason, JobStatus } from '@stint/core';
import { exitCodeOfError, exitCodeOfRun } from './exit-codes.ts';

const reason = (name: string, code = 'UNAVAILABLE', details: Record<string, unknown> | null = null): JobReason => ({
  code,
  reason: name,
  message: '',
  hint: null,
  details,
});

describe('exit codes of the contract', () => {
  const rows: [JobStatus, JobReason | null, number][] = [
    ['COMPLETED', null, 0],
    ['FAILED', reason('RECORDS_FAILED'), 1],
    ['FAILED', reason('SHORTFALL'), 1],
    ['FAILED', reason('TEMPLATE_ERROR'), 2],
    ['FAILED', reason('MODEL_UNKNOWN'), 2],
    ['FAILED', reason('ACCESS_DENIED'), 3],
    ['FAILED', reason('SOMETHING_ELSE', 'INTERNAL'), 70],
    ['BUDGET_EXCEEDED', reason('BUDGET_EXCEEDED'), 5],
    ['QUEUED', reason('SERVICE_UNAVAILABLE'), 6],
    ['QUEUED', reason('STORAGE_UNAVAILABLE'), 6],
    ['QUEUED', reason('INTERRUPTED', 'CANCELED', { signal: 'SIGINT' }), 130],
    ['QUEUED', reason('INTERRUPTED', 'CANCELED', { signal: 'SIGTERM' }), 143],
    ['QUEUED', reason('UNEXPECTED', 'INTERNAL'), 70],
    ['CANCELLED', reason('CANCELLED', 'CANCELED'), 4],
    ['RUNNING', reason('LEASE_LOST', 'FAILED_PRECONDITION'), 4],
  ];
  it.each(rows)('%s with %o ends %d', (status, why, code) => {
    expect(exitCodeOfRun(status, why)).toBe(code);
  });

  it('a refused command tells bad input, a state of the job, storage and our own faults apart', () => {
    expect(exitCodeOfError({ code: 'INVALID_ARGUMENT', reason: 'BAD_INPUT' })).toBe(2);
    expect(exitCodeOfError({ code: 'FAILED_PRECONDITION', reason: 'NEWER_FORMAT' })).toBe(2);
    expect(exitCodeOfError({ code: 'FAILED_PRECONDITION', reason: 'JOB_HELD' })).toBe(4);
    expect(exitCodeOfError({ code: 'FAILED_PRECONDITION', reason: 'INPUT_CHANGED' })).toBe(4);
    expect(exitCodeOfError({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE' })).toBe(6);
    expect(exitCodeOfError({ code: 'PERMISSION_DENIED', reason: 'STORAGE_DENIED' })).toBe(6);
    expect(exitCodeOfError({ code: 'INTERNAL', reason: 'UNEXPECTED' })).toBe(70);
  });
});
