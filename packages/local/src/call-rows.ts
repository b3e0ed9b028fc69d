// SPDX-License-Identifier: Apache-2.0
import type { CallAnswer, CallState, StoredCall, Totals } from '@stint/core';

/** States as they are stored. */
export const stateCode = { HELD: 1, SENT: 2, SETTLED: 3, RELEASED: 4, UNKNOWN: 5 } as const satisfies Record<
  CallState,
  number
>;

export const stateNames: readonly CallState[] = ['HELD', 'HELD', 'SENT', 'SETTLED', 'RELEASED', 'UNKNOWN'];

export const rowColumns =
  'idx, attempt, step, try, state, hold, cost, at_ms, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reported, latency_ms, stop_reason';

export interface CallRow {
  idx: number;
  attempt: number;
  step: number;
  try: number;
  state: number;
  hold: number;
  cost: number;
  at_ms: number;
  input_tokens: number | null;
  output_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  reported: number | null;
  latency_ms: number | null;
  stop_reason: string | null;
  model?: string | null;
  body?: string | null;
  encoding?: number | null;
}

/** Text as it is, unless it is no Unicode, which UTF-8 cannot hold: then as JSON, which escapes it. */
export const encodingOf = (text: string): 0 | 1 => (text.isWellFormed() ? 0 : 1);

function answerOf(row: CallRow): CallAnswer | null {
  if (row.body == null) return null;
  return {
    text: row.encoding === 1 ? (JSON.parse(row.body) as string) : row.body,
    model: row.model ?? '',
    stopReason: row.stop_reason ?? '',
    latencyMs: row.latency_ms ?? 0,
    atMs: row.at_ms,
  };
}

export function toStoredCall(row: CallRow): StoredCall {
  const call: StoredCall = {
    key: { index: row.idx, attempt: row.attempt, step: row.step, try: row.try },
    state: stateNames[row.state] ?? 'UNKNOWN',
    holdNanoUsd: row.hold,
    costNanoUsd: row.cost,
    usage:
      row.input_tokens === null
        ? null
        : {
            inputTokens: row.input_tokens,
            outputTokens: row.output_tokens ?? 0,
            cacheReadTokens: row.cache_read_tokens ?? 0,
            cacheWriteTokens: row.cache_write_tokens ?? 0,
          },
    reported: row.reported === 1,
    answer: answerOf(row),
    atMs: row.at_ms,
  };
  if (row.latency_ms !== null) call.latencyMs = row.latency_ms;
  if (row.stop_reason !== null) call.stopReason = row.stop_reason;
  return call;
}

/** The totals row: what the port tells, and two counters of the adapter. */
export interface StoredTotals extends Totals {
  /** HELD plus SENT rows. */
  live: number;
  /** Id of the next answer; ids are never used again. */
  nextAnswer: number;
}

export function toTotals(t: StoredTotals): Totals {
  const { settledNanoUsd, unknownNanoUsd, heldNanoUsd, calls, inputTokens, outputTokens } = t;
  return { settledNanoUsd, unknownNanoUsd, heldNanoUsd, calls, inputTokens, outputTokens };
}

/** Ranges as they are, but ascending and without overlap. */
export function mergeRanges(ranges: readonly (readonly [number, number])[]): [number, number][] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].filter(([a, b]) => a <= b).sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
