// SPDX-License-Identifier: Apache-2.0
import { isAppError } from '../errors.ts';
import type { RejectRow } from '../formats/record.ts';
import { SHARD_SIZE } from '../formats/shard-checkpoint.ts';
import type { BatchEntry, FailedIndex, ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import type { CallLog } from '../ports/call-log.ts';
import type { Lease } from '../ports/job-store.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { encodeUtf8 } from './digest.ts';
import type { Sha256 } from './digest.ts';
import { usdToNearestNano } from './money.ts';
import { batchKey, rejectsKey } from './names.ts';
import { countOf, rangesOf, unionOf } from './ranges.ts';
import type { ShardBook } from './shard-book.ts';

/** A record that is decided: its line, or why it was given up. */
export interface Decided {
  index: number;
  line: string | null;
  failed: FailedIndex | null;
  rejects: RejectRow[];
  costNanoUsd: number;
  inputTokens: number;
  outputTokens: number;
}

/** A decision that waits, its line as the bytes that will be written. */
type Waiting = Omit<Decided, 'line'> & { line: Uint8Array | null };

/**
 * The commit protocol: (1) the batch file, create-only, immutable; (2) compare-and-swap of the shard's checkpoint that
 * names it; then the derived job checkpoint, and the log may drop the answers. Data before state, and a crash between
 * any two leaves either an orphan that proves itself or a view that the next commit repairs.
 */
export class Committer {
  readonly #store: ObjectStore;
  readonly #book: ShardBook;
  readonly #log: CallLog;
  readonly #lease: () => Lease;
  readonly #sha256: Sha256;
  #waiting: Waiting[] = [];
  #lines = new LineBuffer();
  #seq = 0;
  /** Bytes of the lines that wait. */
  backlog = 0;

  constructor(store: ObjectStore, book: ShardBook, log: CallLog, lease: () => Lease, sha256: Sha256) {
    this.#store = store;
    this.#book = book;
    this.#log = log;
    this.#lease = lease;
    this.#sha256 = sha256;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(decided: Decided): void {
    const line = decided.line === null ? null : this.#lines.add(decided.line);
    this.#waiting.push({ ...decided, line });
    this.backlog += line?.length ?? 0;
  }

  /**
   * Commits all that waits, once `durable` resolves: the calls of these records are in the log then. One call at a time.
   * @throws AppError LEASE_LOST, STORAGE_UNAVAILABLE; what `durable` rejects with
   */
  async commit(durable?: Promise<void>): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#lines = new LineBuffer();
    this.backlog = 0;
    await durable;
    if (batch.length === 0) return;
    batch.sort((a, b) => a.index - b.index);
    for (let from = 0; from < batch.length;) {
      const shard = Math.floor((batch[from]?.index ?? 0) / SHARD_SIZE);
      let to = from;
      while (to < batch.length && Math.floor((batch[to]?.index ?? 0) / SHARD_SIZE) === shard) to++;
      await this.#commitShard(shard, batch.slice(from, to));
      from = to;
    }
    const totals = await this.#log.totals();
    await this.#book.writeJobCheckpoint(false, totals.inputTokens + totals.outputTokens, totals.settledNanoUsd);
  }

  async #commitShard(shard: number, decided: readonly Waiting[]): Promise<void> {
    await this.#book.open(shard);
    const seq = ++this.#seq;
    const entries = await this.writeFiles(seq, decided);
    const doc = await this.#book.advance(shard, (before) => merge(before, decided, entries));
    const ranges = rangesOf(decided.map((d) => d.index));
    await this.#log.committed(this.#lease(), shard, doc.seq, ranges);
    if (countOf(doc.ok) + doc.failed.length >= SHARD_SIZE) this.#book.forget(shard);
  }

  /** Writes the batch file and the rejects file of one commit, each only where it has rows. */
  async writeFiles(
    seq: number,
    decided: readonly Waiting[],
  ): Promise<{ batch: BatchEntry | null; rejects: ShardCheckpoint['rejects'][number] | null }> {
    const { epoch } = this.#lease();
    const ok = decided.filter((d) => d.line !== null);
    const rejected = decided.flatMap((d) => d.rejects);
    // Rejects first: a batch file on its own always finds its rejects beside it.
    const rejects =
      rejected.length === 0
        ? null
        : await this.#put(
            rejected.map((r) => encodeUtf8(JSON.stringify(r))),
            (sha) => rejectsKey(epoch, seq, sha),
          );
    const written =
      ok.length === 0
        ? null
        : await this.#put(
            ok.flatMap((d) => d.line ?? []),
            (sha) => batchKey(epoch, seq, sha),
          );
    return { rejects, batch: written && { ...written, ranges: rangesOf(ok.map((d) => d.index)) } };
  }

  /** The next number for files of this process's epoch. */
  nextSeq(): number {
    return ++this.#seq;
  }

  async #put(
    lines: readonly Uint8Array[],
    name: (sha256: string) => string,
  ): Promise<{ key: string; rows: number; bytes: number; sha256: string }> {
    const body = joinLines(lines);
    const sha256 = this.#sha256(body);
    const key = name(sha256);
    try {
      await this.#store.put(key, body, { create: true });
    } catch (e) {
      // The name holds epoch, number and content: what is there is our own write, whose answer was lost.
      if (!isAppError(e) || e.reason !== 'OBJECT_EXISTS') throw e;
    }
    return { key, rows: lines.length, bytes: body.length, sha256 };
  }
}

