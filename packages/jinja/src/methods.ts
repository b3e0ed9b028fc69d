// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { codePoints, firstOf, iterate, listOf } from './operations.ts';
import { toText } from './text.ts';
import {
  entriesOf,
  equals,
  isInt,
  isMapping,
  isNumber,
  keysOf,
  lookup,
  PyFloat,
  PyRange,
  toNumber,
  truthy,
  Tuple,
  typeName,
  Undefined,
} from './values.ts';
import type { Mapping } from './values.ts';

type Args = readonly unknown[];
type Kwargs = ReadonlyMap<string, unknown>;
export type Method<T> = (self: T, args: Args, meter: Meter, kwargs: Kwargs) => unknown;

const text = (v: unknown, what: string): string => {
  if (typeof v === 'string') return v;
  if (v instanceof Undefined) v.fail();
  throw typeError(`${what} takes a string, not ${typeName(v)}`);
};
const int = (v: unknown, fallback: number): number => (v === undefined || v === null ? fallback : toNumber(v));

/** Parts of a text between the matches of a global pattern, each counted before it is made. */
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

function matchesOf(s: string, pattern: RegExp, meter: Meter): string[] {
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
export function linesOf(s: string, meter: Meter): string[] {
  const lines = splitAt(s, /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g, meter);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** How often a text holds another, without overlaps. */
function countOf(s: string, part: string): number {
  if (part === '') return codePoints(s) + 1;
  let n = 0;
  for (let at = s.indexOf(part); at >= 0; at = s.indexOf(part, at + part.length)) n++;
  return n;
}

/** Whitespace as Python's str.strip and split see it. */
const SPACE = /[\s\x1c-\x1f\x85]/;
export function strip(s: string, chars: unknown, left: boolean, right: boolean, meter: Meter): string {
  const set = chars === undefined || chars === null ? null : new Set(listOf(text(chars, 'strip'), meter));
  const hit = (c: string): boolean => (set ? set.has(c) : SPACE.test(c));
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
  const word = /[^\s\x1c-\x1f\x85]+/g;
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

function split(s: string, separator: unknown, maxArg: unknown, fromRight: boolean, meter: Meter): string[] {
  const max = int(maxArg, -1);
  if (separator === undefined || separator === null) {
    if (!fromRight || max < 0) return splitSpace(s, max, meter);
    const words = splitSpace(s, -1, meter);
    if (words.length <= max + 1) return words;
    const tail = words.slice(words.length - max);
    let head = strip(s, null, false, true, meter);
    for (const w of tail.toReversed()) head = strip(head.slice(0, head.length - w.length), null, false, true, meter);
    return [head, ...tail];
  }
  const sep = text(separator, 'split');
  if (sep === '') throw typeError('empty separator');
  meter.pieces(countOf(s, sep) + 1);
  const parts = s.split(sep);
  if (max < 0 || parts.length <= max + 1) return parts;
  return fromRight
    ? [parts.slice(0, parts.length - max).join(sep), ...parts.slice(parts.length - max)]
    : [...parts.slice(0, max), parts.slice(max).join(sep)];
}

export function capitalize(s: string): string {
  const first = firstOf(s, 1);
  return first.toUpperCase() + s.slice(first.length).toLowerCase();
}

/** Python's str.title: a letter after a non-letter is upper, all others lower. */
export const titleCase = (s: string): string => s.replace(/\p{L}+/gu, capitalize);

const swapCase = (s: string): string =>
  s.replace(/\p{Lu}+|\P{Lu}+/gu, (run) => (/^\p{Lu}/u.test(run) ? run.toLowerCase() : run.toUpperCase()));

/** A method that makes one text of another of about its length. */
const recased =
  (fn: (s: string) => string): Method<string> =>
  (s, _a, meter) => {
    meter.chars(s.length);
    const out = fn(s);
    meter.chars(out.length - s.length);
    return out;
  };
const matching =
  (pattern: RegExp): Method<string> =>
  (s) =>
    pattern.test(s);
const affix = (args: Args, meter: Meter, test: (part: string) => boolean): boolean => {
  const one = (x: unknown): boolean => {
    const part = text(x, 'startswith');
    meter.step();
    meter.scan(part.length);
    return test(part);
  };
  return args[0] instanceof Tuple ? args[0].some(one) : one(args[0]);
};
const fill = (s: string, args: Args, meter: Meter, place: (missing: number, c: string) => string): string => {
  const missing = int(args[0], 0) - codePoints(s);
  const c = args[1] === undefined ? ' ' : text(args[1], 'a fill character');
  if (codePoints(c) !== 1) throw typeError('The fill character must be exactly one character long');
  if (!(missing > 0)) return s;
  meter.chars(missing * c.length + s.length);
  return place(missing, c);
};
/** Python's slice bounds of a length. */
function bounds(length: number, fromArg: unknown, toArg: unknown): [number, number] {
  const at = (v: unknown, fallback: number): number => {
    const n = int(v, fallback);
    return Math.min(length, n < 0 ? Math.max(0, length + n) : n);
  };
  return [at(fromArg, 0), at(toArg, length)];
}

/** Runs on the part of a text that the second and third argument bound; null where they leave none. */
function within<T>(s: string, args: Args, meter: Meter, run: (part: string, from: number) => T): T | null {
  if (args[1] === undefined && args[2] === undefined) return run(s, 0);
  const chars = listOf(s, meter);
  const [from, to] = bounds(chars.length, args[1], args[2]);
  if (int(args[1], 0) > chars.length || from > to) return null;
  return run(chars.slice(from, to).join(''), from);
}

/** Positions count characters, as Python's do. */
const find = (s: string, args: Args, meter: Meter, last: boolean): number =>
  within(s, args, meter, (part, from) => {
    const wanted = text(args[0], 'find');
    const at = last ? part.lastIndexOf(wanted) : part.indexOf(wanted);
    return at < 0 ? -1 : from + codePoints(part.slice(0, at));
  }) ?? -1;

export function replaceText(s: string, from: string, to: string, count: number, meter: Meter): string {
  if (count === 0) return s;
  const found = countOf(s, from);
  const times = count < 0 ? found : Math.min(count, found);
  if (times === 0) return s;
  meter.pieces(found + 1);
  meter.chars(s.length + times * to.length);
  const parts = from === '' ? ['', ...Array.from(s), ''] : s.split(from);
  if (times === parts.length - 1) return parts.join(to);
  return (
    parts.slice(0, times + 1).join(to) + (times + 1 < parts.length ? from + parts.slice(times + 1).join(from) : '')
  );
}

const stringMethods: Record<string, Method<string>> = {
  upper: recased((s) => s.toUpperCase()),
  lower: recased((s) => s.toLowerCase()),
  casefold: recased((s) => s.toLowerCase().replaceAll('ß', 'ss')),
  capitalize: recased(capitalize),
  title: recased(titleCase),
  swapcase: recased(swapCase),
  strip: (s, a, m) => strip(s, a[0], true, true, m),
  lstrip: (s, a, m) => strip(s, a[0], true, false, m),
  rstrip: (s, a, m) => strip(s, a[0], false, true, m),
  split: (s, a, m, k) => split(s, a[0] ?? k.get('sep'), a[1] ?? k.get('maxsplit'), false, m),
  rsplit: (s, a, m, k) => split(s, a[0] ?? k.get('sep'), a[1] ?? k.get('maxsplit'), true, m),
  splitlines: (s, a, m, k) =>
    truthy(a[0] ?? k.get('keepends') ?? false)
      ? matchesOf(
          s,
          /[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])|[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+$/g,
          m,
        )
      : linesOf(s, m),
  startswith: (s, a, m) => within(s, a, m, (part) => affix(a, m, (p) => part.startsWith(p))) ?? false,
  endswith: (s, a, m) => within(s, a, m, (part) => affix(a, m, (p) => part.endsWith(p))) ?? false,
  removeprefix: (s, a) => (s.startsWith(text(a[0], 'removeprefix')) ? s.slice(text(a[0], 'removeprefix').length) : s),
  removesuffix: (s, a) => {
    const suffix = text(a[0], 'removesuffix');
    return suffix !== '' && s.endsWith(suffix) ? s.slice(0, -suffix.length) : s;
  },
  replace: (s, a, m) => replaceText(s, text(a[0], 'replace'), text(a[1], 'replace'), int(a[2], -1), m),
  join: (s, a, m) => {
    const items = iterate(a[0], m).map((x) => text(x, 'join'));
    m.chars(items.reduce((n, x) => n + x.length + s.length, 0));
    return items.join(s);
  },
  count: (s, a, m) => within(s, a, m, (part) => countOf(part, text(a[0], 'count'))) ?? 0,
  find: (s, a, m) => find(s, a, m, false),
  rfind: (s, a, m) => find(s, a, m, true),
  index: (s, a, m) => found(find(s, a, m, false)),
  rindex: (s, a, m) => found(find(s, a, m, true)),
  ljust: (s, a, m) => fill(s, a, m, (n, c) => s + c.repeat(n)),
  rjust: (s, a, m) => fill(s, a, m, (n, c) => c.repeat(n) + s),
  center: (s, a, m) =>
    fill(s, a, m, (n, c) => {
      const width = n + codePoints(s);
      const left = Math.floor(n / 2) + (n & width & 1);
      return c.repeat(left) + s + c.repeat(n - left);
    }),
  zfill: (s, a, m) => {
    const n = int(a[0], 0) - codePoints(s);
    if (!(n > 0)) return s;
    m.chars(n + s.length);
    const sign = /^[+-]/.test(s) ? s.slice(0, 1) : '';
    return sign + '0'.repeat(n) + s.slice(sign.length);
  },
  partition: (s, a) => {
    const sep = text(a[0], 'partition');
    const at = s.indexOf(sep);
    return Tuple.fromItems(at < 0 ? [s, '', ''] : [s.slice(0, at), sep, s.slice(at + sep.length)]);
  },
  rpartition: (s, a) => {
    const sep = text(a[0], 'rpartition');
    const at = s.lastIndexOf(sep);
    return Tuple.fromItems(at < 0 ? ['', '', s] : [s.slice(0, at), sep, s.slice(at + sep.length)]);
  },
  expandtabs: (s, a, m) => {
    const size = int(a[0], 8);
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
  },
  isdigit: matching(/^\p{Nd}+$/u),
  isnumeric: matching(/^\p{N}+$/u),
  isdecimal: matching(/^\p{Nd}+$/u),
  isalpha: matching(/^\p{L}+$/u),
  isalnum: matching(/^[\p{L}\p{N}]+$/u),
  isascii: (s) => !/[^\x00-\x7f]/.test(s),
  isidentifier: matching(/^[\p{L}_][\p{L}\p{N}_]*$/u),
  isprintable: (s) => !/(?! )[\p{Z}\p{C}]/u.test(s),
  isspace: matching(/^[\s\x1c-\x1f\x85]+$/),
  isupper: (s) => s !== s.toLowerCase() && s === s.toUpperCase(),
  islower: (s) => s !== s.toUpperCase() && s === s.toLowerCase(),
  istitle: (s) => s !== '' && /\p{L}/u.test(s) && titleCase(s) === s,
  format: (s, a, m, k) => formatMethod(s, a, k, m),
};

const found = (at: number): number => {
  if (at < 0) throw typeError('substring not found');
  return at;
};

/** `str.format` with plain fields only: `{}`, `{0}`, `{name}`; attributes and indices are the way out of a sandbox. */
function formatMethod(s: string, args: Args, kwargs: Kwargs, meter: Meter): string {
  let auto = 0;
  let numbered = false;
  const out = s.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (all, field: string | undefined) => {
    if (all === '{{') return '{';
    if (all === '}}') return '}';
    if (field === undefined) throw typeError("Single '{' or '}' encountered in format string");
    if (!/^(?:\d+|[A-Za-z_]\w*)?$/.test(field)) {
      throw typeError(`format field {${field}} is not supported: only {}, {0} and {name}`);
    }
    numbered ||= /^\d/.test(field);
    if (field === '' ? numbered : numbered && auto > 0) {
      throw typeError('cannot switch between manual field specification and automatic field numbering');
    }
    const value = field === '' ? args[auto++] : /^\d/.test(field) ? args[Number(field)] : kwargs.get(field);
    if (value === undefined) throw typeError(`no value for format field {${field}}`);
    const t = toText(value, meter);
    meter.pieces(1);
    meter.chars(t.length);
    return t;
  });
  return out;
}

const listMethods: Record<string, Method<readonly unknown[]>> = {
  count: (l, a, m) => l.reduce((n: number, x) => (equals(x, a[0], m) ? n + 1 : n), 0),
  index: (l, a, m) => {
    const [from, to] = bounds(l.length, a[1], a[2]);
    const at = l.findIndex((x, i) => i >= from && i < to && equals(x, a[0], m));
    if (at < 0) throw typeError('the value is not in the list');
    return at;
  },
  copy: (l, _a, m) => {
    m.elements(l.length);
    return [...l];
  },
};

const mappingMethods: Record<string, Method<Mapping>> = {
  items: (d, _a, m) => {
    const e = entriesOf(d);
    m.elements(e.length * 8);
    return e.map(([k, v]) => Tuple.of2(k, v));
  },
  keys: (d, _a, m) => {
    const k = keysOf(d);
    m.elements(k.length);
    return k;
  },
  values: (d, _a, m) => {
    const e = entriesOf(d);
    m.elements(e.length);
    return e.map(([, v]) => v);
  },
  get: (d, a, m, k) => {
    if (a.length === 0) throw typeError('get expected at least 1 argument, got 0');
    const found = lookup(d, a[0], m);
    return found === undefined ? (a[1] ?? k.get('default') ?? null) : found;
  },
  copy: (d, _a, m) => {
    const e = entriesOf(d);
    m.objects(1);
    m.elements(e.length * 4);
    return new Map(e);
  },
};

const rangeMethods: Record<string, Method<PyRange>> = {
  count: (r, a) => (isNumber(a[0]) && (toNumber(a[0]) - r.start) % r.step === 0 && inRange(r, toNumber(a[0])) ? 1 : 0),
  index: (r, a) => {
    const x = toNumber(a[0]);
    if ((x - r.start) % r.step !== 0 || !inRange(r, x)) throw typeError('the value is not in range');
    return (x - r.start) / r.step;
  },
};
const inRange = (r: PyRange, x: number): boolean => {
  const at = (x - r.start) / r.step;
  return at >= 0 && at < r.length;
};

const numberMethods: Record<string, Method<unknown>> = {
  bit_length: (v) => {
    if (!isInt(v)) throw typeError('only an int has a bit_length');
    const n = BigInt(v);
    return n === 0n ? 0 : (n < 0n ? -n : n).toString(2).length;
  },
  is_integer: (v) => Number.isInteger(v instanceof PyFloat ? v.value : toNumber(v)),
};

/** A method of a value by name; null = it has none. Lists and mappings of the data can't be changed by a template. */
export function methodOf(v: unknown, name: string): Method<never> | null {
  const table =
    typeof v === 'string'
      ? stringMethods
      : v instanceof PyRange
        ? rangeMethods
        : Array.isArray(v)
          ? listMethods
          : isMapping(v)
            ? mappingMethods
            : numberMethods;
  if (!Object.hasOwn(table, name)) return null;
  if (table === numberMethods && !(typeof v === 'number' || typeof v === 'bigint' || v instanceof PyFloat)) return null;
  return (table as Record<string, Method<never>>)[name] ?? null;
}
