// SPDX-License-Identifier: Apache-2.0
import { int, named } from './environment.ts';
import type { Filter } from './environment.ts';
import { TemplateError, typeError } from './errors.ts';
import { escapeHtml } from './escape-html.ts';
import { fixed, percentFormat } from './format.ts';
import type { Meter } from './meter.ts';
import { capitalize, linesOf, replaceText, splitSpace, strip, wordsOf } from './methods.ts';
import { codePoints, firstOf, iterate, lengthOf, listOf } from './operations.ts';
import { repr, toText } from './text.ts';
import { urlize } from './urlize.ts';
import {
  asFloat,
  asInt,
  compareText,
  entriesOf,
  isMapping,
  keysOf,
  PyFloat,
  PyRange,
  toNumber,
  truthy,
  Tuple,
  typeName,
  Undefined,
} from './values.ts';

/** Applies to the text of a value, counting what it builds. */
const onText =
  (fn: (s: string, meter: Meter) => string): Filter =>
  (v, _a, _k, env) => {
    const s = toText(v, env.meter);
    env.meter.chars(s.length);
    const out = fn(s, env.meter);
    env.meter.chars(out.length - s.length);
    return out;
  };

/** Python's textwrap for one line: words kept whole where they fit. */
function wrapLine(line: string, width: number, breakLong: boolean, breakHyphens: boolean, meter: Meter): string[] {
  meter.pieces(line.length / 2);
  const pieces = line
    .split(breakHyphens ? /([\t\n\v\f\r ]+|(?<=[\w!"'&.,?]-)(?=\w))/ : /([\t\n\v\f\r ]+)/)
    .filter((p) => p);
  const out: string[] = [];
  let current = '';
  let used = 0;
  const close = (): void => {
    const text = current.replace(/(?<![\t\n\v\f\r ])[\t\n\v\f\r ]+$/, '');
    if (text !== '') out.push(text);
    current = '';
    used = 0;
  };
  for (const piece of pieces) {
    const blank = /^[\t\n\v\f\r ]+$/.test(piece);
    if (blank && used === 0 && out.length > 0) continue;
    const size = codePoints(piece);
    if (used + size <= width) {
      current += piece;
      used += size;
      continue;
    }
    if (!blank && size > width && breakLong) {
      // What is left of the line takes the start of a word that no line could hold.
      if (used >= width) {
        // As textwrap does it: a full line before such a word keeps its last blank.
        out.push(current);
        current = '';
        used = 0;
      }
      const chars = listOf(piece, meter);
      let from = 0;
      for (let room = width - used; chars.length - from > width; room = width) {
        meter.pieces(1);
        out.push(current + chars.slice(from, from + room).join(''));
        from += room;
        current = '';
      }
      current = chars.slice(from).join('');
      used = chars.length - from;
      continue;
    }
    close();
    if (blank) continue;
    if (size > width) out.push(piece);
    else {
      current = piece;
      used = size;
    }
  }
  close();
  return out;
}

interface JsonStyle {
  sortKeys: boolean;
  ascii: boolean;
  /** White space of one level; null = all on one line. */
  indent: string | null;
}

/** JSON as Python's json.dumps writes it: `, ` and `: `, keys sorted by Jinja, ASCII only. */
function pythonJson(v: unknown, style: JsonStyle, meter: Meter, level = 0): string {
  const { sortKeys, ascii, indent } = style;
  if (level > 100) throw typeError('the value is nested too deeply for JSON');
  meter.step();
  if (v === null || v === undefined) return 'null';
  if (typeof v === 'boolean') return String(v);
  if (typeof v === 'string') return jsonText(v, ascii, meter);
  if (typeof v === 'number' || typeof v === 'bigint' || v instanceof PyFloat) {
    const t = toText(v);
    return t === 'nan' ? 'NaN' : t === 'inf' ? 'Infinity' : t === '-inf' ? '-Infinity' : t;
  }
  const items = v instanceof PyRange ? iterate(v, meter) : v;
  const gap = indent === null ? '' : `\n${indent.repeat(level + 1)}`;
  const end = indent === null ? '' : `\n${indent.repeat(level)}`;
  const comma = indent === null ? ', ' : ',';
  if (Array.isArray(items)) {
    if (items.length === 0) return '[]';
    const parts = items.map((x) => pythonJson(x, style, meter, level + 1));
    meter.pieces(parts.length);
    meter.chars(totalOf(parts) + parts.length * (comma.length + gap.length));
    return `[${gap}${parts.join(comma + gap)}${end}]`;
  }
  if (isMapping(items)) {
    const entries = entriesOf(items).map(([k, x]): [string, unknown] => [typeof k === 'string' ? k : jsonKey(k), x]);
    if (entries.length === 0) return '{}';
    if (sortKeys) entries.sort((a, b) => compareText(a[0], b[0]));
    const parts = entries.map(([k, x]) => `${jsonText(k, ascii, meter)}: ${pythonJson(x, style, meter, level + 1)}`);
    meter.pieces(parts.length);
    meter.chars(totalOf(parts) + parts.length * (comma.length + gap.length));
    return `{${gap}${parts.join(comma + gap)}${end}}`;
  }
  if (v instanceof Undefined) v.fail();
  throw typeError(`Object of type ${typeName(v)} is not JSON serializable`);
}

const jsonKey = (k: unknown): string => (k === null ? 'null' : typeof k === 'boolean' ? String(k) : toText(k));
const totalOf = (texts: readonly string[]): number => texts.reduce((n, t) => n + t.length, 0);

function jsonText(s: string, ascii: boolean, meter: Meter): string {
  const json = JSON.stringify(s);
  if (!ascii) {
    meter.chars(json.length);
    return json;
  }
  let wide = 0;
  for (let i = 0; i < json.length; i++) if (json.charCodeAt(i) >= 0x7f) wide++;
  meter.chars(json.length + 5 * wide);
  meter.step(wide >> 2);
  return wide === 0 ? json : json.replace(/[\u007f-\uffff]/g, unicodeEscape);
}
const unicodeEscape = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Mappings with their keys in order, as pprint shows them. */
function sortedKeys(v: unknown, meter: Meter, depth = 0): unknown {
  meter.step();
  if (depth > 100) return v;
  if (v instanceof Tuple) return Tuple.fromItems(v.map((x) => sortedKeys(x, meter, depth + 1)));
  if (Array.isArray(v)) {
    meter.elements(v.length);
    return v.map((x) => sortedKeys(x, meter, depth + 1));
  }
  if (!isMapping(v)) return v;
  const entries = entriesOf(v).map(([k, x]): [unknown, unknown] => [k, sortedKeys(x, meter, depth + 1)]);
  meter.elements(entries.length * 4);
  if (entries.every(([k]) => typeof k === 'string'))
    entries.sort((a, b) => compareText(a[0] as string, b[0] as string));
  return new Map(entries);
}

/** Python's quote: UTF-8 percent-encoded but for letters, digits, `_.-~` and, in a path, `/`. */
function quote(s: string, path: boolean, meter: Meter): string {
  meter.chars(s.length * 3);
  meter.step(s.length >> 3);
  const out = encodeURIComponent(s.toWellFormed()).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  meter.chars(out.length);
  return path ? out.replaceAll('%2F', '/') : out.replaceAll('%20', '+');
}

/** Text without comments, then without tags; white space becomes single spaces. */
function stripTags(s: string, meter: Meter): string {
  return unescapeHtml(splitSpace(without(without(s, '<!--', '-->', meter), '<', '>', meter), -1, meter).join(' '));
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };
/** The entities that HTML cannot do without, and any by its number. */
function unescapeHtml(s: string): string {
  return s.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos|nbsp));/g, (all, ten, hex, name) => {
    if (typeof name === 'string') return NAMED[name] ?? all;
    const code = typeof ten === 'string' ? Number(ten) : parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  });
}

function without(s: string, open: string, close: string, meter: Meter): string {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    const from = s.indexOf(open, at);
    const to = from < 0 ? -1 : s.indexOf(close, from);
    if (to < 0) break;
    meter.pieces(1);
    kept.push(s.slice(at, from));
    at = to + close.length;
  }
  return at === 0 ? s : kept.join('') + s.slice(at);
}

