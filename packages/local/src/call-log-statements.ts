// SPDX-License-Identifier: Apache-2.0
import { rowColumns, stateCode } from './call-rows.ts';
import type { CallRow, StoredTotals } from './call-rows.ts';
import type { StateDatabase } from './state-database.ts';

const byKey = 'WHERE idx = ? AND attempt = ? AND step = ? AND try = ?';
const live = `state IN (${stateCode.HELD}, ${stateCode.SENT})`;
const withAnswers = `${rowColumns}, model, body, encoding`;

/** The statements of the hot path; a row each, because binding rows costs less than one JSON list of them (measured). */
export function callLogStatements(db: StateDatabase) {
  return {
    add: db.prepare(
      'INSERT INTO calls (idx, attempt, step, try, state, hold, cost, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    move: db.prepare(`UPDATE calls SET state = ?, hold = ?, cost = ?, at_ms = ? ${byKey}`),
    settle: db.prepare(
      `UPDATE calls SET state = ${stateCode.SETTLED}, cost = ?, at_ms = ?, input_tokens = ?, output_tokens = ?,
       cache_read_tokens = ?, cache_write_tokens = ?, reported = ?, latency_ms = ?, stop_reason = ?, answer = ?,
       hold = ? ${byKey}`,
    ),
    addAnswer: db.prepare('INSERT INTO answers (id, model, body, encoding) VALUES (?, ?, ?, ?)'),
    putTotals: db.prepare(
      `UPDATE totals SET settled = ?, unknown = ?, held = ?, calls = ?, input_tokens = ?, output_tokens = ?,
       live = ?, next_answer = ?`,
    ),
    find: db.prepare(`SELECT state, hold FROM calls ${byKey}`),
  };
}

export type CallLogStatements = ReturnType<typeof callLogStatements>;

export function readTotals(db: StateDatabase): StoredTotals {
  const row = db
    .prepare(
      `SELECT settled AS settledNanoUsd, unknown AS unknownNanoUsd, held AS heldNanoUsd, calls,
       input_tokens AS inputTokens, output_tokens AS outputTokens, live, next_answer AS nextAnswer FROM totals`,
    )
    .get() as unknown as StoredTotals;
  // A row as SQLite gives it is a dictionary to V8: too slow to count in.
  return { ...row };
}

/** HELD becomes RELEASED and SENT becomes UNKNOWN, totals with them. */
export function endLiveCalls(db: StateDatabase, atMs: number): void {
  if (readTotals(db).live === 0) return;
  db.prepare(
    `UPDATE totals SET held = 0, live = 0,
     unknown = unknown + (SELECT coalesce(sum(hold), 0) FROM calls WHERE state = ${stateCode.SENT}),
     calls = calls + (SELECT count(*) FROM calls WHERE state = ${stateCode.SENT})`,
  ).run();
  db.prepare(
    `UPDATE calls SET at_ms = ?, cost = CASE state WHEN ${stateCode.SENT} THEN hold ELSE 0 END,
     state = CASE state WHEN ${stateCode.SENT} THEN ${stateCode.UNKNOWN} ELSE ${stateCode.RELEASED} END WHERE ${live}`,
  ).run(atMs);
}

export function dropAnswers(db: StateDatabase, from: number, to: number): void {
  db.prepare(
    `DELETE FROM answers WHERE id IN
     (SELECT answer FROM calls WHERE idx BETWEEN ? AND ? AND answer IS NOT NULL)`,
  ).run(from, to);
}

export function readCalls(db: StateDatabase, from: number, to: number): CallRow[] {
  return db
    .prepare(
      `SELECT ${withAnswers} FROM calls LEFT JOIN answers ON answers.id = calls.answer
       WHERE idx BETWEEN ? AND ? ORDER BY idx, attempt, step, try`,
    )
    .all(from, to) as unknown as CallRow[];
}

export function sumSettled(db: StateDatabase, from: number, to: number): number {
  return db
    .prepare(`SELECT coalesce(sum(cost), 0) AS n FROM calls WHERE idx BETWEEN ? AND ? AND state = ${stateCode.SETTLED}`)
    .get(from, to)?.['n'] as number;
}

export function readStepsRun(db: StateDatabase): number[] {
  const { SENT, SETTLED, UNKNOWN } = stateCode;
  const rows = db
    .prepare(`SELECT DISTINCT step FROM calls WHERE state IN (${SENT}, ${SETTLED}, ${UNKNOWN}) ORDER BY step`)
    .all();
  return rows.map((row) => row['step'] as number);
}

/** By step: most that an answered call cost beyond its hold; rows with try 0 are charges for lost rows, not calls. */
export function readBeyond(db: StateDatabase): Map<number, number> {
  const rows = db
    .prepare(
      `SELECT step, max(cost - hold) AS most FROM calls
       WHERE state = ${stateCode.SETTLED} AND cost > hold AND try > 0 GROUP BY step`,
    )
    .all();
  return new Map(rows.map((row) => [row['step'] as number, row['most'] as number]));
}

/** The totals as the rows give them. */
export function recountTotals(db: StateDatabase): Omit<StoredTotals, 'live' | 'nextAnswer'> {
  const { HELD, SENT, SETTLED, UNKNOWN } = stateCode;
  const sum = (column: string, ...states: number[]): string =>
    `coalesce(sum(CASE WHEN state IN (${states.join(', ')}) THEN ${column} END), 0)`;
  return db
    .prepare(
      `SELECT ${sum('cost', SETTLED)} AS settledNanoUsd, ${sum('cost', UNKNOWN)} AS unknownNanoUsd,
       ${sum('hold', HELD, SENT)} AS heldNanoUsd, ${sum('1', SETTLED, UNKNOWN)} AS calls,
       coalesce(sum(input_tokens), 0) AS inputTokens, coalesce(sum(output_tokens), 0) AS outputTokens FROM calls`,
    )
    .get() as unknown as Omit<StoredTotals, 'live' | 'nextAnswer'>;
}
