// SPDX-License-Identifier: Apache-2.0
import { capExceeded, checkEntry, illegalMove, isLegalMove, leaseLost } from '@stint/core';
import type { CallKey, CallState, Lease, LogEntry } from '@stint/core';
import { callLogStatements, readTotals } from './call-log-statements.ts';
import type { CallLogStatements } from './call-log-statements.ts';
import { encodingOf, stateCode, stateNames } from './call-rows.ts';
import type { StoredTotals } from './call-rows.ts';
import { LiveCalls } from './live-calls.ts';
import { readLease } from './sqlite-lease.ts';
import { budgetInForce } from './sqlite-job-store.ts';
import type { StateDatabase } from './state-database.ts';
import { sqliteCodeOf } from './storage-errors.ts';

const { HELD, SENT, SETTLED, RELEASED, UNKNOWN } = stateCode;
/** No row yet. */
const NEW = 0;
const sqliteConstraint = 19;

/** One append that waits for the transaction of this turn. */
export interface WaitingAppend {
  lease: Lease;
  entries: readonly LogEntry[];
  /** Set when it alone was refused. */
  error: unknown;
  resolve(): void;
  reject(e: unknown): void;
}

/** A call that this transaction or a later one may move. */
interface LiveCall {
  key: CallKey;
  state: number;
  hold: number;
  cost: number;
  atMs: number;
  settle: (LogEntry & { type: 'settle' }) | null;
  /** State in the file; NEW = no row. */
  stored: number;
  changed: boolean;
}

/**
 * Applies appends to the rows: all of a turn are checked against a copy of the live rows and the totals in memory, then
 * their net change is written. Where one is refused, which ends a run, the copy is dropped and each is applied by itself.
 * The copy is trusted only while no other connection has committed (`PRAGMA data_version`, read inside the transaction)
 * and nothing on this one but the writer has written.
 */
export class CallLogWriter {
  readonly #db: StateDatabase;
  readonly #sql: CallLogStatements;
  readonly #live = new LiveCalls<LiveCall>();
  readonly #epochs = new Map<string, number | null>();
  #changed: LiveCall[] = [];
  #totals: StoredTotals | null = null;
  #budget: number | null = null;
  /** `#live` holds every live row, so what is not in it is new or final. */
  #complete = false;
  #dataVersion = -1;
  #jobVersion = -1;
  #logVersion = -1;

  constructor(db: StateDatabase) {
    this.#db = db;
    this.#sql = callLogStatements(db);
  }

  /** Forgets the copy. */
  forget(): void {
    this.#live.clear();
    this.#changed = [];
    this.#totals = null;
    this.#dataVersion = -1;
    this.#complete = false;
  }

  /** After another part of the log wrote on this connection: what is remembered is not stale for that alone. */
  noteOwnWrite(): void {
    this.#logVersion = ++this.#db.logVersion;
  }

