// SPDX-License-Identifier: Apache-2.0
import { AppError, capExceeded, checkEntry, illegalMove, isLegalMove, leaseLost } from '@stint/core';
import type { CallKey, CallLog, Lease, LogEntry, StoredCall, Totals } from '@stint/core';
import { emptyMemoryState, noTotals, requireLease } from './memory-state.ts';
import type { MemoryState } from './memory-state.ts';

const scanPiece = 100;
const noUsage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** A call log on its own: any lease is accepted until one with a higher epoch has taken the log over. */
export function memoryCallLog(budget: () => number | null = () => null): CallLog {
  const epochs = new Map<string, number>();
  return callLogOn(emptyMemoryState(), budget, (lease, takesOver) => {
    const newest = epochs.get(lease.resource) ?? 0;
    if (lease.epoch < newest) throw leaseLost(lease, newest);
    if (takesOver) epochs.set(lease.resource, lease.epoch);
  });
}

/** A call log on shared storage: only the lease that the job store holds to be in force may write. */
export function memoryCallLogOn(state: MemoryState): CallLog {
  return callLogOn(
    state,
    () => state.job?.limits.budgetNanoUsd ?? null,
    (lease) => void requireLease(state.leases, lease),
  );
}

const compareKeys = (a: CallKey, b: CallKey): number =>
  a.index - b.index || a.attempt - b.attempt || a.step - b.step || a.try - b.try;

const keyText = (key: CallKey): string => `${key.attempt}/${key.step}/${key.try}`;

function copy(row: StoredCall): StoredCall {
  const answer = row.answer && { ...row.answer };
  return { ...row, key: { ...row.key }, usage: row.usage && { ...row.usage }, answer };
}

/** Adds (`sign` 1) or takes away (-1) what a row counts for. */
function count(totals: Totals, row: StoredCall, sign: 1 | -1): void {
  if (row.state === 'HELD' || row.state === 'SENT') totals.heldNanoUsd += sign * row.holdNanoUsd;
  if (row.state === 'SETTLED') totals.settledNanoUsd += sign * row.costNanoUsd;
  if (row.state === 'UNKNOWN') totals.unknownNanoUsd += sign * row.costNanoUsd;
  if (row.state === 'SETTLED' || row.state === 'UNKNOWN') totals.calls += sign;
  totals.inputTokens += sign * (row.usage?.inputTokens ?? 0);
  totals.outputTokens += sign * (row.usage?.outputTokens ?? 0);
}

function moved(old: StoredCall | undefined, entry: LogEntry): StoredCall {
  const from = old?.state ?? 'NEW';
  if (!isLegalMove(from, entry.type)) throw illegalMove(entry.key, from, entry.type);
  const base: StoredCall = old ?? {
    key: { index: entry.key.index, attempt: entry.key.attempt, step: entry.key.step, try: entry.key.try },
    state: 'HELD',
    holdNanoUsd: 0,
    costNanoUsd: 0,
    usage: null,
    reported: false,
    answer: null,
    atMs: 0,
  };
  switch (entry.type) {
    case 'hold':
      return { ...base, state: 'HELD', holdNanoUsd: entry.holdNanoUsd, atMs: entry.atMs };
    case 'send':
      return { ...base, state: 'SENT', holdNanoUsd: entry.holdNanoUsd, atMs: entry.atMs };
    case 'release':
      return { ...base, state: 'RELEASED', atMs: entry.atMs };
    case 'unknown':
      return { ...base, state: 'UNKNOWN', costNanoUsd: base.holdNanoUsd, atMs: entry.atMs };
    case 'settle':
      return {
        ...base,
        state: 'SETTLED',
        holdNanoUsd: entry.holdNanoUsd,
        costNanoUsd: entry.costNanoUsd,
        usage: { ...entry.usage },
        reported: entry.reported,
        answer: { ...entry.answer },
        latencyMs: entry.answer.latencyMs,
        stopReason: entry.answer.stopReason,
        atMs: entry.answer.atMs,
      };
  }
}

