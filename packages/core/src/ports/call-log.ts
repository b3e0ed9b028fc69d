// SPDX-License-Identifier: Apache-2.0
import type { Usage } from './model-provider.ts';
import type { Lease } from './job-store.ts';

/** `index`, `attempt` (from 1), `step` (position in the template, from 0), `try` (from 1). All safe integers. */
export interface CallKey {
  index: number;
  attempt: number;
  step: number;
  try: number;
}

/**
 * HELD: worst case set aside, not sent. SENT: may have been billed. SETTLED: answered, real cost known.
 * RELEASED: certainly not billed. UNKNOWN: may have been billed, charged at worst case.
 * Legal moves: (new) → HELD | SENT, HELD → SENT | RELEASED, SENT → SETTLED | RELEASED | UNKNOWN. The rest is final.
 */
export type CallState = 'HELD' | 'SENT' | 'SETTLED' | 'RELEASED' | 'UNKNOWN';

/** What a settled call leaves for the record it belongs to; pruned once a checkpoint names the record. */
export interface CallAnswer {
  text: string;
  model: string;
  stopReason: string;
  latencyMs: number;
  /** Epoch ms of the answer. */
  atMs: number;
}

/**
 * One move of one call. `holdNanoUsd` is the row's hold from then on; `send` on a HELD row replaces its hold (widened or
 * narrowed), on no row creates it.
 */
export type LogEntry =
  | { type: 'hold'; key: CallKey; holdNanoUsd: number; atMs: number }
  | { type: 'send'; key: CallKey; holdNanoUsd: number; atMs: number }
  | {
      type: 'settle';
      key: CallKey;
      /** Worst case of its request alone: the row's hold from then on, so that `beyond` can be told from the rows. */
      holdNanoUsd: number;
      costNanoUsd: number;
      usage: Usage;
      /** False where the provider reported no usage and the hold was charged. */
      reported: boolean;
      answer: CallAnswer;
    }
  | { type: 'release'; key: CallKey; atMs: number }
  | { type: 'unknown'; key: CallKey; atMs: number };

/** Sums of the whole job in integer nano-dollars. Kept equal to the rows in the same transaction. */
export interface Totals {
  settledNanoUsd: number;
  unknownNanoUsd: number;
  heldNanoUsd: number;
  /** SETTLED plus UNKNOWN calls. */
  calls: number;
  inputTokens: number;
  outputTokens: number;
}

export interface StoredCall {
  key: CallKey;
  state: CallState;
  holdNanoUsd: number;
  /** SETTLED: its cost; UNKNOWN: the hold charged; else 0. */
  costNanoUsd: number;
  /** Only SETTLED. */
  usage: Usage | null;
  reported: boolean;
  /** Only SETTLED, until pruned. */
  answer: CallAnswer | null;
  /** Only SETTLED by an answer; they stay when the answer is pruned, for reports. */
  latencyMs?: number;
  stopReason?: string;
  /** Epoch ms of the last move. */
  atMs: number;
}

/** What `scan` shows of a call. Numbers that a row lacks are 0. */
export interface ScannedCall {
  index: number;
  step: number;
  state: CallState;
  costNanoUsd: number;
  inputTokens: number;
  outputTokens: number;
  latencyMs: number;
  stopReason: string | null;
  atMs: number;
}

/**
 * The append-only call log of one job: rows are added and move forward, and are never taken away.
 * Money (`totals`) and resume (`calls` with answers) are two folds of it.
 *
 * Every method that writes carries the lease; a store that has granted a newer epoch of the same resource refuses
 * with FAILED_PRECONDITION/LEASE_LOST and changes nothing.
 */
export interface CallLog {
  /**
   * Takes the log over for this lease, after a death too: every HELD row becomes RELEASED, every SENT row UNKNOWN,
   * totals with them, in one transaction. Idempotent.
   */
  takeOver(lease: Lease, atMs: number): Promise<Totals>;
  /**
   * Applies all entries or none, in order; durable against the death of the process when it resolves. Entries of all
   * calls that wait in one turn of the event loop share a transaction (the adapter gathers them).
   * The write keeps `settled + unknown + held <= budget`: an append that adds to `held` beyond the budget in force is
   * refused as a whole. A `settle` may cost more than its hold (a provider that reports more than the worst case);
   * that is written as it is.
   * @throws AppError FAILED_PRECONDITION/CAP_EXCEEDED (some entry of the append raised a hold, and the sum after the whole
   * append is above the budget), FAILED_PRECONDITION/LEASE_LOST, FAILED_PRECONDITION/ILLEGAL_MOVE,
   * INVALID_ARGUMENT/BAD_ENTRY, UNAVAILABLE/STORAGE_UNAVAILABLE
   */
  append(lease: Lease, entries: readonly LogEntry[]): Promise<void>;
  totals(): Promise<Totals>;
  /** Rows of indices in [from, to], ascending by key. */
  calls(from: number, to: number): Promise<StoredCall[]>;
  /**
   * By step: the most that a call, settled by its answer, cost beyond its own worst case, in nano-dollars; steps where none
   * did are absent.
   */
  beyond(): Promise<Map<number, number>>;
  /** What the SETTLED rows of the indices in the ranges cost, each index once, in nano-dollars. */
  settledNanoUsd(ranges: readonly (readonly [number, number])[]): Promise<number>;
  /** Positions of steps that any record of the job ever sent (SENT, SETTLED, UNKNOWN rows), ascending. */
  stepsRun(): Promise<number[]>;
  /**
   * A checkpoint now names these indices (ok or failed): drops their answers and remembers that `shard` has
   * committed `seq`, so that a vanished checkpoint is never taken for a first run.
   */
  committed(lease: Lease, shard: number, seq: number, ranges: readonly (readonly [number, number])[]): Promise<void>;
  /** Last committed `seq` by shard; empty on a first run. */
  commits(): Promise<Map<number, number>>;
  /**
   * Charges what the rows of an attempt that a checkpoint names fall short of its own cost (they were lost with the machine's
   * power), as one SETTLED row with key (index, attempt, step 0, try 0). Idempotent by key.
   */
  chargeLost(
    lease: Lease,
    lost: readonly { index: number; attempt: number; costNanoUsd: number }[],
    atMs: number,
  ): Promise<void>;
  /** Recomputes the totals from the rows, for `verify`. */
  recount(): Promise<Totals>;
  /**
   * Shows every row once, ascending by index; for reports. `call` is one object, filled anew for each row: copy what you
   * keep. Other work gets its turn in between. Bounded memory. Throws what `visit` throws.
   */
  scan(visit: (call: Readonly<ScannedCall>) => void): Promise<void>;
  /** Waits for what is queued; then frees the file. Idempotent. */
  close(): Promise<void>;
}
