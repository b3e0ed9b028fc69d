// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AppError, isAppError } from '@stint/core/base';
import type { SeedRow, SeedSource } from '@stint/core';
import { parseRow } from './parse-row.ts';
import { toFileError } from './storage-errors.ts';

/** At most so many offsets are kept; of a longer file only each n-th row's, n a power of two. */
const maxOffsets = 131_072;
const blockBytes = 64 * 1024;
const cachedBlocks = 64;
const cachedRows = 256;
const newline = 10;

/** Remembers the last value of each slot; a key has one slot, its remainder. */
class SlotCache<V> {
  readonly #slots: ({ key: number; value: V } | undefined)[];

  constructor(size: number) {
    this.#slots = new Array<undefined>(size).fill(undefined);
  }

  get(key: number): V | undefined {
    const slot = this.#slots[key % this.#slots.length];
    return slot?.key === key ? slot.value : undefined;
  }

  set(key: number, value: V): void {
    this.#slots[key % this.#slots.length] = { key, value };
  }
}

interface Index {
  rows: number;
  /** Rows between two offsets. */
  stride: number;
  /** Byte offset of each `stride`-th row. */
  offsets: number[];
}

/**
 * Opens frozen seed rows: JSON Lines, one mapping a line, as stint writes them. One pass finds the offsets; after it a row
 * costs one or two reads at most, and memory does not grow with the file.
 * @param limits - smaller bounds, for tests.
 * @throws AppError FAILED_PRECONDITION/DAMAGED, UNAVAILABLE/STORAGE_UNAVAILABLE, PERMISSION_DENIED/STORAGE_DENIED
 */
export function openSeedFile(path: string, limits: { maxOffsets?: number; blockBytes?: number } = {}): SeedSource {
  const block = limits.blockBytes ?? blockBytes;
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (e) {
    throw toFileError(e, `read ${path}`);
  }
  const damaged = (what: string, cause?: unknown): AppError =>
    new AppError('FAILED_PRECONDITION', 'DAMAGED', `${path}: ${what}`, {
      cause,
      hint: 'The frozen seed rows of this job were changed; restore them from a copy.',
    });
  const readAt = (offset: number, into: Buffer): number => {
    try {
      return readSync(file, into, 0, into.length, offset);
    } catch (e) {
      throw toFileError(e, `read ${path}`);
    }
  };

  let size: number;
  let index: Index;
  try {
    size = fstatSync(file).size;
    index = indexOf(readAt, size, limits.maxOffsets ?? maxOffsets);
  } catch (e) {
    closeSync(file);
    throw isAppError(e) ? e : toFileError(e, `read ${path}`);
  }
  const { rows, stride, offsets } = index;
  const blocks = new SlotCache<Buffer>(cachedBlocks);
  const parsed = new SlotCache<SeedRow>(cachedRows);
  /** Rows longer than a block are kept for as long as somebody else holds them, so that they are shared. */
  const longRows = new SlotCache<WeakRef<SeedRow>>(cachedRows);
  let open = true;

  const blockAt = (n: number): Buffer => {
    let data = blocks.get(n);
    if (!data) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(block, size - n * block));
      if (readAt(n * block, buffer) !== buffer.length) throw damaged('is shorter than it was');
      blocks.set(n, (data = buffer));
    }
    return data;
  };
  /** Offset of the next line break at or after `offset`; the end of the file where there is none. */
  const lineEnd = (offset: number): number => {
    for (let at = offset; at < size;) {
      const n = Math.floor(at / block);
      const found = blockAt(n).indexOf(newline, at - n * block);
      if (found >= 0) return n * block + found;
      at = (n + 1) * block;
    }
    return size;
  };
  const textBetween = (from: number, to: number): string => {
    const first = Math.floor(from / block);
    const last = Math.floor((to - 1) / block);
    const start = from - first * block;
    if (first >= last) return blockAt(first).toString('utf8', start, to - first * block);
    const parts = [blockAt(first).subarray(start)];
    for (let n = first + 1; n < last; n++) parts.push(blockAt(n));
    parts.push(blockAt(last).subarray(0, to - last * block));
    return Buffer.concat(parts).toString('utf8');
  };

  return {
    rows,
    row(at) {
      if (!open || !Number.isSafeInteger(at) || at < 0 || at >= rows) {
        throw new AppError('INVALID_ARGUMENT', 'NO_SUCH_ROW', `no seed row ${at} of ${rows}${open ? '' : ': closed'}`);
      }
      const known = parsed.get(at) ?? longRows.get(at)?.deref();
      if (known) return known;
      let from = offsets[Math.floor(at / stride)] ?? 0;
      for (let skip = at % stride; skip > 0; skip--) from = lineEnd(from) + 1;
      const to = lineEnd(from);
      if (to <= from) throw damaged(`row ${at + 1} is empty`);
      let row: unknown;
      try {
        row = parseRow(textBetween(from, to));
      } catch (e) {
        throw isAppError(e) ? e : damaged(`row ${at + 1} cannot be read`, e);
      }
      if (typeof row !== 'object' || row === null || Array.isArray(row)) throw damaged(`row ${at + 1} is no mapping`);
      if (to - from <= block) parsed.set(at, row as SeedRow);
      else longRows.set(at, new WeakRef(row as SeedRow));
      return row as SeedRow;
    },
    close() {
      if (open) closeSync(file);
      open = false;
    },
  };
}

function indexOf(readAt: (offset: number, into: Buffer) => number, size: number, most: number): Index {
  let offsets: number[] = [];
  let stride = 1;
  let rows = 0;
  const begin = (offset: number): void => {
    if (rows++ % stride !== 0) return;
    offsets.push(offset);
    if (offsets.length < most) return;
    offsets = offsets.filter((_, i) => i % 2 === 0);
    stride *= 2;
  };
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  let lineOpen = false;
  for (let at = 0; at < size;) {
    const bytes = readAt(at, buffer);
    if (bytes === 0) break;
    const data = buffer.subarray(0, bytes);
    for (let from = 0; from < bytes;) {
      if (!lineOpen) begin(at + from);
      const end = data.indexOf(newline, from);
      lineOpen = end < 0;
      from = end < 0 ? bytes : end + 1;
    }
    at += bytes;
  }
  return { rows, stride, offsets };
}
