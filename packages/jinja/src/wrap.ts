// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { characters, codePoints } from './operations.ts';
import { isSpace } from './space.ts';

/** Python's textwrap.wrap for one line, with tabs and other white space as they are. */

export interface WrapStyle {
  width: number;
  breakLongWords: boolean;
  breakOnHyphens: boolean;
}

export function wrapLine(line: string, style: WrapStyle, meter: Meter): string[] {
  meter.pieces(line.length / 2);
  const chunks = style.breakOnHyphens ? chunksOf(line, meter) : line.split(/([\t-\r ]+)/).filter((c) => c !== '');
  return new Wrapper(chunks, style, meter).lines();
}

/** Fills lines with chunks. A word that no line holds stays among them, less what was taken of it. */
class Wrapper {
  readonly #chunks: string[];
  readonly #style: WrapStyle;
  readonly #meter: Meter;

  constructor(chunks: string[], style: WrapStyle, meter: Meter) {
    this.#chunks = chunks.reverse();
    this.#style = style;
    this.#meter = meter;
  }

  lines(): string[] {
    const { width } = this.#style;
    const chunks = this.#chunks;
    const lines: string[] = [];
    while (chunks.length > 0) {
      this.#meter.pieces(1);
      if (lines.length > 0 && this.#isBlank(chunks.at(-1) ?? '')) chunks.pop();
      const line: string[] = [];
      let used = 0;
      for (let next = chunks.at(-1); next !== undefined && !isLonger(next, width - used); next = chunks.at(-1)) {
        line.push(next);
        chunks.pop();
        used += codePoints(next);
      }
      const next = chunks.at(-1);
      if (next !== undefined && isLonger(next, width)) this.#putPart(next, line, width - used);
      if (line.length > 0 && this.#isBlank(line.at(-1) ?? '')) line.pop();
      if (line.length > 0) lines.push(line.join(''));
    }
    return lines;
  }

  /** What fits into a line of a word that no line holds; up to a hyphen, where there is one. */
  #putPart(chunk: string, line: string[], room: number): void {
    const { breakLongWords, breakOnHyphens } = this.#style;
    if (!breakLongWords) {
      if (line.length === 0) line.push(this.#chunks.pop() ?? '');
      return;
    }
    if (!Number.isInteger(room)) throw typeError('slice indices must be integers');
    this.#meter.scan(room);
    let end = unitsOf(chunk, room);
    if (breakOnHyphens) {
      const hyphen = chunk.slice(0, end).lastIndexOf('-');
      if (hyphen > 0 && /[^-]/.test(chunk.slice(0, hyphen))) end = hyphen + 1;
    }
    line.push(chunk.slice(0, end));
    this.#chunks[this.#chunks.length - 1] = chunk.slice(end);
  }

  /** Only white space; of a long word no more than its start is looked at. */
  #isBlank(chunk: string): boolean {
    let at = 0;
    while (at < chunk.length && isSpace(chunk.charAt(at))) at++;
    this.#meter.scan(at);
    return at === chunk.length;
  }
}

/** True where a text has more than n characters; a long one is not counted to its end. */
const isLonger = (s: string, n: number): boolean => s.length > n && (s.length > 2 * n || codePoints(s) > n);

/** Code units of the first n characters. */
function unitsOf(s: string, n: number): number {
  let units = 0;
  for (let i = 0; i < n && units < s.length; i++) units += (s.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  return units;
}

const isBreak = (c: string | undefined): boolean => c === undefined || /^[\t-\r ]/.test(c);
const isWord = (c: string | undefined): boolean => c !== undefined && /^[\p{L}\p{N}_]/u.test(c);
const isLetter = (c: string | undefined): boolean => c !== undefined && /^[\p{L}\p{Nl}\p{No}_]/u.test(c);
const isWordOrMark = (c: string | undefined): boolean => isWord(c) || (c !== undefined && `!"'&.,?`.includes(c));

/** White space, words, their parts between hyphens, and dashes between words, as textwrap tells them apart. */
function chunksOf(line: string, meter: Meter): string[] {
  const chars = characters(line, meter);
  const chunks: string[] = [];
  let run = 0;
  /** Where a run of hyphens ends; asked for from left to right. */
  const runEnd = (at: number): number => {
    if (run <= at) for (run = at; chars[run] === '-';) run++;
    return run;
  };
  /** Two or more hyphens that a word follows. */
  const isDash = (at: number): boolean => chars[at] === '-' && chars[at + 1] === '-' && isWord(chars[runEnd(at)]);
  const put = (from: number, to: number): number => {
    const part = chars.slice(from, to);
    chunks.push(typeof part === 'string' ? part : part.join(''));
    return to;
  };
  let at = 0;
  while (at < chars.length) {
    let end = at + 1;
    if (isBreak(chars[at])) while (end < chars.length && isBreak(chars[end])) end++;
    else if (isDash(at) && isWordOrMark(chars[at - 1])) end = runEnd(at);
    else {
      for (; !isBreak(chars[end]); end++) {
        if (chars[end] === '-' && isHyphen(chars, end)) {
          end++;
          break;
        }
        if (isWordOrMark(chars[end - 1]) && isDash(end)) break;
      }
    }
    at = put(at, end);
  }
  return chunks;
}

/** A hyphen within a word, with letters around it: not that of `-x`, `3-d` or `x-1`. */
function isHyphen(chars: string | string[], at: number): boolean {
  const before =
    isLetter(chars[at - 1]) && (isLetter(chars[at - 2]) || (chars[at - 2] === '-' && isLetter(chars[at - 3])));
  return (
    before && isLetter(chars[at + 1]) && (isLetter(chars[at + 2]) || (chars[at + 2] === '-' && isLetter(chars[at + 3])))
  );
}
