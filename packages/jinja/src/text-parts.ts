// SPDX-License-Identifier: Apache-2.0
import type { Meter } from './meter.ts';
import { codePoints, listOf } from './operations.ts';
import { isSpace, SPACES } from './space.ts';

/** Texts taken apart: what methods and filters share. All of it is linear, and counted before it is made. */

/** Parts of a text between the matches of a global pattern. */
export function splitAt(s: string, separator: RegExp, meter: Meter): string[] {
  const out: string[] = [];
  let at = 0;
  separator.lastIndex = 0;
  for (let m = separator.exec(s); m; m = separator.exec(s)) {
    meter.pieces(1);
    out.push(s.slice(at, m.index));
    at = separator.lastIndex;
  }
  out.push(s.slice(at));
  return out;
}

export function matchesOf(s: string, pattern: RegExp, meter: Meter): string[] {
  const out: string[] = [];
  pattern.lastIndex = 0;
  for (let m = pattern.exec(s); m; m = pattern.exec(s)) {
    meter.pieces(1);
    out.push(m[0]);
  }
  return out;
}

/** Words as `\w+` finds them. */
export const wordsOf = (s: string, meter: Meter): string[] => matchesOf(s, /[\p{L}\p{N}_]+/gu, meter);

/** Python's str.splitlines. */
export function linesOf(s: string, meter: Meter, keepEnds = false): string[] {
  if (keepEnds)
    return matchesOf(
      s,
      /[^\n-\r\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029])|[^\n-\r\x1c-\x1e\x85\u2028\u2029]+$/g,
      meter,
    );
  const lines = splitAt(s, /\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/g, meter);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** How often a text holds another, without overlaps. */
export function countOf(s: string, part: string): number {
  if (part === '') return codePoints(s) + 1;
  let n = 0;
  for (let at = s.indexOf(part); at >= 0; at = s.indexOf(part, at + part.length)) n++;
  return n;
}

/** Without what `hit` holds of at its ends, character by character. */
export function strip(s: string, hit: (c: string) => boolean, left: boolean, right: boolean): string {
  let from = 0;
  let to = s.length;
  if (left) {
    for (const c of s) {
      if (!hit(c)) break;
      from += c.length;
    }
  }
  while (right && to > from) {
    const pair = s.slice(to - 2, to);
    const c = to - 2 >= from && codePoints(pair) === 1 && pair.length === 2 ? pair : s.charAt(to - 1);
    if (!hit(c)) break;
    to -= c.length;
  }
  return s.slice(from, to);
}

/** Words between white space; after `max` splits what is left is the last one. */
export function splitSpace(s: string, max: number, meter: Meter): string[] {
  const word = new RegExp(`[^${SPACES}]+`, 'g');
  if (max < 0) return matchesOf(s, word, meter);
  const out: string[] = [];
  for (let m = word.exec(s); m; m = word.exec(s)) {
    meter.pieces(1);
    if (out.length >= max) {
      out.push(s.slice(m.index));
      break;
    }
    out.push(m[0]);
  }
  return out;
}

/** As `splitSpace`, from the right: what is left keeps the space before it. */
export function splitSpaceRight(s: string, max: number, meter: Meter): string[] {
  const words = splitSpace(s, -1, meter);
  if (max < 0 || words.length <= max) return words;
  const tail = words.slice(words.length - max);
  let head = strip(s, isSpace, false, true);
  for (const w of tail.toReversed()) head = strip(head.slice(0, head.length - w.length), isSpace, false, true);
  return [head, ...tail];
}

/** With the first `count` finds replaced; a negative count is all of them. */
export function replaceText(s: string, from: string, to: string, count: number, meter: Meter): string {
  if (count === 0) return s;
  const found = countOf(s, from);
  const times = count < 0 ? found : Math.min(count, found);
  if (times === 0) return s;
  meter.pieces(found + 1);
  meter.chars(s.length + times * to.length);
  const parts = from === '' ? ['', ...listOf(s, meter), ''] : s.split(from);
  if (times === parts.length - 1) return parts.join(to);
  return (
    parts.slice(0, times + 1).join(to) + (times + 1 < parts.length ? from + parts.slice(times + 1).join(from) : '')
  );
}
