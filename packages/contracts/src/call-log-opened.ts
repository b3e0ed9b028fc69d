// SPDX-License-Identifier: Apache-2.0
import type { CallLog, Lease, ScannedCall, StoredCall } from '@stint/core';
import { callKey, keyOf } from './call-log-model.ts';
import { takeJob } from './state-harness.ts';
import type { StateHarness } from './state-harness.ts';

/** What the rules of the call log share. */
export type CallLogRules = Record<string, (h: StateHarness) => Promise<void>>;

export const illegal = ['FAILED_PRECONDITION', 'ILLEGAL_MOVE'] as const;
export const cap = ['FAILED_PRECONDITION', 'CAP_EXCEEDED'] as const;
export const lost = ['FAILED_PRECONDITION', 'LEASE_LOST'] as const;
export const [a, b, c] = [callKey(0), callKey(1), callKey(2)];
export const none = { settledNanoUsd: 0, unknownNanoUsd: 0, heldNanoUsd: 0, calls: 0, inputTokens: 0, outputTokens: 0 };

export interface Opened {
  log: CallLog;
  lease: Lease;
  /** The same storage opened anew. */
  again: () => Promise<CallLog>;
}

export async function opened(h: StateHarness, budgetNanoUsd: number | null = 1_000_000): Promise<Opened> {
  const { log, jobs } = await h.open();
  return { log, lease: await takeJob(jobs, 'one', budgetNanoUsd), again: async () => (await h.open()).log };
}

export async function scanned(log: CallLog): Promise<ScannedCall[]> {
  const rows: ScannedCall[] = [];
  await log.scan((call) => rows.push({ ...call }));
  return rows;
}

export const brief = (rows: readonly StoredCall[]): string[] =>
  rows.map((row) => `${keyOf(row.key)} ${row.state} ${row.holdNanoUsd} ${row.costNanoUsd}`);
