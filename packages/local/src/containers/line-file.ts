// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf } from '../storage-errors.ts';

/** A line longer than this is given in pieces. */
const pageBytes = 1 << 20;

/**
 * Whole lines of a growing file from byte `from` on, up to about a megabyte; with `ended` an unfinished last line too.
 * A file that is not there yet is empty.
 */
export function readLines(
  path: string,
  from: number,
  ended: boolean,
): { lines: string[]; next: number; atEnd: boolean } {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return { lines: [], next: from, atEnd: true };
    throw e;
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(pageBytes, size - from)));
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from));
    const last = bytes.lastIndexOf(10);
    const whole = last >= 0 ? last + 1 : bytes.length === pageBytes ? pageBytes : 0;
    const taken = ended && from + bytes.length >= size ? bytes.length : whole;
    const text = bytes.subarray(0, taken).toString('utf8');
    const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
    return { lines, next: from + taken, atEnd: from + taken >= size };
  } finally {
    closeSync(fd);
  }
}
