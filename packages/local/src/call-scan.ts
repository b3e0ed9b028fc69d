// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CallLog, ScannedCall } from '@stint/core';
import { stateNames } from './call-rows.ts';
import type { StateDatabase } from './state-database.ts';

/** Indices of one statement: well below a millisecond of work. */
const pieceIndices = 1_000;

/**
 * `scan` of the call log. SQLite hands the values of a row straight to a function of ours: rows as objects took eight
 * times as long (measured), and a report of a million calls is made while an export waits for it.
 */
export function callScan(db: StateDatabase): CallLog['scan'] {
  const call: ScannedCall = {
    index: 0,
    step: 0,
    state: 'HELD',
    costNanoUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    latencyMs: 0,
    stopReason: null,
    atMs: 0,
  };
  let visitor: Parameters<CallLog['scan']>[0] = () => undefined;
  /** Its parameters are those of the SQL function; a rest parameter would cost an array for each row. */
  const show = (
    rows: number,
    index: number,
    step: number,
    state: number,
    costNanoUsd: number,
    inputTokens: number | null,
    outputTokens: number | null,
    latencyMs: number | null,
    stopReason: string | null,
    atMs: number,
  ): number => {
    call.index = index;
    call.step = step;
    call.state = stateNames[state] ?? 'UNKNOWN';
    call.costNanoUsd = costNanoUsd;
    call.inputTokens = inputTokens ?? 0;
    call.outputTokens = outputTokens ?? 0;
    call.latencyMs = latencyMs ?? 0;
    call.stopReason = stopReason;
    call.atMs = atMs;
    visitor(call);
    return rows + 1;
  };
  db.defineAggregate('visit_call', 0, show);
  const firstFrom = (from: number): number | null =>
    db.prepare('SELECT min(idx) AS first FROM calls WHERE idx >= ?').get(from)?.['first'] as number | null;
  const piece = (from: number): number | null =>
    db.read(() => {
      const first = firstFrom(from);
      if (first === null) return null;
      db.prepare(
        `SELECT visit_call(idx, step, state, cost, input_tokens, output_tokens, latency_ms, stop_reason, at_ms)
         FROM calls WHERE idx >= ? AND idx < ?`,
      ).get(first, first + pieceIndices);
      return first + pieceIndices;
    });
  return async (visit) => {
    for (let from: number | null = 0; ;) {
      visitor = visit;
      from = piece(from);
      if (from === null) return;
      await nextTurn();
    }
  };
}