function callLogOn(
  state: MemoryState,
  budget: () => number | null,
  fence: (lease: Lease, takesOver: boolean) => void,
): CallLog {
  let closed = false;
  const open = (): void => {
    if (closed) throw new AppError('FAILED_PRECONDITION', 'CLOSED', 'the call log is closed');
  };
  const find = (key: CallKey): StoredCall | undefined =>
    state.rows.get(key.index)?.find((row) => keyText(row.key) === keyText(key));
  const write = (row: StoredCall): void => {
    const list = state.rows.get(row.key.index) ?? [];
    const at = list.findIndex((other) => keyText(other.key) === keyText(row.key));
    if (at >= 0) list[at] = row;
    else list.push(row);
    list.sort((a, b) => compareKeys(a.key, b.key));
    state.rows.set(row.key.index, list);
  };
  const inRange = (from: number, to: number): StoredCall[] => {
    const indices =
      to - from < state.rows.size
        ? Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
        : [...state.rows.keys()].filter((i) => i >= from && i <= to).sort((a, b) => a - b);
    return indices.flatMap((i) => state.rows.get(i) ?? []);
  };
  const all = (): StoredCall[] => inRange(0, Number.MAX_SAFE_INTEGER);

  return {
    async takeOver(lease, atMs) {
      open();
      fence(lease, true);
      for (const row of all()) {
        if (row.state !== 'HELD' && row.state !== 'SENT') continue;
        const next = moved(row, { type: row.state === 'HELD' ? 'release' : 'unknown', key: row.key, atMs });
        count(state.totals, row, -1);
        count(state.totals, next, 1);
        write(next);
      }
      return { ...state.totals };
    },

    async append(lease, entries) {
      open();
      fence(lease, false);
      const totals = { ...state.totals };
      const changed = new Map<string, StoredCall>();
      let raised = false;
      for (const entry of entries) {
        checkEntry(entry);
        const id = `${entry.key.index}/${keyText(entry.key)}`;
        const old = changed.get(id) ?? find(entry.key);
        const next = moved(old, entry);
        if (entry.type === 'hold' || entry.type === 'send') raised ||= entry.holdNanoUsd > (old?.holdNanoUsd ?? 0);
        if (old) count(totals, old, -1);
        count(totals, next, 1);
        changed.set(id, next);
      }
      const cap = budget();
      const sum = totals.settledNanoUsd + totals.unknownNanoUsd + totals.heldNanoUsd;
      if (raised && cap !== null && sum > cap) throw capExceeded(cap, sum);
      for (const row of changed.values()) write(row);
      state.totals = totals;
    },

    async totals() {
      open();
      return { ...state.totals };
    },

    async calls(from, to) {
      open();
      return inRange(from, to).map(copy);
    },

    async settledNanoUsd(ranges) {
      open();
      const within = (n: number): boolean => ranges.some(([from, to]) => n >= from && n <= to);
      const settled = [...all()].filter((row) => row.state === 'SETTLED' && within(row.key.index));
      return settled.reduce((sum, row) => sum + row.costNanoUsd, 0);
    },

    async beyond() {
      open();
      const most = new Map<number, number>();
      for (const { key, state: now, costNanoUsd, holdNanoUsd } of all()) {
        const over = costNanoUsd - holdNanoUsd;
        if (now === 'SETTLED' && key.try > 0 && over > (most.get(key.step) ?? 0)) most.set(key.step, over);
      }
      return most;
    },

    async stepsRun() {
      open();
      const steps = new Set<number>();
      for (const row of all()) if (row.state !== 'HELD' && row.state !== 'RELEASED') steps.add(row.key.step);
      return [...steps].sort((a, b) => a - b);
    },

    async committed(lease, shard, seq, ranges) {
      open();
      fence(lease, false);
      for (const [from, to] of ranges)
        for (const row of inRange(from, to)) if (row.answer) write({ ...row, answer: null });
      state.commits.set(shard, Math.max(seq, state.commits.get(shard) ?? 0));
    },

    async commits() {
      open();
      return new Map(state.commits);
    },

    async chargeLost(lease, lost, atMs) {
      open();
      fence(lease, false);
      for (const { index, attempt, costNanoUsd } of lost) {
        const key = { index, attempt, step: 0, try: 0 };
        if (find(key)) continue;
        const row: StoredCall = {
          key,
          state: 'SETTLED',
          holdNanoUsd: 0,
          costNanoUsd,
          usage: { ...noUsage },
          reported: false,
          answer: null,
          atMs,
        };
        count(state.totals, row, 1);
        write(row);
      }
    },

    async recount() {
      open();
      const totals = noTotals();
      for (const row of all()) count(totals, row, 1);
      return totals;
    },

    async scan(visit) {
      open();
      for (const [at, row] of all().entries()) {
        if (at % scanPiece === scanPiece - 1) await new Promise((turn) => setImmediate(turn));
        visit({
          index: row.key.index,
          step: row.key.step,
          state: row.state,
          costNanoUsd: row.costNanoUsd,
          inputTokens: row.usage?.inputTokens ?? 0,
          outputTokens: row.usage?.outputTokens ?? 0,
          latencyMs: row.latencyMs ?? 0,
          stopReason: row.stopReason ?? null,
          atMs: row.atMs,
        });
      }
    },

    async close() {
      closed = true;
    },
  };
}