  /** Writes all that are not refused, in one transaction. Throws where the storage fails: then nothing was written. */
  write(appends: readonly WaitingAppend[]): void {
    try {
      this.#db.write(() => {
        this.#refresh();
        for (const append of appends) this.#apply(append);
        this.#store();
      });
    } catch (e) {
      this.forget();
      if (!isRefusal(e)) throw e;
      this.#db.write(() => {
        for (const append of appends) this.#writeAlone(append);
      });
    }
  }

  /** Every call is looked up: what was taken for new may be final. */
  #writeAlone(append: WaitingAppend): void {
    try {
      this.#db.part(() => {
        this.#refresh();
        this.#complete = false;
        this.#apply(append);
        this.#store();
      });
    } catch (e) {
      this.forget();
      if (!isRefusal(e)) throw e;
      append.error = e;
    }
  }

  #refresh(): void {
    const dataVersion = this.#db.dataVersion();
    if (dataVersion !== this.#dataVersion || this.#logVersion !== this.#db.logVersion) {
      this.forget();
      this.#totals = readTotals(this.#db);
      // Nothing is live in the file, so nothing is missing here.
      if (this.#totals.live === 0) this.#complete = true;
    } else if (this.#jobVersion === this.#db.jobVersion) return;
    this.#epochs.clear();
    this.#budget = budgetInForce(this.#db);
    this.#dataVersion = dataVersion;
    this.#jobVersion = this.#db.jobVersion;
    this.#logVersion = this.#db.logVersion;
  }

  #requireLease(lease: Lease): void {
    let epoch = this.#epochs.get(lease.resource);
    if (epoch === undefined) {
      const row = readLease(this.#db, lease.resource);
      epoch = row && row.owner !== null ? row.epoch : null;
      this.#epochs.set(lease.resource, epoch);
    }
    if (epoch !== lease.epoch) throw leaseLost(lease, readLease(this.#db, lease.resource)?.epoch ?? null);
  }

  #find(key: CallKey): LiveCall {
    const known = this.#live.find(key);
    if (known) return known;
    const row = this.#complete ? undefined : this.#sql.find.get(key.index, key.attempt, key.step, key.try);
    const state = (row?.['state'] as number | undefined) ?? NEW;
    const hold = (row?.['hold'] as number | undefined) ?? 0;
    const call = { key, state, hold, cost: 0, atMs: 0, settle: null, stored: state, changed: false };
    this.#live.add(call);
    return call;
  }

  #apply({ lease, entries }: WaitingAppend): void {
    const totals = this.#totals as StoredTotals;
    this.#requireLease(lease);
    let raised = false;
    for (const entry of entries) {
      checkEntry(entry);
      const call = this.#find(entry.key);
      const from = nameOf(call.state);
      if (!isLegalMove(from, entry.type)) throw illegalMove(entry.key, from, entry.type);
      if (entry.type === 'hold' || entry.type === 'send') raised ||= entry.holdNanoUsd > call.hold;
      move(call, entry, totals);
      if (!call.changed) this.#changed.push(call);
      call.changed = true;
    }
    if (!raised || this.#budget === null) return;
    const sum = totals.settledNanoUsd + totals.unknownNanoUsd + totals.heldNanoUsd;
    if (sum > this.#budget) throw capExceeded(this.#budget, sum);
  }

  #store(): void {
    if (this.#changed.length === 0) return;
    const totals = this.#totals as StoredTotals;
    const sql = this.#sql;
    for (const call of this.#changed) {
      const { key, state, hold, cost, atMs, settle, stored } = call;
      if (stored === NEW) sql.add.run(key.index, key.attempt, key.step, key.try, state, hold, cost, atMs);
      if (settle !== null) {
        const { usage, answer } = settle;
        const id = totals.nextAnswer++;
        const encoding = encodingOf(answer.text);
        sql.settle.run(
          cost,
          atMs,
          usage.inputTokens,
          usage.outputTokens,
          usage.cacheReadTokens,
          usage.cacheWriteTokens,
          settle.reported ? 1 : 0,
          answer.latencyMs,
          answer.stopReason,
          id,
          hold,
          key.index,
          key.attempt,
          key.step,
          key.try,
        );
        sql.addAnswer.run(id, answer.model, encoding === 0 ? answer.text : JSON.stringify(answer.text), encoding);
      } else if (stored !== NEW) {
        sql.move.run(state, hold, cost, atMs, key.index, key.attempt, key.step, key.try);
      }
      call.changed = false;
      call.stored = state;
      if (state !== HELD && state !== SENT) this.#live.delete(call);
    }
    this.#changed = [];
    this.#logVersion = ++this.#db.logVersion;
    sql.putTotals.run(
      totals.settledNanoUsd,
      totals.unknownNanoUsd,
      totals.heldNanoUsd,
      totals.calls,
      totals.inputTokens,
      totals.outputTokens,
      totals.live,
      totals.nextAnswer,
    );
  }
}

/** No fault of the storage. A row that was taken for new and exists is refused by its key. */
function isRefusal(e: unknown): boolean {
  const code = sqliteCodeOf((e as Error).cause ?? e);
  return code === null || code === sqliteConstraint;
}

const nameOf = (state: number): CallState | 'NEW' => (state === NEW ? 'NEW' : (stateNames[state] ?? 'NEW'));

/** A legal move, in the copy of the row and of the totals. */
function move(call: LiveCall, entry: LogEntry, totals: StoredTotals): void {
  if (call.state === HELD || call.state === SENT) {
    totals.heldNanoUsd -= call.hold;
    totals.live--;
  }
  switch (entry.type) {
    case 'hold':
    case 'send':
      call.state = entry.type === 'hold' ? HELD : SENT;
      call.hold = entry.holdNanoUsd;
      call.atMs = entry.atMs;
      totals.heldNanoUsd += entry.holdNanoUsd;
      totals.live++;
      break;
    case 'release':
      call.state = RELEASED;
      call.atMs = entry.atMs;
      break;
    case 'unknown':
      call.state = UNKNOWN;
      call.cost = call.hold;
      call.atMs = entry.atMs;
      totals.unknownNanoUsd += call.hold;
      totals.calls++;
      break;
    case 'settle':
      call.state = SETTLED;
      call.hold = entry.holdNanoUsd;
      call.cost = entry.costNanoUsd;
      call.atMs = entry.answer.atMs;
      call.settle = entry;
      totals.settledNanoUsd += entry.costNanoUsd;
      totals.calls++;
      totals.inputTokens += entry.usage.inputTokens;
      totals.outputTokens += entry.usage.outputTokens;
      break;
  }
}
