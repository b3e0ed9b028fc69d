// SPDX-License-Identifier: Apache-2.0
import type { CallLog, JobLimits, JobStore, Lease, LeaseOwner } from '@stint/core';
import type { Closing } from './contract-suite.ts';

/** Call log and job store of one job: the log keeps the budget and the leases of the store. */
export interface StateHarness extends Closing {
  /** Each call opens the same storage anew, as another process would. */
  open(): Promise<{ log: CallLog; jobs: JobStore }>;
}

export function testOwner(id: string): LeaseOwner {
  return { id, host: 'here', bootId: 'boot', pidNamespace: 'ns', pid: 1, startTime: '1' };
}

export function testLimits(budgetNanoUsd: number | null = 1_000_000, numRecords = 10): JobLimits {
  return { budgetNanoUsd, numRecords, concurrency: 'auto' };
}

/** Makes the job where it is missing, and takes its lease for `id`. */
export async function takeJob(jobs: JobStore, id = 'one', budgetNanoUsd: number | null = 1_000_000): Promise<Lease> {
  if ((await jobs.read()) === null) await jobs.create(testLimits(budgetNanoUsd), 1);
  const state = await jobs.read();
  return jobs.acquire('job', testOwner(id), state?.epoch ?? 0, 1_000, ['QUEUED', 'RUNNING']);
}
