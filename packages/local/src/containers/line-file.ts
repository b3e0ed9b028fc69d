// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ContainerLogLine } from '@stint/core';
import { errnoOf } from '../storage-errors.ts';

/** What is read at once: a line longer than this is given in pieces. More at once would outlive V8's young generation. */
export const pageBytes = 1 << 18;

interface ReadOptions {
  /** Default: `pageBytes`. */
  most?: number;
  /** `latin1` keeps every byte, for what is decoded later. */
  encoding?: 'utf8' | 'latin1';
}

/**
 * Whole lines of a growing file from byte `from` on, up to a page; with `ended` an unfinished last line too.
 * A file that is not there yet is empty.
 * @returns `cut`: the last of the lines is a piece, and goes on at `next`
 */
export function readLines(
  path: string,
  from: number,
  ended: boolean,
  { most = pageBytes, encoding = 'utf8' }: ReadOptions = {},
): { lines: string[]; next: number; atEnd: boolean; cut: boolean } {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return { lines: [], next: from, atEnd: true, cut: false };
    throw e;
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(most, size - from)));
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from));
    const last = bytes.lastIndexOf(10);
    const toEnd = ended && from + bytes.length >= size;
    const cut = !toEnd && last < 0 && bytes.length === most;
    const taken = toEnd ? bytes.length : cut ? wholeCharacters(bytes) : last + 1;
    const text = bytes.subarray(0, taken).toString(encoding);
    const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
    return { lines, next: from + taken, atEnd: from + taken >= size, cut };
  } finally {
    closeSync(fd);
  }
}

/** What was read as lines of a stream. */
export function linesOf(
  stream: ContainerLogLine['stream'],
  { lines, cut }: { lines: readonly string[]; cut: boolean },
): ContainerLogLine[] {
  return lines.map((text, i) => ({ stream, text, ...(cut && i === lines.length - 1 && { partial: true }) }));
}

/** How many of the bytes are whole characters of UTF-8: all but the beginning of one at the end. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
