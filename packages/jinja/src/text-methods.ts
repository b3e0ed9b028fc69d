// SPDX-License-Identifier: Apache-2.0
import { int } from './environment.ts';
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import type { MethodRow } from './methods.ts';
import { codePoints, iterate, listOf } from './operations.ts';
import { isSpace, SPACES } from './space.ts';
import * as kinds from './text-case.ts';
import { countOf, linesOf, replaceText, splitSpace, splitSpaceRight, strip } from './text-parts.ts';
import { Markup, truthy, Tuple, typeName, Undefined } from './values.ts';

type Args = readonly unknown[];
type Run = MethodRow<string>[1];

const text = (v: unknown): string => {
  if (typeof v === 'string') return v;
  if (v instanceof Markup) return v.text;
  if (v instanceof Undefined) v.fail();
  throw typeError(`a string was expected, not ${typeName(v)}`);
};

function split(s: string, separator: unknown, maxArg: unknown, fromRight: boolean, meter: Meter): string[] {
  const max = int(maxArg, -1);
  if (separator === undefined || separator === null)
    return fromRight ? splitSpaceRight(s, max, meter) : splitSpace(s, max, meter);
  const sep = text(separator);
  if (sep === '') throw typeError('empty separator');
  meter.pieces(countOf(s, sep) + 1);
  if (fromRight && max >= 0) return splitRight(s, sep, max);
  const parts = s.split(sep);
  if (max < 0 || parts.length <= max + 1) return parts;
  return [...parts.slice(0, max), parts.slice(max).join(sep)];
}

/** From the right, where the finds of a separator that overlaps itself are others. */
function splitRight(s: string, sep: string, max: number): string[] {
  const tail: string[] = [];
  let end = s.length;
  while (tail.length < max) {
    const at = end < sep.length ? -1 : s.lastIndexOf(sep, end - sep.length);
    if (at < 0) break;
    tail.push(s.slice(at + sep.length, end));
    end = at;
  }
  return [s.slice(0, end), ...tail.reverse()];
}

/** A method that makes one text of another of about its length. */
const recased =
  (fn: (s: string, meter: Meter) => string): Run =>
  (s, _a, meter) => {
    meter.chars(s.length);
    const out = fn(s, meter);
    meter.chars(out.length - s.length);
    return out;
  };
const asking = (fn: (s: string) => boolean): MethodRow<string> => ['', fn];
const stripping = (left: boolean, right: boolean): MethodRow<string> => [
  '_chars?',
  (s, [chars], meter) => {
    if (chars === undefined || chars === null) return strip(s, isSpace, left, right);
    const set = new Set(listOf(text(chars), meter));
    return strip(s, (c) => set.has(c), left, right);
  },
];
const affix = (args: Args, meter: Meter, test: (part: string) => boolean): boolean => {
  const one = (x: unknown): boolean => {
    const part = text(x);
    meter.step();
    meter.scan(part.length);
    return test(part);
  };
  return args[0] instanceof Tuple ? args[0].some(one) : one(args[0]);
};
const filling = (place: (s: string, missing: number, c: string) => string): MethodRow<string> => [
  '_width _fill?',
  (s, [width, fill], meter) => {
    const missing = int(width) - codePoints(s);
    const c = fill === undefined ? ' ' : text(fill);
    if (codePoints(c) !== 1) throw typeError('The fill character must be exactly one character long');
    if (!(missing > 0)) return s;
    meter.chars(missing * c.length + s.length);
    return place(s, missing, c);
  },
];

/** In the middle; Python gives what is odd to the right where the width is even, and else to the left. */
export const centered = (s: string, missing: number, c: string): string => {
  const left = Math.floor(missing / 2) + (missing & (missing + codePoints(s)) & 1);
  return c.repeat(left) + s + c.repeat(missing - left);
};

/** Python's slice bounds of a length. */
export function bounds(length: number, fromArg: unknown, toArg: unknown): [number, number] {
  const at = (v: unknown, fallback: number): number => {
    const n = v === null ? fallback : int(v, fallback);
    return Math.min(length, n < 0 ? Math.max(0, length + n) : n);
  };
  return [at(fromArg, 0), at(toArg, length)];
}

/** Runs on the part of a text that the second and third argument bound; null where they leave none. */
function within<T>(s: string, args: Args, meter: Meter, run: (part: string, from: number) => T): T | null {
  if (args[1] === undefined && args[2] === undefined) return run(s, 0);
  const chars = listOf(s, meter);
  const [from, to] = bounds(chars.length, args[1], args[2]);
  if ((args[1] !== null && int(args[1], 0) > chars.length) || from > to) return null;
  return run(chars.slice(from, to).join(''), from);
}

/** Positions count characters, as Python's do. */
const find = (s: string, args: Args, meter: Meter, last: boolean): number =>
  within(s, args, meter, (part, from) => {
    const wanted = text(args[0]);
    const at = last ? part.lastIndexOf(wanted) : part.indexOf(wanted);
    return at < 0 ? -1 : from + codePoints(part.slice(0, at));
  }) ?? -1;
