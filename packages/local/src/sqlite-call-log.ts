// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import type { CallLog, Lease, LogEntry } from '@stint/core';
import {
  dropAnswers,
  endLiveCalls,
  readBeyond,
  readCalls,
  readStepsRun,
  readTotals,
  recountTotals,
  sumSettled,
} from './call-log-statements.ts';
import { CallLogWriter } from './call-log-writer.ts';
import type { WaitingAppend } from './call-log-writer.ts';
import { mergeRanges, stateCode, toStoredCall, toTotals } from './call-rows.ts';
import { callScan } from './call-scan.ts';
import { requireLease } from './sqlite-lease.ts';
import type { StateDatabase } from './state-database.ts';

/** The call log in state.sqlite. Appends of one turn of the event loop share a transaction. `close` releases the file. */
export function createSqliteCallLog(db: StateDatabase): CallLog {
  db.retain();
  const writer = new CallLogWriter(db);
  const scan = callScan(db);
  let queue: WaitingAppend[] = [];
  let closed = false;

  const requireOpen = (): void => {
    if (closed) throw new AppError('FAILED_PRECONDITION', 'CLOSED', 'the call log is closed');
  };

  const flush = (): void => {
    if (queue.length === 0) return;
    const appends = queue;
    queue = [];
    try {
      writer.write(appends);
    } catch (e) {
      for (const append of appends) append.reject(e);
      return;
    }
    for (const append of appends) {
      if (append.error === undefined) append.resolve();
      else append.reject(append.error);
    }
  };

  /** A write of its own, after what waits. */
  const change = <T>(lease: Lease, touchesRows: boolean, fn: () => T): T => {
    requireOpen();
    flush();
    const result = db.write(() => {
      requireLease(db, lease);
      return fn();
    });
    if (touchesRows) {
      writer.forget();
      writer.noteOwnWrite();
    }
    return result;
  };

  const read = <T>(fn: () => T): T => {
    requireOpen();
    return db.read(fn);
  };

  return {
    async takeOver(lease, atMs) {
      return change(lease, true, () => {
        endLiveCalls(db, atMs);
        return toTotals(readTotals(db));
      });
    },

    append(lease: Lease, entries: readonly LogEntry[]): Promise<void> {
      return new Promise((resolve, reject) => {
        requireOpen();
        if (queue.push({ lease, entries, error: undefined, resolve, reject }) === 1) setImmediate(flush);
      });
    },

    async totals() {
      return read(() => toTotals(readTotals(db)));
    },

    async calls(from, to) {
      return read(() => readCalls(db, from, to).map(toStoredCall));
    },

    async settledNanoUsd(ranges) {
      return read(() => mergeRanges(ranges).reduce((sum, [from, to]) => sum + sumSettled(db, from, to), 0));
    },

    async beyond() {
      return read(() => readBeyond(db));
    },

    async stepsRun() {
      return read(() => readStepsRun(db));
    },

    async committed(lease, shard, seq, ranges) {
      change(lease, false, () => {
        for (const [from, to] of mergeRanges(ranges)) dropAnswers(db, from, to);
        db.prepare(
          'INSERT INTO commits (shard, seq) VALUES (?, ?) ON CONFLICT (shard) DO UPDATE SET seq = max(seq, excluded.seq)',
        ).run(shard, seq);
      });
    },

    async commits() {
      return read(() => {
        const rows = db.prepare('SELECT shard, seq FROM commits ORDER BY shard').all();
        return new Map(rows.map((row) => [row['shard'] as number, row['seq'] as number]));
      });
    },

    async chargeLost(lease, lost, atMs) {
      change(lease, true, () => {
        const add = db.prepare(
          `INSERT OR IGNORE INTO calls (idx, attempt, step, try, state, hold, cost, at_ms, input_tokens, output_tokens,
           cache_read_tokens, cache_write_tokens, reported)
           VALUES (?, ?, 0, 0, ${stateCode.SETTLED}, 0, ?, ?, 0, 0, 0, 0, 0)`,
        );
        const count = db.prepare('UPDATE totals SET settled = settled + ?, calls = calls + 1');
        for (const { index, attempt, costNanoUsd } of lost)
          if (Number(add.run(index, attempt, costNanoUsd, atMs).changes) > 0) count.run(costNanoUsd);
      });
    },

    async recount() {
      return read(() => ({ ...recountTotals(db) }));
    },

    async scan(visit) {
      requireOpen();
      await scan(visit);
    },

    async close() {
      if (closed) return;
      flush();
      closed = true;
      db.release();
    },
  };
}
