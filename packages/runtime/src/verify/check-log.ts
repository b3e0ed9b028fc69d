// SPDX-License-Identifier: Apache-2.0
import { countsOf, nanoToUsd } from '@stint/core';
import type { JobSpec, JobState, ShardCheckpoint } from '@stint/core';
import { damageOfState } from '@stint/local';
import type { JobFolder } from '../job-folder.ts';
import type { Findings } from './findings.ts';

/** The state file against itself: its pages, its sums, and the cap. */
export async function checkLog(folder: JobFolder, state: JobState, found: Findings): Promise<void> {
  const bad = (message: string): void => {
    found.add('log', 'state.sqlite', message);
  };
  for (const message of damageOfState(folder.db)) bad(message);
  const [totals, recounted] = [await folder.log.totals(), await folder.log.recount()];
  if (JSON.stringify(totals) !== JSON.stringify(recounted)) bad('the sums of the call log are not those of its rows');
  const cap = state.limits.budgetNanoUsd;
  const spent = totals.settledNanoUsd + totals.unknownNanoUsd;
  if (cap !== null && spent + totals.heldNanoUsd > cap) {
    bad(`$${nanoToUsd(spent)} are spent of a cap of $${nanoToUsd(cap)}`);
  }
}

/** The state file against job.json and the checkpoints. */
export async function checkState(
  folder: JobFolder,
  spec: JobSpec,
  state: JobState,
  shards: readonly ShardCheckpoint[],
  found: Findings,
): Promise<void> {
  const bad = (message: string): void => {
    found.add('log', 'state.sqlite', message);
  };
  const first = state.history[0]?.limits;
  if (
    first?.budgetNanoUsd !== spec.budget_limit_nano_usd ||
    first.numRecords !== spec.num_records ||
    first.concurrency !== spec.concurrency
  ) {
    bad('its first limits are not those of job.json');
  }
  if (shards.some((s) => s.epoch > state.epoch)) bad('is older than the checkpoints: they know a later lease');
  const { ok, failed } = countsOf(shards);
  const target = state.limits.numRecords;
  const short = spec.on_shortfall === 'accept' ? ok + failed < target : ok < target;
  if (state.status === 'COMPLETED' && short) bad(`says COMPLETED, but ${ok} of ${target} records are committed`);
  const { settledNanoUsd, unknownNanoUsd } = await folder.log.totals();
  const committed = shards.reduce((n, s) => n + s.spend_nano_usd, 0);
  if (committed > settledNanoUsd + unknownNanoUsd) {
    const spent = nanoToUsd(settledNanoUsd + unknownNanoUsd);
    bad(`the log says $${spent}, the records cost $${nanoToUsd(committed)}`);
  }
}
