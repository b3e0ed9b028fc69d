// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { codePoints, iterate } from './operations.ts';
import { toText } from './text.ts';
import {
  entriesOf,
  equals,
  isMapping,
  keysOf,
  lookup,
  PyFloat,
  toNumber,
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

/** Whitespace as Python's str.strip and split see it. */
const SPACE = /[\s\x1c-\x1f\x85]/;
function strip(s: string, chars: unknown, left: boolean, right: boolean): string {
  const set = chars === undefined || chars === null ? null : new Set(Array.from(text(chars, 'strip')));
  const hit = (c: string): boolean => (set ? set.has(c) : SPACE.test(c));
  const cs = set ? Array.from(s) : s;
  let from = 0;
  let to = cs.length;
  if (left) while (from < to && hit(cs[from] ?? '')) from++;
  if (right) while (to > from && hit(cs[to - 1] ?? '')) to--;
  return typeof cs === 'string' ? cs.slice(from, to) : cs.slice(from, to).join('');
}

function splitSpace(s: string, max: number): string[] {
  const out: string[] = [];
  let rest = strip(s, null, true, false);
  while (rest !== '') {
    if (max >= 0 && out.length >= max) {
      out.push(strip(rest, null, false, true));
      break;
    }
    const at = rest.search(SPACE);
    if (at < 0) {
      out.push(rest);
      break;
    }
    out.push(rest.slice(0, at));
    rest = strip(rest.slice(at), null, true, false);
  }
  return out;
}

function split(s: string, separator: unknown, maxArg: unknown, fromRight: boolean): string[] {
  const max = int(maxArg, -1);
  if (separator === undefined || separator === null) {
    if (!fromRight || max < 0)
      return max < 0 ? s.split(/[\s\x1c-\x1f\x85]+/).filter((w) => w !== '') : splitSpace(s, max);
    const words = s.split(/[\s\x1c-\x1f\x85]+/).filter((w) => w !== '');
    if (words.length <= max + 1) return words;
    const tail = words.slice(words.length - max);
    let head = strip(s, null, true, true);
    for (const w of tail.toReversed()) head = strip(head.slice(0, head.length - w.length), null, false, true);
    return [head, ...tail];
  }
  const sep = text(separator, 'split');
  if (sep === '') throw typeError('empty separator');
  const parts = s.split(sep);
  if (max < 0 || parts.length <= max + 1) return parts;
  return fromRight
    ? [parts.slice(0, parts.length - max).join(sep), ...parts.slice(parts.length - max)]
    : [...parts.slice(0, max), parts.slice(max).join(sep)];
}

export const capitalize = (s: string): string => {
  const [first = '', ...rest] = Array.from(s);
  return first.toUpperCase() + rest.join('').toLowerCase();
};

/** Python's str.title: a letter after a non-letter is upper, all others lower. */
export function titleCase(s: string): string {
  let inWord = false;
  let out = '';
  for (const c of s) {
    const letter = /\p{L}/u.test(c);
    out += letter ? (inWord ? c.toLowerCase() : c.toUpperCase()) : c;
    inWord = letter;
  }
  return out;
}

const every = (pattern: RegExp) => (s: string) => s !== '' && Array.from(s).every((c) => pattern.test(c));
const affix = (args: Args, test: (part: string) => boolean): boolean => {
  const a = args[0];
  return a instanceof Tuple ? a.some((x) => test(text(x, 'startswith'))) : test(text(a, 'startswith'));
};
const fill = (s: string, args: Args, meter: Meter, place: (missing: number, c: string) => string): string => {
  const missing = int(args[0], 0) - codePoints(s);
  if (missing <= 0) return s;
  meter.chars(missing + s.length);
  return place(missing, args[1] === undefined ? ' ' : text(args[1], 'a fill character'));
};
const find = (s: string, args: Args, last: boolean): number => {
  const from = int(args[1], 0);
  const start = from < 0 ? Math.max(0, s.length + from) : from;
  const part = text(args[0], 'find');
  if (last) {
    const at = s.lastIndexOf(part);
    return at >= start ? at : -1;
  }
  return s.indexOf(part, start);
};

export function replaceText(s: string, from: string, to: string, count: number, meter: Meter): string {
  if (count === 0) return s;
  const parts = from === '' ? ['', ...Array.from(s), ''] : s.split(from);
  const times = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1);
  meter.chars(s.length + times * to.length);
  if (times === parts.length - 1) return parts.join(to);
  return (
    parts.slice(0, times + 1).join(to) + (times + 1 < parts.length ? from + parts.slice(times + 1).join(from) : '')
  );
}

