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

type Undo = Pick<LiveCall, 'state' | 'hold' | 'cost' | 'atMs' | 'settle'> & { call: LiveCall };

/**
 * Applies appends to the rows: each is checked against a copy of the live rows and the totals in memory and undone there
 * when it is refused; then the net change of all of them is written. The copy is trusted only while no other connection
 * has committed (`PRAGMA data_version`, read inside the transaction) and nothing on this one but the writer has written.
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
      this.#transaction(appends, false);
    } catch (e) {
      const complete = this.#complete;
      this.forget();
      // A row that was taken for new exists: once more, now looking up every call that is not known to be live.
      if (!complete || sqliteCodeOf((e as Error).cause ?? e) !== sqliteConstraint) throw e;
      this.#transaction(appends, true);
    }
  }

  #transaction(appends: readonly WaitingAppend[], careful: boolean): void {
    this.#changed = [];
    this.#db.write(() => {
      this.#refresh();
      if (careful) this.#complete = false;
      for (const append of appends) {
        append.error = undefined;
        try {
          this.#apply(append);
        } catch (e) {
          append.error = e;
        }
      }
      if (this.#changed.length > 0) this.#store();
    });
    if (this.#changed.length === 0) return;
    for (const call of this.#changed) {
      call.changed = false;
      call.stored = call.state;
      if (call.state !== HELD && call.state !== SENT) this.#live.delete(call);
    }
    this.#logVersion = ++this.#db.logVersion;
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

  #apply(append: WaitingAppend): void {
    this.#requireLease(append.lease);
    if (!this.#complete) {
      this.#applyKnown(append.entries);
      return;
    }
    try {
      this.#applyKnown(append.entries);
    } catch {
      // Refused, and perhaps for another reason: a call taken for new may be final. Now with every call looked up.
      this.#complete = false;
      try {
        this.#applyKnown(append.entries);
      } finally {
        this.#complete = true;
      }
    }
  }

  #applyKnown(entries: readonly LogEntry[]): void {
    const totals = this.#totals as StoredTotals;
    const before = { ...totals };
    const changedBefore = this.#changed.length;
    const undo: Undo[] = [];
    let raised = false;
    try {
      for (const entry of entries) {
        checkEntry(entry);
        const call = this.#find(entry.key);
        const { state, hold, cost, atMs, settle } = call;
        const from = nameOf(state);
        if (!isLegalMove(from, entry.type)) {
          if (!call.changed && call.stored === NEW) this.#live.delete(call);
          throw illegalMove(entry.key, from, entry.type);
        }
        undo.push({ call, state, hold, cost, atMs, settle });
        if (entry.type === 'hold' || entry.type === 'send') raised ||= entry.holdNanoUsd > hold;
        move(call, entry, totals);
        if (!call.changed) {
          call.changed = true;
          this.#changed.push(call);
        }
      }
      if (raised && this.#budget !== null) {
        const sum = totals.settledNanoUsd + totals.unknownNanoUsd + totals.heldNanoUsd;
        if (sum > this.#budget) throw capExceeded(this.#budget, sum);
      }
    } catch (e) {
      for (const { call, ...old } of undo.reverse()) Object.assign(call, old);
      for (const call of this.#changed.splice(changedBefore)) {
        call.changed = false;
        if (call.stored === NEW) this.#live.delete(call);
      }
      Object.assign(totals, before);
      throw e;
    }
  }

  #store(): void {
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
    }
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
