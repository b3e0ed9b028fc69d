// SPDX-License-Identifier: Apache-2.0
import { AppError, countOf, findOrphans, IndexSource, nanoToUsd, usdToNano } from '@stint/core';
import type { JobLimits, Totals } from '@stint/core';
import { sha256, shardCheckpoints } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';

/** What the user asks for; absent ones stay as they are in force. */
export interface AskedLimits {
  budgetNanoUsd?: number | null;
  numRecords?: number;
  concurrency?: number | 'auto';
}

/** The limits that flags set, whatever is in force. */
export function flagLimits(o: {
  numRecords?: number | undefined;
  budgetLimit?: string | undefined;
  concurrency?: number | 'auto' | undefined;
}) {
  return {
    ...(o.numRecords === undefined ? {} : { numRecords: o.numRecords }),
    ...(o.budgetLimit === undefined ? {} : { budgetNanoUsd: usdToNano(o.budgetLimit) }),
    ...(o.concurrency === undefined ? {} : { concurrency: o.concurrency }),
  };
}

/** The limits in force from now on: those of the job file (`raise`) only raise, a flag (`set`) sets. */
export function limitsOf(
  inForce: JobLimits,
  set: AskedLimits,
  raise: Omit<AskedLimits, 'concurrency'> = {},
): JobLimits {
  const limits = { ...inForce };
  if (raise.numRecords !== undefined) limits.numRecords = Math.max(limits.numRecords, raise.numRecords);
  if (typeof raise.budgetNanoUsd === 'number' && limits.budgetNanoUsd !== null) {
    limits.budgetNanoUsd = Math.max(limits.budgetNanoUsd, raise.budgetNanoUsd);
  }
  return { ...limits, ...set };
}

/** As an option takes it: no exponent, no digit lost. */
const usd = (nanoUsd: number): string =>
  nanoToUsd(nanoUsd)
    .toFixed(9)
    .replace(/\.?0+$/, '');

/** @throws AppError FAILED_PRECONDITION/BUDGET_BELOW_SPENT where a cap would be below what is spent already */
export function refuseBelowSpent(wanted: JobLimits, inForce: JobLimits, totals: Totals): void {
  const spent = totals.settledNanoUsd + totals.unknownNanoUsd + totals.heldNanoUsd;
  const { budgetNanoUsd: cap } = wanted;
  if (cap === null || cap === inForce.budgetNanoUsd || cap >= spent) return;
  throw new AppError(
    'FAILED_PRECONDITION',
    'BUDGET_BELOW_SPENT',
    `budget_limit $${usd(cap)} is below the $${usd(spent)} that the job has spent`,
    { hint: `Give at least --budget-limit ${usd(spent)}.`, details: { spent_usd: nanoToUsd(spent) } },
  );
}

/**
 * A job can't be made smaller than what it has. Rows in files that no checkpoint names yet count: they are paid for, and
 * the next run adopts them.
 * @throws AppError FAILED_PRECONDITION/RECORDS_BELOW_OK
 */
export async function refuseBelowRows(
  wanted: JobLimits,
  inForce: JobLimits,
  folder: JobFolder,
  jobId: string,
): Promise<void> {
  if (wanted.numRecords >= inForce.numRecords) return;
  const indices = new IndexSource();
  const named = new Set<string>();
  let ok = 0;
  for await (const doc of shardCheckpoints(folder)) {
    indices.learn(doc);
    ok += countOf(doc.ok);
    for (const batch of doc.batches) named.add(batch.key);
  }
  ok += (await findOrphans(folder.store, sha256, jobId, named, (i) => indices.isPending(i))).length;
  if (wanted.numRecords >= ok) return;
  throw new AppError(
    'FAILED_PRECONDITION',
    'RECORDS_BELOW_OK',
    `num_records ${wanted.numRecords} is below the ${ok} records that the job has already`,
    { hint: `Give at least --num-records ${ok}, or start a smaller job in another folder (--out).`, details: { ok } },
  );
}