const stringMethods: Record<string, Method<string>> = {
  upper: (s) => s.toUpperCase(),
  lower: (s) => s.toLowerCase(),
  casefold: (s) => s.toLowerCase().replaceAll('ß', 'ss'),
  capitalize: (s) => capitalize(s),
  title: (s) => titleCase(s),
  swapcase: (s) => Array.from(s, (c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join(''),
  strip: (s, a) => strip(s, a[0], true, true),
  lstrip: (s, a) => strip(s, a[0], true, false),
  rstrip: (s, a) => strip(s, a[0], false, true),
  split: (s, a, m, k) => counted(split(s, a[0] ?? k.get('sep'), a[1] ?? k.get('maxsplit'), false), m),
  rsplit: (s, a, m, k) => counted(split(s, a[0] ?? k.get('sep'), a[1] ?? k.get('maxsplit'), true), m),
  splitlines: (s, _a, m) => {
    const lines = s.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
    if (lines.at(-1) === '') lines.pop();
    return counted(lines, m);
  },
  startswith: (s, a) => affix(a, (p) => s.startsWith(p)),
  endswith: (s, a) => affix(a, (p) => s.endsWith(p)),
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
  count: (s, a) => (a[0] === '' ? codePoints(s) + 1 : s.split(text(a[0], 'count')).length - 1),
  find: (s, a) => find(s, a, false),
  rfind: (s, a) => find(s, a, true),
  index: (s, a) => found(find(s, a, false)),
  rindex: (s, a) => found(find(s, a, true)),
  ljust: (s, a, m) => fill(s, a, m, (n, c) => s + c.repeat(n)),
  rjust: (s, a, m) => fill(s, a, m, (n, c) => c.repeat(n) + s),
  center: (s, a, m) =>
    fill(s, a, m, (n, c) => {
      const width = n + codePoints(s);
      const left = Math.floor(n / 2) + (n & width & 1);
      return c.repeat(left) + s + c.repeat(n - left);
    }),
  zfill: (s, a, m) => {
    const n = int(a[0], 0) - s.length;
    if (n <= 0) return s;
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
    m.chars(s.length + (s.split('\t').length - 1) * Math.max(0, size));
    let column = 0;
    return Array.from(s, (c) => {
      if (c === '\n' || c === '\r') column = 0;
      else if (c === '\t') {
        const n = size > 0 ? size - (column % size) : 0;
        column += n;
        return ' '.repeat(n);
      } else column++;
      return c;
    }).join('');
  },
  isdigit: every(/\p{Nd}/u),
  isnumeric: every(/\p{N}/u),
  isdecimal: every(/\p{Nd}/u),
  isalpha: every(/\p{L}/u),
  isalnum: every(/[\p{L}\p{N}]/u),
  isspace: every(SPACE),
  isupper: (s) => s !== s.toLowerCase() && s === s.toUpperCase(),
  islower: (s) => s !== s.toUpperCase() && s === s.toLowerCase(),
  istitle: (s) => s !== '' && /\p{L}/u.test(s) && titleCase(s) === s,
  format: (s, a, m, k) => formatMethod(s, a, k, m),
};

const found = (at: number): number => {
  if (at < 0) throw typeError('substring not found');
  return at;
};
const counted = (items: string[], meter: Meter): string[] => {
  meter.elements(items.length);
  return items;
};

/** `str.format` with plain fields only: `{}`, `{0}`, `{name}`; attributes and indices are the way out of a sandbox. */
function formatMethod(s: string, args: Args, kwargs: Kwargs, meter: Meter): string {
  let auto = 0;
  const out = s.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (all, field: string | undefined) => {
    if (all === '{{') return '{';
    if (all === '}}') return '}';
    if (field === undefined) throw typeError("Single '{' or '}' encountered in format string");
    if (!/^(?:\d+|[A-Za-z_]\w*)?$/.test(field)) {
      throw typeError(`format field {${field}} is not supported: only {}, {0} and {name}`);
    }
    const value = field === '' ? args[auto++] : /^\d/.test(field) ? args[Number(field)] : kwargs.get(field);
    if (value === undefined) throw typeError(`no value for format field {${field}}`);
    const t = toText(value, meter);
    meter.chars(t.length);
    return t;
  });
  return out;
}

const listMethods: Record<string, Method<readonly unknown[]>> = {
  count: (l, a) => l.filter((x) => equals(x, a[0])).length,
  index: (l, a) => {
    const at = l.findIndex((x) => equals(x, a[0]));
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
    m.elements(e.length * 3);
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
  get: (d, a, _m, k) => lookup(d, a[0]) ?? a[1] ?? k.get('default') ?? null,
  copy: (d) => new Map(entriesOf(d)),
};

const numberMethods: Record<string, Method<unknown>> = {
  is_integer: (v) => Number.isInteger(v instanceof PyFloat ? v.value : toNumber(v)),
};

/** A method of a value by name; null = it has none. Lists and mappings of the data can't be changed by a template. */
export function methodOf(v: unknown, name: string): Method<never> | null {
  const table =
    typeof v === 'string'
      ? stringMethods
      : Array.isArray(v)
        ? listMethods
        : isMapping(v)
          ? mappingMethods
          : numberMethods;
  if (!Object.hasOwn(table, name)) return null;
  if (table === numberMethods && !(typeof v === 'number' || v instanceof PyFloat)) return null;
  return (table as Record<string, Method<never>>)[name] ?? null;
}
