// SPDX-License-Identifier: Apache-2.0
// Reads the committed records of a shard in index order. The checkpoint says which file holds which index, so the
// merge needs no heap: ranges are walked in ascending order, each read on from where its file's cursor stands.
import { AppError } from '../errors.ts';
import type { BatchEntry, ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/** Committed records with consecutive indices, as they lie in their file. */
export interface RecordRun {
  first: number;
  last: number;
  /** Their lines, newlines included. A view, overwritten once the next run is asked for. */
  bytes: Uint8Array;
  /** Without its newline. */
  longestLineBytes: number;
}

/** One committed record: its index and its bytes as committed, without the newline. A view, as the run it lies in. */
export interface RecordLine {
  index: number;
  line: Uint8Array;
}

/** Files held open at once; one beyond that is closed and later reopened where it stood. */
const MAX_OPEN = 32;
const NEWLINE = 10;
const QUOTE = 34;
const NOTHING = Buffer.alloc(0);
const decoder = new TextDecoder();

/**
 * The committed records of one shard in index order, in runs of what one read of a file gave. Memory is bounded by
 * 32 pieces of the store's streams and the longest line.
 * @throws AppError FAILED_PRECONDITION/DAMAGED naming the file whose line is missing, doubled, cut or out of order;
 * what the store throws.
 */
export async function* readRecordRuns(
  store: ObjectStore,
  checkpoint: ShardCheckpoint,
): AsyncGenerator<RecordRun, void, undefined> {
  const segments = planSegments(checkpoint);
  const remaining = new Map<BatchEntry, number>();
  for (const s of segments) remaining.set(s.entry, (remaining.get(s.entry) ?? 0) + 1);
  const cursors = new Map<BatchEntry, BatchCursor>();
  try {
    for (const { first, last, entry } of segments) {
      let cursor = cursors.get(entry);
      if (cursor) cursors.delete(entry);
      else cursor = new BatchCursor(store, entry, checkpoint.job_id);
      cursors.set(entry, cursor);
      yield* cursor.take(first, last);
      const left = (remaining.get(entry) ?? 1) - 1;
      remaining.set(entry, left);
      if (left === 0) {
        await cursor.finish();
        cursors.delete(entry);
      } else {
        await parkOldest(cursors);
      }
    }
  } finally {
    for (const cursor of cursors.values()) await cursor.park();
  }
}

/** As `readRecordRuns`, record by record. */
export async function* readRecordLines(
  store: ObjectStore,
  checkpoint: ShardCheckpoint,
): AsyncGenerator<RecordLine, void, undefined> {
  for await (const run of readRecordRuns(store, checkpoint)) yield* recordsOf(run);
}

/** The records of a run, one by one. */
export function* recordsOf(run: RecordRun): Generator<RecordLine, void, undefined> {
  const bytes = Buffer.from(run.bytes.buffer, run.bytes.byteOffset, run.bytes.byteLength);
  let start = 0;
  for (let index = run.first; index <= run.last; index += 1) {
    const end = bytes.indexOf(NEWLINE, start);
    yield { index, line: bytes.subarray(start, end) };
    start = end + 1;
  }
}

interface Segment {
  first: number;
  last: number;
  entry: BatchEntry;
}

/** Every range with its file, ascending; refuses an index that two ranges claim, and ranges that are not `ok`. */
function planSegments(checkpoint: ShardCheckpoint): Segment[] {
  const segments = checkpoint.batches.flatMap((entry) =>
    entry.ranges.map(([first, last]): Segment => ({ first, last, entry })),
  );
  segments.sort((a, b) => a.first - b.first);
  const where = `shards/${String(checkpoint.shard)}/checkpoint.json`;
  const merged: [number, number][] = [];
  for (const { first, last, entry } of segments) {
    const previous = merged.at(-1);
    if (last < first || (previous && first <= previous[1])) {
      throw damaged(where, `index ${String(first)} of ${entry.key} is claimed twice, or its range is reversed`);
    }
    if (previous && first === previous[1] + 1) previous[1] = last;
    else merged.push([first, last]);
  }
  const same =
    merged.length === checkpoint.ok.length &&
    merged.every(([a, b], i) => checkpoint.ok[i]?.[0] === a && checkpoint.ok[i]?.[1] === b);
  if (!same) throw damaged(where, 'the ranges of its batch files are not the indices it calls ok');
  return segments;
}

async function parkOldest(cursors: Map<BatchEntry, BatchCursor>): Promise<void> {
  let open = 0;
  for (const cursor of cursors.values()) if (cursor.isOpen) open += 1;
  for (const cursor of cursors.values()) {
    if (open <= MAX_OPEN) return;
    if (!cursor.isOpen) continue;
    await cursor.park();
    open -= 1;
  }
}

/** Where the reading of one batch file stands. Lines are read in ascending order only. */
class BatchCursor {
  private readonly store: ObjectStore;
  private readonly entry: BatchEntry;
  private readonly jobId: string;
  private readonly idPrefix: number;
  private readonly betweenIdAndIndex: number;
  private stream: AsyncIterator<Uint8Array> | undefined;
  /** Bytes of the file before `chunk`. */
  private chunkOffset = 0;
  private chunk: Buffer = NOTHING;
  /** What was read behind `chunk`, where that is one line put together from two pieces. */
  private ahead: Buffer | undefined;
  /** Position of the next unread line in `chunk`. */
  private position = 0;
  private previous = -1;

  constructor(store: ObjectStore, entry: BatchEntry, jobId: string) {
    this.store = store;
    this.entry = entry;
    this.jobId = jobId;
    this.idPrefix = Buffer.byteLength(`{"id":"${jobId}-`);
    this.betweenIdAndIndex = Buffer.byteLength(`","job_id":"${jobId}","index":`);
  }

  get isOpen(): boolean {
    return this.stream !== undefined;
  }

  /** The lines of indices `first` to `last`, all of them. Lines of no range lie between ranges and are passed over. */
  async *take(first: number, last: number): AsyncGenerator<RecordRun, void, undefined> {
    for (let expected = first; expected <= last;) {
      const run = this.nextRun(expected, last);
      if (run) {
        yield run;
        expected = run.last + 1;
      } else if (!(await this.more())) {
        throw this.damaged(`it ends before the line of index ${String(expected)}`);
      }
    }
  }

  /** What `chunk` has of the lines from `first` to `last`; undefined where it has none. */
  private nextRun(first: number, last: number): RecordRun | undefined {
    const { chunk } = this;
    let start = this.position;
    let expected = first;
    let longestLineBytes = 0;
    while (expected <= last) {
      const end = chunk.indexOf(NEWLINE, this.position);
      if (end < 0) break;
      const index = this.indexAt(this.position, end);
      if (index > expected) throw this.damaged(`the line of index ${String(expected)} is missing`);
      if (index === expected) {
        expected += 1;
        longestLineBytes = Math.max(longestLineBytes, end - this.position);
      } else {
        start = end + 1;
      }
      this.position = end + 1;
    }
    if (expected === first) return undefined;
    return { first, last: expected - 1, bytes: chunk.subarray(start, this.position), longestLineBytes };
  }

  /** Reads what follows the last range, so that a doubled last line or a wrong length is noticed, and closes. */
  async finish(): Promise<void> {
    for (;;) {
      const end = this.chunk.indexOf(NEWLINE, this.position);
      if (end >= 0) {
        this.indexAt(this.position, end);
        this.position = end + 1;
      } else if (!(await this.more())) {
        break;
      }
    }
    const size = this.chunkOffset + this.chunk.length;
    const isCut = this.position < this.chunk.length;
    await this.park();
    if (isCut) throw this.damaged('its last line is cut off');
    if (size !== this.entry.bytes) {
      throw this.damaged(`it has ${String(size)} bytes, its checkpoint says ${String(this.entry.bytes)}`);
    }
  }

  /** Closes the stream and frees what was read; reading goes on later from the next unread line. */
  async park(): Promise<void> {
    const stream = this.stream;
    this.stream = undefined;
    this.chunkOffset += this.position;
    this.position = 0;
    this.chunk = NOTHING;
    this.ahead = undefined;
    await stream?.return?.();
  }

  /** Goes on to the next piece of the file that has the end of a line; false at the end, with what is left in `chunk`. */
  private async more(): Promise<boolean> {
    const rest = this.chunk.subarray(this.position);
    this.chunkOffset += this.position;
    this.position = 0;
    if (this.ahead) {
      this.chunk = this.ahead;
      this.ahead = undefined;
      return true;
    }
    // The next piece may overwrite the one it lies in.
    const begun = rest.length === 0 ? [] : [Buffer.from(rest)];
    this.stream ??= this.store.stream(this.entry.key, this.chunkOffset + rest.length)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.stream.next();
      if (next.done) {
        this.chunk = Buffer.concat(begun);
        return false;
      }
      const piece = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      const end = piece.indexOf(NEWLINE);
      if (end < 0) {
        begun.push(Buffer.from(piece));
      } else if (begun.length === 0) {
        this.chunk = piece;
        return true;
      } else {
        this.chunk = Buffer.concat([...begun, piece.subarray(0, end + 1)]);
        this.ahead = piece.subarray(end + 1);
        return true;
      }
    }
  }

  /** The `index` of the line at [start, end); the order of its first keys makes it cheap, any other order works too. */
  private indexAt(start: number, end: number): number {
    const index = this.quickIndex(start, end) ?? this.parsedIndex(start, end);
    if (index <= this.previous) {
      throw this.damaged(`the line of index ${String(index)} is doubled or out of order`);
    }
    this.previous = index;
    return index;
  }

  /** From `{"id":"<job>-<index>","job_id":"<job>","index":<index>,…`; undefined where the line begins otherwise. */
  private quickIndex(start: number, end: number): number | undefined {
    const { chunk } = this;
    let at = start + this.idPrefix;
    const idDigits = at;
    let fromId = 0;
    while (at < end && isDigit(chunk[at])) fromId = fromId * 10 + (chunk[at++] ?? 0) - 48;
    if (at === idDigits || chunk[at] !== QUOTE) return undefined;
    const digits = at - idDigits;
    at += this.betweenIdAndIndex;
    // The eight bytes before the digits are `"index":`.
    if (chunk[at - 1] !== 58 || chunk[at - 2] !== QUOTE || chunk[at - 3] !== 120 || chunk[at - 8] !== QUOTE) {
      return undefined;
    }
    let index = 0;
    for (let i = 0; i < digits; i += 1) {
      const byte = chunk[at + i];
      if (!isDigit(byte)) return undefined;
      index = index * 10 + (byte ?? 0) - 48;
    }
    return index === fromId && chunk[at + digits] === 44 ? index : undefined;
  }

  private parsedIndex(start: number, end: number): number {
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(this.chunk.subarray(start, end)));
    } catch (cause) {
      throw this.damaged(`a line after index ${String(this.previous)} is not JSON`, cause);
    }
    const index = typeof value === 'object' && value !== null ? (value as { index?: unknown }).index : undefined;
    if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) {
      throw this.damaged(`a line after index ${String(this.previous)} has no index`);
    }
    return index;
  }

  private damaged(what: string, cause?: unknown): AppError {
    return damaged(this.entry.key, `${what} (job ${this.jobId})`, cause);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

function damaged(file: string, what: string, cause?: unknown): AppError {
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file} is damaged: ${what}`, {
    cause,
    details: { file },
    hint: 'Run `stint verify` on the folder; restore the file from a copy.',
  });
}
