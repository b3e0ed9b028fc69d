// SPDX-License-Identifier: Apache-2.0
import { AppError } from '../errors.ts';
import type { CallKey, CallState, LogEntry } from './call-log.ts';
import type { Lease } from './job-store.ts';

/** What every adapter of the call log refuses, and in which words: decided here once. */

/** HELD and SENT count as held money, SENT, SETTLED and UNKNOWN may have reached the model; NEW = no row yet. */
export function isLegalMove(from: CallState | 'NEW', type: LogEntry['type']): boolean {
  switch (type) {
    case 'hold':
      return from === 'NEW';
    case 'send':
      return from === 'NEW' || from === 'HELD';
    case 'settle':
    case 'unknown':
      return from === 'SENT';
    case 'release':
      return from === 'HELD' || from === 'SENT';
  }
}

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** @throws AppError INVALID_ARGUMENT/BAD_ENTRY for what is no key or no sum of money. */
export function checkEntry(entry: LogEntry): void {
  const { index, attempt, step, try: n } = entry.key;
  let ok = isCount(index) && isCount(attempt) && attempt > 0 && isCount(step) && isCount(n) && n > 0;
  if (entry.type === 'hold' || entry.type === 'send' || entry.type === 'settle') ok &&= isCount(entry.holdNanoUsd);
  if (entry.type === 'settle') {
    const u = entry.usage;
    ok &&= isCount(entry.costNanoUsd) && isCount(u.inputTokens) && isCount(u.outputTokens);
    ok &&= isCount(u.cacheReadTokens) && isCount(u.cacheWriteTokens);
  }
  if (!ok)
    throw new AppError('INVALID_ARGUMENT', 'BAD_ENTRY', `not a valid call log entry: ${entry.type}`, {
      details: { key: entry.key },
    });
}

export function illegalMove(key: CallKey, from: CallState | 'NEW', type: LogEntry['type']): AppError {
  const at = `${key.index}/${key.attempt}/${key.step}/${key.try}`;
  return new AppError('FAILED_PRECONDITION', 'ILLEGAL_MOVE', `call ${at} is ${from} and cannot take "${type}"`, {
    details: { key: { ...key }, from, type },
  });
}

export function capExceeded(budgetNanoUsd: number, wantedNanoUsd: number): AppError {
  return new AppError(
    'FAILED_PRECONDITION',
    'CAP_EXCEEDED',
    `the budget in force does not allow this hold: ${wantedNanoUsd} of ${budgetNanoUsd} nano-dollars`,
    { details: { budgetNanoUsd, wantedNanoUsd } },
  );
}

/** `grantedEpoch`: the newest one, null where none was granted. */
export function leaseLost(lease: Lease, grantedEpoch: number | null): AppError {
  return new AppError(
    'FAILED_PRECONDITION',
    'LEASE_LOST',
    `the lease ${lease.epoch} on "${lease.resource}" is no longer in force`,
    {
      details: { resource: lease.resource, epoch: lease.epoch, grantedEpoch },
      hint: 'Another process took this job over, or it was cancelled; let this process stop.',
    },
  );
}
