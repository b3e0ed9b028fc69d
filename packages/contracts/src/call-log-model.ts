// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import type { CallKey, CallState, LogEntry, Totals } from '@stint/core';

/** The call log in a few lines, as the port describes it: what adapters are compared with. */
export class CallLogModel {
  readonly budget: number | null;
  rows = new Map<string, { state: CallState; hold: number; cost: number; input: number; output: number }>();

  constructor(budget: number | null) {
    this.budget = budget;
  }

  /** The reason of the refusal, or null where all entries were applied. */
  append(entries: readonly LogEntry[]): string | null {
    const before = structuredClone(this.rows);
    let raised = false;
    for (const entry of entries) {
      const id = keyOf(entry.key);
      const row = this.rows.get(id) ?? { state: null, hold: 0, cost: 0, input: 0, output: 0 };
      const legal: Record<LogEntry['type'], (CallState | null)[]> = {
        hold: [null],
        send: [null, 'HELD'],
        settle: ['SENT'],
        release: ['HELD', 'SENT'],
        unknown: ['SENT'],
      };
      if (!legal[entry.type].includes(row.state)) {
        this.rows = before;
        return 'ILLEGAL_MOVE';
      }
      if (entry.type === 'hold' || entry.type === 'send') {
        raised ||= entry.holdNanoUsd > row.hold;
        this.rows.set(id, { ...row, state: entry.type === 'hold' ? 'HELD' : 'SENT', hold: entry.holdNanoUsd });
      } else if (entry.type === 'settle') {
        const { inputTokens: input, outputTokens: output } = entry.usage;
        this.rows.set(id, { ...row, state: 'SETTLED', cost: entry.costNanoUsd, input, output });
      } else if (entry.type === 'unknown') this.rows.set(id, { ...row, state: 'UNKNOWN', cost: row.hold });
      else this.rows.set(id, { ...row, state: 'RELEASED' } as never);
    }
    const { settledNanoUsd, unknownNanoUsd, heldNanoUsd } = this.totals();
    if (!raised || this.budget === null || settledNanoUsd + unknownNanoUsd + heldNanoUsd <= this.budget) return null;
    this.rows = before;
    return 'CAP_EXCEEDED';
  }

  takeOver(): void {
    for (const row of this.rows.values()) {
      if (row.state === 'SENT') row.cost = row.hold;
      if (row.state === 'SENT') row.state = 'UNKNOWN';
      if (row.state === 'HELD') row.state = 'RELEASED';
    }
  }

  totals(): Totals {
    const rows = [...this.rows.values()];
    const sum = (states: CallState[], of: 'cost' | 'hold' | 'input' | 'output'): number =>
      rows.filter((row) => states.includes(row.state)).reduce((total, row) => total + row[of], 0);
    return {
      settledNanoUsd: sum(['SETTLED'], 'cost'),
      unknownNanoUsd: sum(['UNKNOWN'], 'cost'),
      heldNanoUsd: sum(['HELD', 'SENT'], 'hold'),
      calls: rows.filter((row) => row.state === 'SETTLED' || row.state === 'UNKNOWN').length,
      inputTokens: sum(['SETTLED'], 'input'),
      outputTokens: sum(['SETTLED'], 'output'),
    };
  }
}

export const keyOf = (key: CallKey): string => `${key.index}/${key.attempt}/${key.step}/${key.try}`;

export const callKey = (index: number, step = 0, n = 1, attempt = 1): CallKey => ({ index, attempt, step, try: n });

export function hold(key: CallKey, holdNanoUsd = 100, atMs = 10): LogEntry {
  return { type: 'hold', key, holdNanoUsd, atMs };
}

export function send(key: CallKey, holdNanoUsd = 100, atMs = 20): LogEntry {
  return { type: 'send', key, holdNanoUsd, atMs };
}

export function release(key: CallKey, atMs = 30): LogEntry {
  return { type: 'release', key, atMs };
}

export function unknown(key: CallKey, atMs = 30): LogEntry {
  return { type: 'unknown', key, atMs };
}

export function settle(
  key: CallKey,
  costNanoUsd = 60,
  text = 'answer',
  reported = true,
  holdNanoUsd = 100,
): LogEntry & { type: 'settle' } {
  return {
    type: 'settle',
    key,
    holdNanoUsd,
    costNanoUsd,
    usage: { inputTokens: 7, outputTokens: 11, cacheReadTokens: 2, cacheWriteTokens: 3 },
    reported,
    answer: { text, model: 'm-1', stopReason: 'stop', latencyMs: 12.5, atMs: 40 },
  };
}

/** One step of a random history: appends of one turn, or a take-over by a new process. */
export type HistoryStep = { appends: LogEntry[][] } | { takeOver: true };

/** Few keys and a budget that binds, so that legal moves, illegal ones and the cap all occur. */
export const arbHistory: fc.Arbitrary<HistoryStep[]> = (() => {
  const arbKey = fc.record({ index: fc.nat(3), attempt: fc.constant(1), step: fc.nat(1), try: fc.constant(1) });
  const arbHold = fc.nat(300);
  const arbEntry: fc.Arbitrary<LogEntry> = fc.oneof(
    fc.tuple(arbKey, arbHold).map(([key, nano]) => hold(key, nano)),
    fc.tuple(arbKey, arbHold).map(([key, nano]) => send(key, nano)),
    fc.tuple(arbKey, arbHold).map(([key, nano]) => settle(key, nano)),
    arbKey.map((key) => release(key)),
    arbKey.map((key) => unknown(key)),
  );
  const arbAppends = fc.array(fc.array(arbEntry, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
  return fc.array(
    fc.oneof(
      { weight: 9, arbitrary: arbAppends.map((appends) => ({ appends })) },
      { weight: 1, arbitrary: fc.constant({ takeOver: true as const }) },
    ),
    { minLength: 1, maxLength: 12 },
  );
})();
