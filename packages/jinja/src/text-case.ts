// SPDX-License-Identifier: Apache-2.0
import type { Meter } from './meter.ts';
import { replaceEach } from './replace-each.ts';

/** Cases and kinds of characters as Python has them, where JavaScript's own are not the same. */

/** A character as the first of a word: the digraph ǆ becomes ǅ, Georgian letters stay as they are. */
function titled(c: string): string {
  const upper = c.toUpperCase();
  const code = c.codePointAt(0) ?? 0;
  if (code < 0x149 && upper.length === 1) return upper;
  for (const first of [0x1c4, 0x1c7, 0x1ca, 0x1f1])
    if (code >= first && code < first + 3) return String.fromCodePoint(first + 1);
  if (code === 0x149) return upper;
  if (code >= 0x10d0 && code <= 0x10ff) return c;
  // Greek letters keep their iota below.
  if (code >= 0x1f80 && code <= 0x1fff && upper.endsWith('\u0399')) {
    const small = `${upper.slice(0, -1)}\u0345`;
    return small.length === 2 ? small.normalize('NFC') : small;
  }
  const [head = '', ...rest] = upper;
  return rest.length === 0 ? head : head + rest.join('').toLowerCase();
}

/** Python's str.capitalize. */
export function capitalize(s: string): string {
  const first = String.fromCodePoint(s.codePointAt(0) ?? 0);
  return s === '' ? '' : titled(first) + lowerRest(s, first.length);
}

// Of the whole text, for a final sigma depends on what stands before it.
function lowerRest(s: string, from: number): string {
  const rest = s.slice(from);
  return /\u03a3/.test(rest) ? s.toLowerCase().slice(s.slice(0, from).toLowerCase().length) : rest.toLowerCase();
}

/** Python's str.title: a letter that has a case is lower behind another one, and else as at the start of a word. */
export const titleCase = (s: string, meter: Meter): string =>
  replaceEach(s, /\p{Cased}+/gu, ([run]) => {
    meter.pieces(2);
    return capitalize(run);
  });

export const isTitle = (s: string): boolean => {
  let [inWord, any] = [false, false];
  for (const c of s) {
    const isLower = /^\p{Lowercase}$/u.test(c);
    const isUpper = /^[\p{Uppercase}\p{Lt}]$/u.test(c);
    if ((isUpper && inWord) || (isLower && !inWord)) return false;
    inWord = isLower || isUpper;
    any ||= inWord;
  }
  return any;
};

export const isUpper = (s: string): boolean => /\p{Uppercase}/u.test(s) && !/[\p{Lowercase}\p{Lt}]/u.test(s);
export const isLower = (s: string): boolean => /\p{Lowercase}/u.test(s) && !/[\p{Uppercase}\p{Lt}]/u.test(s);

export const swapCase = (s: string, meter: Meter): string =>
  replaceEach(s, /\p{Uppercase}+|\p{Lowercase}+/gu, ([run]) => {
    meter.pieces(2);
    return /^\p{Uppercase}/u.test(run) ? run.toLowerCase() : run.toUpperCase();
  });

/** Python's str.casefold: by way of the upper case, but for what has none or folds to it. */
export const caseFold = (s: string, meter: Meter): string =>
  replaceEach(s, /[^\x00-\x7f]|[A-Z]+/gu, ([c]) => {
    meter.pieces(2);
    if (c === '\u0131') return c;
    if (c === '\u1e9e') return 'ss';
    const upper = c.toUpperCase();
    if (/^[\u13a0-\u13fd\uab70-\uabbf]$/.test(c)) return upper;
    // One by one where there are several, for a sigma at the end of a word is none of them.
    return upper.length < 3 ? upper.toLowerCase() : Array.from(upper, (x) => x.toLowerCase()).join('');
  });

/** Digits that are no decimals: raised, lowered, in circles. */
const ODD_DIGITS =
  '\\u00b2\\u00b3\\u00b9\\u1369-\\u1371\\u19da\\u2070\\u2074-\\u2079\\u2080-\\u2089\\u2460-\\u2468\\u2474-\\u247c' +
  '\\u2488-\\u2490\\u24ea\\u24f5-\\u24fd\\u24ff\\u2776-\\u277e\\u2780-\\u2788\\u278a-\\u2792' +
  '\\u{10a40}-\\u{10a43}\\u{10e60}-\\u{10e68}\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}';
/** Letters that stand for numbers. */
const NUMERALS =
  '㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零';

export const kindOf =
  (pattern: RegExp): ((s: string) => boolean) =>
  (s) =>
    pattern.test(s);
export const isDigit = kindOf(new RegExp(`^[\\p{Nd}${ODD_DIGITS}]+$`, 'u'));
export const isNumeric = kindOf(new RegExp(`^[\\p{N}${NUMERALS}]+$`, 'u'));