const found = (at: number): number => {
  if (at < 0) throw typeError('substring not found');
  return at;
};

const RANGE = '_sub _start? _end?';

export const textMethods: Record<string, MethodRow<string>> = {
  upper: ['', recased((s) => s.toUpperCase())],
  lower: ['', recased((s) => s.toLowerCase())],
  casefold: ['', recased(kinds.caseFold)],
  capitalize: ['', recased(kinds.capitalize)],
  title: ['', recased(kinds.titleCase)],
  swapcase: ['', recased(kinds.swapCase)],
  strip: stripping(true, true),
  lstrip: stripping(true, false),
  rstrip: stripping(false, true),
  split: ['sep? maxsplit?', (s, [sep, max], m) => split(s, sep, max, false, m)],
  rsplit: ['sep? maxsplit?', (s, [sep, max], m) => split(s, sep, max, true, m)],
  splitlines: ['keepends?', (s, [keep], m) => linesOf(s, m, truthy(keep ?? false))],
  startswith: [RANGE, (s, a, m) => within(s, a, m, (part) => affix(a, m, (p) => part.startsWith(p))) ?? false],
  endswith: [RANGE, (s, a, m) => within(s, a, m, (part) => affix(a, m, (p) => part.endsWith(p))) ?? false],
  removeprefix: ['_prefix', (s, [p]) => (s.startsWith(text(p)) ? s.slice(text(p).length) : s)],
  removesuffix: ['_suffix', (s, [p]) => (text(p) !== '' && s.endsWith(text(p)) ? s.slice(0, -text(p).length) : s)],
  replace: ['_old _new _count?', (s, [old, by, count], m) => replaceText(s, text(old), text(by), int(count, -1), m)],
  join: [
    '_iterable',
    (s, [list], m) => {
      const items = iterate(list, m).map(text);
      m.chars(items.reduce((n, x) => n + x.length + s.length, 0));
      return items.join(s);
    },
  ],
  count: [RANGE, (s, a, m) => within(s, a, m, (part) => countOf(part, text(a[0]))) ?? 0],
  find: [RANGE, (s, a, m) => find(s, a, m, false)],
  rfind: [RANGE, (s, a, m) => find(s, a, m, true)],
  index: [RANGE, (s, a, m) => found(find(s, a, m, false))],
  rindex: [RANGE, (s, a, m) => found(find(s, a, m, true))],
  ljust: filling((s, n, c) => s + c.repeat(n)),
  rjust: filling((s, n, c) => c.repeat(n) + s),
  center: filling(centered),
  zfill: [
    '_width',
    (s, [width], m) => {
      const n = int(width) - codePoints(s);
      if (!(n > 0)) return s;
      m.chars(n + s.length);
      const sign = /^[+-]/.test(s) ? s.slice(0, 1) : '';
      return sign + '0'.repeat(n) + s.slice(sign.length);
    },
  ],
  partition: [
    '_sep',
    (s, [sep]) => {
      const at = s.indexOf(separatorOf(sep));
      return Tuple.fromItems(at < 0 ? [s, '', ''] : [s.slice(0, at), sep, s.slice(at + text(sep).length)]);
    },
  ],
  rpartition: [
    '_sep',
    (s, [sep]) => {
      const at = s.lastIndexOf(separatorOf(sep));
      return Tuple.fromItems(at < 0 ? ['', '', s] : [s.slice(0, at), sep, s.slice(at + text(sep).length)]);
    },
  ],
  expandtabs: ['tabsize?', (s, [size], m) => expandTabs(s, int(size, 8), m)],
  isdigit: asking(kinds.isDigit),
  isnumeric: asking(kinds.isNumeric),
  isdecimal: asking((s) => /^\p{Nd}+$/u.test(s)),
  isalpha: asking((s) => /^\p{L}+$/u.test(s)),
  isalnum: asking((s) => /^[\p{L}\p{N}]+$/u.test(s)),
  isascii: asking((s) => !/[^\x00-\x7f]/.test(s)),
  isidentifier: asking((s) => /^[\p{XID_Start}_][\p{XID_Continue}]*$/u.test(s)),
  isprintable: asking((s) => !/(?! )[\p{Z}\p{C}]/u.test(s)),
  isspace: asking((s) => new RegExp(`^[${SPACES}]+$`).test(s)),
  isupper: asking(kinds.isUpper),
  islower: asking(kinds.isLower),
  istitle: asking(kinds.isTitle),
};

function separatorOf(v: unknown): string {
  if (text(v) === '') throw typeError('empty separator');
  return text(v);
}

function expandTabs(s: string, size: number, m: Meter): string {
  const tabs = countOf(s, '\t');
  m.step(tabs);
  m.chars(s.length + tabs * Math.max(0, size));
  let column = 0;
  return s.replace(/[\n\r]+|\t|[^\n\r\t]+/g, (run) => {
    if (run === '\t') {
      const n = size > 0 ? size - (column % size) : 0;
      column += n;
      return ' '.repeat(n);
    }
    column = /^[\n\r]/.test(run) ? 0 : column + codePoints(run);
    return run;
  });
}