const CHUNK_BYTES = 1 << 20;

/**
 * Lines as bytes, many to a chunk. As strings they would hold on to all the pieces they were put together from, for as
 * long as they wait.
 */
class LineBuffer {
  #chunk = Buffer.alloc(0);
  #used = 0;

  add(line: string): Uint8Array {
    // A UTF-16 unit takes at most three bytes.
    if (this.#chunk.length - this.#used < line.length * 3) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, line.length * 3));
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += this.#chunk.write(line, from);
    return this.#chunk.subarray(from, this.#used);
  }
}

function joinLines(lines: readonly Uint8Array[]): Uint8Array {
  const body = new Uint8Array(lines.reduce((n, l) => n + l.length + 1, 0));
  let at = 0;
  for (const line of lines) {
    body.set(line, at);
    at += line.length + 1;
    body[at - 1] = 10;
  }
  return body;
}

/** The checkpoint after these decisions: an index that is ok now is failed no longer. */
export function merge(
  before: Omit<ShardCheckpoint, 'digest'>,
  decided: readonly Waiting[],
  entries: { batch: BatchEntry | null; rejects: ShardCheckpoint['rejects'][number] | null },
): Omit<ShardCheckpoint, 'digest'> {
  const now = new Set(decided.map((d) => d.index));
  const failed = before.failed.filter((f) => !now.has(f.index));
  for (const d of decided) if (d.failed) failed.push(d.failed);
  failed.sort((a, b) => a.index - b.index);
  const sum = (pick: (d: Waiting) => number): number => decided.reduce((n, d) => n + pick(d), 0);
  const rejectCost = (d: Waiting): number => d.rejects.reduce((n, r) => n + usdToNearestNano(r.cost_usd), 0);
  return {
    ...before,
    batches: entries.batch ? [...before.batches, entries.batch] : before.batches,
    rejects: entries.rejects ? [...before.rejects, entries.rejects] : before.rejects,
    ok: unionOf(before.ok, rangesOf(decided.filter((d) => d.line !== null).map((d) => d.index))),
    failed,
    retrying: before.retrying.filter((r) => !now.has(r.index)),
    spend_nano_usd: before.spend_nano_usd + sum((d) => d.costNanoUsd + rejectCost(d)),
    input_tokens: before.input_tokens + sum((d) => d.inputTokens),
    output_tokens: before.output_tokens + sum((d) => d.outputTokens),
  };
}
