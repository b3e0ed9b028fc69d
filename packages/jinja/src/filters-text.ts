// SPDX-License-Identifier: Apache-2.0
import { named } from './environment.ts';
import type { Filter } from './environment.ts';
import { typeError } from './errors.ts';
import { percentFormat } from './format.ts';
import { capitalize, replaceText } from './methods.ts';
import { codePoints, iterate, lengthOf } from './operations.ts';
import { repr, toText } from './text.ts';
import {
  asFloat,
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
import { compareText } from './values.ts';

const int = (v: unknown, fallback: number): number =>
  v === undefined || v === null ? fallback : Math.trunc(toNumber(v));

export const escapeHtml = (s: string): string =>
  s.replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' })[c] ?? c);

/** Applies to the text of a value, counting what it builds. */
const onText =
  (fn: (s: string) => string): Filter =>
  (v, _a, _k, env) => {
    const s = toText(v, env.meter);
    env.meter.chars(s.length);
    return fn(s);
  };

/** Python's textwrap for one line: words kept whole where they fit. */
function wrapLine(line: string, width: number, breakLong: boolean, breakHyphens: boolean): string[] {
  const pieces = line.split(breakHyphens ? /(\s+|(?<=[\w!"'&.,?]-)(?=\w))/ : /(\s+)/).filter((p) => p !== '');
  const out: string[] = [];
  let current = '';
  let pieceIndex = 0;
  const pending = [...pieces];
  while (pieceIndex < pending.length) {
    const piece = pending[pieceIndex] ?? '';
    if (current === '' && out.length > 0 && piece.trim() === '') {
      pieceIndex++;
      continue;
    }
    if (codePoints(current) + codePoints(piece) <= width) {
      current += piece;
      pieceIndex++;
      continue;
    }
    if (piece.trim() !== '' && codePoints(piece) > width && breakLong) {
      const room = Math.max(1, width - codePoints(current));
      const chars = Array.from(piece);
      current += chars.slice(0, room).join('');
      pending[pieceIndex] = chars.slice(room).join('');
      out.push(current);
      current = '';
      continue;
    }
    if (current.trim() !== '' || (current !== '' && out.length === 0)) {
      if (current.trimEnd() !== '') out.push(current.trimEnd());
      current = '';
      if (piece.trim() === '') pieceIndex++;
      continue;
    }
    current = '';
    if (piece.trim() === '') {
      pieceIndex++;
      continue;
    }
    out.push(piece);
    pieceIndex++;
  }
  if (current.trimEnd() !== '') out.push(current.trimEnd());
  return out;
}

function pprint(v: unknown): unknown {
  return v;
}

/** JSON as Python's json.dumps writes it: `, ` and `: `, keys sorted by Jinja, ASCII only. */
function pythonJson(v: unknown, sortKeys: boolean, ascii: boolean, indent: string | null, level = 0): string {
  if (level > 100) throw typeError('the value is nested too deeply for JSON');
  if (v === null || v === undefined) return 'null';
  if (typeof v === 'boolean') return String(v);
  if (typeof v === 'string') return ascii ? asciiJson(v) : JSON.stringify(v);
  if (typeof v === 'number' || typeof v === 'bigint' || v instanceof PyFloat) {
    const t = toText(v);
    return t === 'nan' ? 'NaN' : t === 'inf' ? 'Infinity' : t === '-inf' ? '-Infinity' : t;
  }
  const items = v instanceof PyRange ? [...v] : v;
  const gap = indent === null ? '' : `\n${indent.repeat(level + 1)}`;
  const end = indent === null ? '' : `\n${indent.repeat(level)}`;
  const comma = indent === null ? ', ' : ',';
  if (Array.isArray(items)) {
    if (items.length === 0) return '[]';
    return `[${gap}${items.map((x) => pythonJson(x, sortKeys, ascii, indent, level + 1)).join(comma + gap)}${end}]`;
  }
  if (isMapping(items)) {
    const entries = entriesOf(items).map(([k, x]): [string, unknown] => [typeof k === 'string' ? k : jsonKey(k), x]);
    if (entries.length === 0) return '{}';
    if (sortKeys) entries.sort((a, b) => compareText(a[0], b[0]));
    const parts = entries.map(
      ([k, x]) => `${ascii ? asciiJson(k) : JSON.stringify(k)}: ${pythonJson(x, sortKeys, ascii, indent, level + 1)}`,
    );
    return `{${gap}${parts.join(comma + gap)}${end}}`;
  }
  if (v instanceof Undefined) v.fail();
  throw typeError(`Object of type ${typeName(v)} is not JSON serializable`);
}

const jsonKey = (k: unknown): string => (k === null ? 'null' : typeof k === 'boolean' ? String(k) : toText(k));
const asciiJson = (s: string): string =>
  JSON.stringify(s).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const quote = (s: string, safe: RegExp): string =>
  Array.from(new TextEncoderLike().encode(s), (b) => {
    const c = String.fromCharCode(b);
    return b < 128 && safe.test(c) ? c : `%${b.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');

/** UTF-8 without a host object. */
class TextEncoderLike {
  encode(s: string): number[] {
    const out: number[] = [];
    for (const c of s) {
      let code = c.codePointAt(0) ?? 0;
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) out.push(code);
      else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return out;
  }
}

export const textFilters: Record<string, Filter> = {
  upper: onText((s) => s.toUpperCase()),
  lower: onText((s) => s.toLowerCase()),
  capitalize: onText(capitalize),
  title: onText((s) =>
    s.replace(/[^-\s({[<]+/g, (w) => {
      const [first = '', ...rest] = Array.from(w);
      return first.toUpperCase() + rest.join('').toLowerCase();
    }),
  ),
  trim: (v, a, k, env) => {
    const [chars] = named('trim', ['chars'], a, k);
    const s = toText(v, env.meter);
    if (chars === undefined || chars === null)
      return s
        .replace(/^[\s\x1c-\x1f\x85]+/, '')
        .replace(/[\s\x1c-\x1f\x85]*$/, (m, at: number) => (at < s.length ? '' : m));
    const set = new Set(Array.from(toText(chars)));
    const cs = Array.from(s);
    let from = 0;
    let to = cs.length;
    while (from < to && set.has(cs[from] ?? '')) from++;
    while (to > from && set.has(cs[to - 1] ?? '')) to--;
    return cs.slice(from, to).join('');
  },
  string: (v, _a, _k, env) => toText(v, env.meter),
  safe: (v, _a, _k, env) => toText(v, env.meter),
  escape: onText(escapeHtml),
  e: onText(escapeHtml),
  forceescape: onText(escapeHtml),
  striptags: onText((s) =>
    s
      .replace(/<!--[\s\S]*?-->|<[^>]*>/g, '')
      .split(/\s+/)
      .filter((w) => w !== '')
      .join(' '),
  ),
  replace: (v, a, k, env) => {
    const [from, to, count] = named('replace', ['old', 'new', 'count'], a, k);
    return replaceText(toText(v, env.meter), toText(from), toText(to), int(count, -1), env.meter);
  },
  center: (v, a, k, env) => {
    const width = int(named('center', ['width'], a, k)[0], 80);
    const s = toText(v, env.meter);
    const n = width - codePoints(s);
    if (n <= 0) return s;
    env.meter.chars(width);
    const left = Math.floor(n / 2) + (n & width & 1);
    return ' '.repeat(left) + s + ' '.repeat(n - left);
  },
  indent: (v, a, k, env) => {
    const [width, first, blank] = named('indent', ['width', 'first', 'blank'], a, k);
    const by =
      typeof width === 'string' ? width : (env.meter.chars(int(width, 4)), ' '.repeat(Math.max(0, int(width, 4))));
    const s = `${toText(v, env.meter)}\n`;
    const lines = s.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
    if (lines.at(-1) === '') lines.pop();
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
    const cs = Array.from(toText(v, env.meter));
    if (length < suffix.length) throw typeError(`expected length >= ${suffix.length}, got ${length}`);
    if (cs.length <= length + int(leeway, 5)) return cs.join('');
    const cut = cs.slice(0, length - suffix.length).join('');
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
    env.meter.chars(s.length * (1 + by.length));
    env.meter.step(s.length >> 4);
    return s
      .split(/\r\n|[\n\r\v\f]/)
      .map((line) =>
        wrapLine(line, Math.max(1, int(width, 79)), truthy(breakLong ?? true), truthy(hyphens ?? true)).join(by),
      )
      .join(by);
  },
  wordcount: (v, _a, _k, env) => toText(v, env.meter).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0,
  format: (v, a, k, env) => {
    if (a.length > 0 && k.size > 0) throw typeError("can't handle positional and keyword arguments at the same time");
    return percentFormat(toText(v, env.meter), k.size > 0 ? new Map(k) : Tuple.fromItems(a), env.meter);
  },
  urlencode: (v, _a, _k, env) => {
    const plain = /[A-Za-z0-9_.~/-]/;
    const query = /[A-Za-z0-9_.~-]/;
    const pair = ([key, value]: [unknown, unknown]): string =>
      `${quote(toText(key, env.meter), query)}=${quote(toText(value, env.meter), query)}`;
    if (isMapping(v)) return entriesOf(v).map(pair).join('&');
    if (Array.isArray(v)) return v.map((p) => pair(iterate(p, env.meter) as [unknown, unknown])).join('&');
    const s = toText(v, env.meter);
    env.meter.chars(s.length * 3);
    return quote(s, plain);
  },
  urlize: (v, _a, _k, env) => {
    const s = toText(v, env.meter);
    env.meter.chars(s.length * 3);
    return escapeHtml(s).replace(/\bhttps?:\/\/[^\s<>]+/g, (url) => `<a href="${url}" rel="noopener">${url}</a>`);
  },
  xmlattr: (v, a, k, env) => {
    if (!isMapping(v)) throw typeError('xmlattr takes a mapping');
    const [space] = named('xmlattr', ['autospace'], a, k);
    const parts = entriesOf(v).flatMap(([key, value]) => {
      if (value === null || value instanceof Undefined) return [];
      const name = toText(key);
      if (/[\s/>=]/.test(name)) throw typeError(`Invalid character in attribute name: ${JSON.stringify(name)}`);
      return [`${escapeHtml(name)}="${escapeHtml(toText(value, env.meter))}"`];
    });
    const out = parts.join(' ');
    return out !== '' && truthy(space ?? true) ? ` ${out}` : out;
  },
  filesizeformat: (v, a, k) => {
    const [binary] = named('filesizeformat', ['binary'], a, k);
    const bytes = toNumber(typeof v === 'string' ? Number(v) : v);
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
  pprint: (v, _a, _k, env) => repr(pprint(v), env.meter),
  tojson: (v, a, k, env) => {
    const [indent] = named('tojson', ['indent'], a, k);
    const by = indent === undefined || indent === null ? null : ' '.repeat(Math.min(64, Math.max(0, int(indent, 0))));
    const out = pythonJson(v, true, true, by).replace(
      /[<>&']/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    env.meter.chars(out.length);
    return out;
  },
  json_safe: (v, _a, _k, env) => {
    if (v instanceof Undefined) v.fail();
    let out: string;
    try {
      out = pythonJson(v, false, false, null);
    } catch {
      out = toText(v, env.meter);
    }
    env.meter.chars(out.length);
    return out;
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
  int: (v, a, k) => {
    const [fallback, base] = named('int', ['default', 'base'], a, k);
    return toInt(v, int(base, 10)) ?? fallback ?? 0;
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
      if (typeof v === 'number' && Number.isInteger(v) && precision >= 0) return v;
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
    env.meter.elements(keysOf(v).length * 3);
    return entriesOf(v).map(([key, value]) => Tuple.of2(key, value));
  },
  default: () => null,
  d: () => null,
};

function toInt(v: unknown, base: number): number | bigint | null {
  if (v instanceof Undefined) v.fail();
  if (typeof v === 'boolean') return v ? 1 : 0;
  if (typeof v === 'bigint') return v;
  if (typeof v === 'number' || v instanceof PyFloat) {
    const x = Math.trunc(toNumber(v));
    return Number.isFinite(x) ? (Number.isSafeInteger(x) ? x : BigInt(x)) : null;
  }
  if (typeof v !== 'string') return null;
  const t = v.trim().replaceAll('_', '').toLowerCase();
  const m = /^([+-]?)(0x|0o|0b)?([0-9a-z]+)$/.exec(t);
  if (m) {
    const radix = m[2] !== undefined && base !== 10 ? ({ '0x': 16, '0o': 8, '0b': 2 }[m[2]] ?? base) : base;
    const digits = (m[3] ?? '').split('').map((c) => parseInt(c, 36));
    if ((m[2] === undefined || base !== 10) && digits.length < 4000 && digits.every((d) => d < radix)) {
      const n = digits.reduce((sum, d) => sum * BigInt(radix) + BigInt(d), 0n) * (m[1] === '-' ? -1n : 1n);
      return n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n;
    }
  }
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/.test(t)) return toInt(Number(t), 10);
  return null;
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
  const near = Number(x.toFixed(precision));
  const f = 10 ** precision;
  const scaled = x * f;
  // Only a value that is exactly halfway in binary ties; toFixed rounds those away from zero.
  if (Math.abs(scaled % 1) === 0.5 && scaled / f === x) {
    const down = Math.floor(scaled);
    return (down % 2 === 0 ? down : down + 1) / f;
  }
  return near;
}