export const textFilters: Record<string, Filter> = {
  upper: onText((s) => s.toUpperCase()),
  lower: onText((s) => s.toLowerCase()),
  capitalize: onText(capitalize),
  title: onText((s) =>
    s.replace(/[^-\s({[<]+/g, (w) => {
      const first = firstOf(w, 1);
      return first.toUpperCase() + w.slice(first.length).toLowerCase();
    }),
  ),
  trim: (v, a, k, env) => {
    const [chars] = named('trim', ['chars'], a, k);
    return strip(toText(v, env.meter), chars, true, true, env.meter);
  },
  string: (v, _a, _k, env) => toText(v, env.meter),
  safe: (v, _a, _k, env) => toText(v, env.meter),
  escape: onText(escapeHtml),
  e: onText(escapeHtml),
  forceescape: onText(escapeHtml),
  striptags: onText(stripTags),
  replace: (v, a, k, env) => {
    const [from, to, count] = named('replace', ['old', 'new', 'count'], a, k);
    return replaceText(toText(v, env.meter), toText(from), toText(to), int(count, -1), env.meter);
  },
  center: (v, a, k, env) => {
    const width = int(named('center', ['width'], a, k)[0], 80);
    const s = toText(v, env.meter);
    const n = width - codePoints(s);
    if (!(n > 0)) return s;
    env.meter.chars(width);
    const left = Math.floor(n / 2) + (n & width & 1);
    return ' '.repeat(left) + s + ' '.repeat(n - left);
  },
  indent: (v, a, k, env) => {
    const [width, first, blank] = named('indent', ['width', 'first', 'blank'], a, k);
    const spaces = typeof width === 'string' ? 0 : Math.max(0, int(width, 4));
    env.meter.chars(spaces);
    const by = typeof width === 'string' ? width : ' '.repeat(spaces);
    const s = `${toText(v, env.meter)}\n`;
    const lines = linesOf(s, env.meter);
    env.meter.chars(s.length + lines.length * by.length);
    const [head = '', ...rest] = truthy(blank ?? false) ? lines : lines;
    const tail = rest.map((l) => (truthy(blank ?? false) || l !== '' ? by + l : l));
    const out = [head, ...tail].join('\n');
    return truthy(first ?? false) ? by + out : out;
  },
  truncate: (v, a, k, env) => {
    const [lengthArg, killwords, end, leeway] = named('truncate', ['length', 'killwords', 'end', 'leeway'], a, k);
    const length = int(lengthArg, 255);
    const suffix = end === undefined ? '...' : toText(end);
    const s = toText(v, env.meter);
    env.meter.chars(Math.min(s.length, length));
    if (length < suffix.length) throw typeError(`expected length >= ${suffix.length}, got ${length}`);
    if (codePoints(s) <= length + int(leeway, 5)) return s;
    const cut = firstOf(s, length - suffix.length);
    if (truthy(killwords ?? false)) return cut + suffix;
    const at = cut.lastIndexOf(' ');
    return (at < 0 ? cut : cut.slice(0, at)) + suffix;
  },
  wordwrap: (v, a, k, env) => {
    const [width, breakLong, wrap, hyphens] = named(
      'wordwrap',
      ['width', 'break_long_words', 'wrapstring', 'break_on_hyphens'],
      a,
      k,
    );
    const s = toText(v, env.meter);
    const by = wrap === undefined || wrap === null ? '\n' : toText(wrap);
    const most = int(width, 79);
    if (most < 1) throw typeError(`invalid width ${most} (must be > 0)`);
    const lines = linesOf(s, env.meter).map((line) =>
      wrapLine(line, most, truthy(breakLong ?? true), truthy(hyphens ?? true), env.meter),
    );
    const breaks = lines.reduce((n, l) => n + Math.max(1, l.length), 0);
    env.meter.chars(s.length + breaks * by.length);
    return lines.map((l) => l.join(by)).join(by);
  },
  wordcount: (v, _a, _k, env) => wordsOf(toText(v, env.meter), env.meter).length,
  format: (v, a, k, env) => {
    if (a.length > 0 && k.size > 0) throw typeError("can't handle positional and keyword arguments at the same time");
    return percentFormat(toText(v, env.meter), k.size > 0 ? new Map(k) : Tuple.fromItems(a), env.meter);
  },
  urlencode: (v, _a, _k, env) => {
    const pair = ([key, value]: [unknown, unknown]): string =>
      `${quote(toText(key, env.meter), false, env.meter)}=${quote(toText(value, env.meter), false, env.meter)}`;
    if (isMapping(v)) return entriesOf(v).map(pair).join('&');
    if (Array.isArray(v)) return v.map((p) => pair(iterate(p, env.meter) as [unknown, unknown])).join('&');
    return quote(toText(v, env.meter), true, env.meter);
  },
  urlize,
  xmlattr: (v, a, k, env) => {
    if (!isMapping(v)) throw typeError('xmlattr takes a mapping');
    const [space] = named('xmlattr', ['autospace'], a, k);
    const parts = entriesOf(v).flatMap(([key, value]) => {
      if (value === null || value instanceof Undefined) return [];
      const name = toText(key);
      if (/[\s/>=]/.test(name)) throw typeError(`Invalid character in attribute name: ${JSON.stringify(name)}`);
      env.meter.pieces(1);
      return [`${escapeHtml(name, env.meter)}="${escapeHtml(toText(value, env.meter), env.meter)}"`];
    });
    const out = parts.join(' ');
    return out !== '' && truthy(space ?? true) ? ` ${out}` : out;
  },
  filesizeformat: (v, a, k) => {
    const [binary] = named('filesizeformat', ['binary'], a, k);
    const bytes = toNumber(typeof v === 'string' && v.trim() !== '' ? Number(v) : v);
    if (typeof v === 'string' && Number.isNaN(bytes)) throw typeError(`could not convert string to float: ${repr(v)}`);
    const base = truthy(binary ?? false) ? 1024 : 1000;
    const units =
      base === 1024
        ? ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB']
        : ['kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
    if (bytes === 1) return '1 Byte';
    if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
    for (const [i, unit] of units.entries()) {
      if (bytes < base ** (i + 2)) return `${((base * bytes) / base ** (i + 2)).toFixed(1)} ${unit}`;
    }
    return `${((base * bytes) / base ** (units.length + 1)).toFixed(1)} ${units.at(-1) ?? ''}`;
  },
  pprint: (v, _a, _k, env) => repr(sortedKeys(v, env.meter), env.meter),
  tojson: (v, a, k, env) => {
    const [indent] = named('tojson', ['indent'], a, k);
    const spaces = (): string => ' '.repeat(Math.min(64, Math.max(0, int(indent, 0))));
    const by =
      indent === undefined || indent === null ? null : typeof indent === 'string' ? indent.slice(0, 64) : spaces();
    if (v instanceof PyRange) throw typeError('Object of type range is not JSON serializable');
    const out = pythonJson(v, { sortKeys: true, ascii: true, indent: by }, env.meter).replace(/[<>&']/g, unicodeEscape);
    env.meter.chars(out.length);
    return out;
  },
  json_safe: (v, _a, _k, env) => {
    if (v instanceof Undefined) v.fail();
    try {
      return pythonJson(v, { sortKeys: false, ascii: false, indent: null }, env.meter);
    } catch (e) {
      if (e instanceof TemplateError && e.kind === 'limit') throw e;
      return toText(v, env.meter);
    }
  },
};

/** Lengths, keys and numbers of any value. */
export const valueFilters: Record<string, Filter> = {
  length: (v) => lengthOf(v),
  count: (v) => lengthOf(v),
  abs: (v) => {
    if (v instanceof Undefined) v.fail();
    if (typeof v === 'bigint') return v < 0n ? -v : v;
    if (v instanceof PyFloat) return new PyFloat(Math.abs(v.value));
    return Math.abs(toNumber(v));
  },
  int: (v, a, k, env) => {
    const [fallback, base] = named('int', ['default', 'base'], a, k);
    return toInt(v, int(base, 10), env.meter) ?? fallback ?? 0;
  },
  float: (v, a, k) => {
    const [fallback] = named('float', ['default'], a, k);
    if (v instanceof Undefined) v.fail();
    if (typeof v === 'string') {
      const t = v.trim().replaceAll('_', '').toLowerCase();
      if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/.test(t)) return asFloat(Number(t));
      if (/^[+-]?(inf|infinity)$/.test(t)) return t.startsWith('-') ? -Infinity : Infinity;
      if (/^[+-]?nan$/.test(t)) return NaN;
      return fallback ?? new PyFloat(0);
    }
    if (typeof v === 'number' || typeof v === 'bigint' || typeof v === 'boolean' || v instanceof PyFloat)
      return asFloat(toNumber(v));
    return fallback ?? new PyFloat(0);
  },
  round: (v, a, k) => {
    const [precisionArg, methodArg] = named('round', ['precision', 'method'], a, k);
    const precision = int(precisionArg, 0);
    const method = methodArg === undefined ? 'common' : toText(methodArg);
    if (!['common', 'ceil', 'floor'].includes(method)) throw typeError('method must be common, ceil or floor');
    const x = toNumber(v);
    if (method === 'common') {
      if (typeof v === 'bigint' || typeof v === 'boolean' || (typeof v === 'number' && Number.isInteger(v))) {
        return precision >= 0 ? (typeof v === 'boolean' ? Number(v) : v) : roundInt(BigInt(v), -precision);
      }
      return asFloat(roundHalfEven(x, precision));
    }
    const f = 10 ** precision;
    return asFloat((method === 'ceil' ? Math.ceil(x * f) : Math.floor(x * f)) / f);
  },
  list: (v, _a, _k, env) => {
    const items = iterate(v, env.meter);
    env.meter.elements(items.length);
    return [...items];
  },
  items: (v, _a, _k, env) => {
    if (v instanceof Undefined) return [];
    if (!isMapping(v)) throw typeError('Can only get item pairs from a mapping.');
    env.meter.elements(keysOf(v).length * 8);
    return entriesOf(v).map(([key, value]) => Tuple.of2(key, value));
  },
  default: () => null,
  d: () => null,
};

function toInt(v: unknown, base: number, meter: Meter): number | bigint | null {
  if (v instanceof Undefined) v.fail();
  if (typeof v === 'boolean') return v ? 1 : 0;
  if (typeof v === 'bigint') return v;
  if (typeof v === 'number' || v instanceof PyFloat) {
    const x = Math.trunc(toNumber(v));
    if (!Number.isFinite(x)) throw typeError('cannot convert float infinity or NaN to integer');
    return Number.isSafeInteger(x) ? x : BigInt(x);
  }
  if (typeof v !== 'string') return null;
  const t = v.trim().replaceAll('_', '').toLowerCase();
  const m = /^([+-]?)(0x|0o|0b)?([0-9a-z]+)$/.exec(t);
  if (m && t.length < 4000) {
    const radix = m[2] !== undefined && base !== 10 ? ({ '0x': 16, '0o': 8, '0b': 2 }[m[2]] ?? base) : base;
    const digits = Array.from(m[3] ?? '', (c) => parseInt(c, 36));
    if ((m[2] === undefined || base !== 10) && digits.every((d) => d < radix)) {
      // Digit by digit, so the time and the room go with the square of the length.
      meter.chars((t.length * t.length) / 8);
      const n = digits.reduce((sum, d) => sum * BigInt(radix) + BigInt(d), 0n);
      return asInt(m[1] === '-' ? -n : n);
    }
  }
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/.test(t)) return toInt(Number(t), 10, meter);
  return null;
}

/** An int to a multiple of a power of ten, half to even. */
function roundInt(x: bigint, digits: number): number | bigint {
  if (digits > 4_000) return 0;
  const unit = 10n ** BigInt(digits);
  const rest = ((x % unit) + unit) % unit;
  const down = x - rest;
  const up = rest * 2n > unit || (rest * 2n === unit && (down / unit) % 2n !== 0n);
  return asInt(up ? down + unit : down);
}

/** Python's round: half to even, on the exact decimal value. */
function roundHalfEven(x: number, precision: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 1e21 || precision > 20) return x;
  if (precision < 0) {
    const f = 10 ** -precision;
    const q = x / f;
    const r = Math.round(q);
    return (Math.abs(q % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r) * f;
  }
  return Number(fixed(x, precision));
}
