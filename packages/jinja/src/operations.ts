// SPDX-License-Identifier: Apache-2.0
import { TemplateError, typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import type { PyFloat } from './values.ts';
import { compare, equals, isInView, lookup } from './compare.ts';
import { hashable } from './dict.ts';
import { escapeHtml } from './escape-html.ts';
import { quotient } from './exact.ts';
import { markupSum } from './markup.ts';
import { floatOf } from './number-text.ts';
import { percentFormat } from './percent-format.ts';
import {
  asFloat,
  asInt,
  Facade,
  isFloat,
  isIndex,
  isMapping,
  isNumber,
  keysOf,
  Markup,
  plainText,
  PyRange,
  sizeOf,
  Stream,
  toNumber,
  Tuple,
  typeName,
  Undefined,
  View,
} from './values.ts';

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';
/** Ints may have so many bits. */
const MAX_BITS = 4096;

export function binary(op: BinaryOperator, a: unknown, b: unknown, meter: Meter): unknown {
  if (typeof a === 'number' && typeof b === 'number' && Number.isInteger(a) && Number.isInteger(b)) {
    if (op === '+' || op === '-' || op === '*') {
      const r = op === '+' ? a + b : op === '-' ? a - b : a * b;
      if (Number.isSafeInteger(r)) return r === 0 ? 0 : r;
    } else if (op === '/' && b !== 0) return asFloat(a / b);
  }
  if (a instanceof Undefined) a.fail();
  if (op === '%' && typeof a === 'string') return percentFormat(a, b, meter);
  if (a instanceof Markup || b instanceof Markup) return withMarkup(op, a, b, meter);
  if (b instanceof Undefined) b.fail();
  if (isNumber(a) && isNumber(b)) return counted(arithmetic(op, a, b), meter);
  if (op === '+') {
    if (typeof a === 'string' && typeof b === 'string') {
      meter.chars(a.length + b.length);
      return a + b;
    }
    if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) {
      meter.elements(a.length + b.length);
      return a instanceof Tuple
        ? Tuple.fromItems([...a, ...(b as unknown[])])
        : [...(a as unknown[]), ...(b as unknown[])];
    }
  }
  if (op === '*') {
    const [seq, n] = isIndex(b) ? [a, b] : [b, a];
    if (isIndex(n)) {
      const times = Math.max(0, toNumber(n));
      if (times === Infinity) throw new TemplateError('limit', 'repeated too many times');
      if (typeof seq === 'string') {
        meter.chars(seq.length * times);
        return seq.repeat(times);
      }
      if (Array.isArray(seq)) {
        meter.elements(seq.length * times);
        const out = new Array<unknown>(seq.length * times);
        for (let i = 0; i < out.length; i++) out[i] = seq[i % seq.length];
        return seq instanceof Tuple ? Tuple.fromItems(out) : out;
      }
    }
  }
  throw typeError(`unsupported operand type(s) for ${op}: '${typeName(a)}' and '${typeName(b)}'`);
}

function withMarkup(op: BinaryOperator, a: unknown, b: unknown, meter: Meter): unknown {
  if (op === '+') return markupSum(a, b, meter);
  if (op === '%' && a instanceof Markup)
    return new Markup(percentFormat(a.text, b, meter, (text) => escapeHtml(text, meter)));
  const result = binary(op, plainText(a), plainText(b), meter);
  return typeof result === 'string' ? new Markup(result) : result;
}

/** Big ints take room as texts do. */
function counted(v: unknown, meter: Meter): unknown {
  if (typeof v === 'bigint') meter.objects(2);
  return v;
}

function arithmetic(op: BinaryOperator, a: unknown, b: unknown): unknown {
  if (isFloat(a) || isFloat(b)) return floatArithmetic(op, floatOf(a), floatOf(b));
  const x = BigInt(toNumberOrBig(a));
  const y = BigInt(toNumberOrBig(b));
  switch (op) {
    case '+':
      return asInt(bounded(x + y));
    case '-':
      return asInt(bounded(x - y));
    case '*':
      if (bits(x) + bits(y) > MAX_BITS) throw tooBig();
      return asInt(x * y);
    case '/': {
      if (y === 0n) throw typeError('division by zero');
      const q = quotient(bounded(x), bounded(y));
      if (!Number.isFinite(q)) throw typeError('integer division result too large for a float');
      return asFloat(q);
    }
    case '//':
      if (y === 0n) throw typeError('integer division or modulo by zero');
      return asInt(floorDiv(bounded(x), y));
    case '%':
      if (y === 0n) throw typeError('integer division or modulo by zero');
      return asInt(x - floorDiv(bounded(x), y) * y);
    case '**':
      if (y < 0n) {
        if (x === 0n) throw typeError('0.0 cannot be raised to a negative power');
        return asFloat(Number(x) ** Number(y));
      }
      if (x !== 0n && x !== 1n && x !== -1n && (y > BigInt(MAX_BITS) || bits(x) * Number(y) > MAX_BITS)) throw tooBig();
      return asInt(x ** (x === 0n || x === 1n || x === -1n ? (y === 0n ? 0n : y % 2n === 0n ? 2n : 1n) : y));
  }
}

const toNumberOrBig = (v: unknown): number | bigint => (typeof v === 'bigint' ? v : toNumber(v));
const bits = (x: bigint): number => {
  const hex = (x < 0n ? -x : x).toString(16);
  return (hex.length - 1) * 4 + parseInt(hex.slice(0, 1), 16).toString(2).length;
};
/** The int itself, where it is no larger than ints may be: data may hold larger ones. */
export const bounded = (x: bigint): bigint => {
  if (BigInt.asIntN(MAX_BITS + 1, x) !== x) throw tooBig();
  return x;
};
const tooBig = (): TemplateError =>
  new TemplateError('limit', `an integer would have more than ${String(MAX_BITS)} bits`);
const floorDiv = (x: bigint, y: bigint): bigint => {
  const q = x / y;
  return x % y !== 0n && x < 0n !== y < 0n ? q - 1n : q;
};

/** Python's: by the remainder, so that 1 // 0.1 is 9. */
function floatFloorDiv(x: number, y: number): number {
  const m = x % y;
  let q = (x - m) / y;
  if (m !== 0 && m < 0 !== y < 0) q -= 1;
  if (q === 0) return x / y < 0 || Object.is(x / y, -0) ? -0 : 0;
  const whole = Math.floor(q);
  return q - whole > 0.5 ? whole + 1 : whole;
}

function floatArithmetic(op: BinaryOperator, x: number, y: number): number | PyFloat {
  switch (op) {
    case '+':
      return asFloat(x + y);
    case '-':
      return asFloat(x - y);
    case '*':
      return asFloat(x * y);
    case '/':
      if (y === 0) throw typeError('division by zero');
      return asFloat(x / y);
    case '//':
      if (y === 0) throw typeError('float floor division by zero');
      return asFloat(floatFloorDiv(x, y));
    case '%': {
      if (y === 0) throw typeError('float modulo');
      const m = x % y;
      return asFloat(m === 0 ? (y < 0 ? -0 : 0) : m < 0 !== y < 0 ? m + y : m);
    }
    case '**': {
      const r = x ** y;
      if (Number.isNaN(r) && !Number.isNaN(x) && !Number.isNaN(y)) throw typeError('complex numbers are not supported');
      if (!Number.isFinite(r) && Number.isFinite(x) && Number.isFinite(y))
        throw typeError('numerical result out of range');
      return asFloat(r);
    }
  }
}

export function unary(op: '-' | '+', v: unknown): unknown {
  if (v instanceof Undefined) v.fail();
  if (!isNumber(v)) throw typeError(`bad operand type for unary ${op}: '${typeName(v)}'`);
  const sign = op === '-' ? -1 : 1;
  if (typeof v === 'bigint') return asInt(op === '-' ? -bounded(v) : v);
  const x = toNumber(v) * sign;
  if (isFloat(v)) return asFloat(x);
  return x === 0 ? 0 : x;
}

export function compareOp(op: string, a: unknown, b: unknown, meter: Meter): boolean {
  switch (op) {
    case '==':
      return equals(a, b, meter);
    case '!=':
      return !equals(a, b, meter);
    case 'in':
      return contains(b, a, meter);
    case 'not in':
      return !contains(b, a, meter);
    case '<':
      return compare(a, b, op, meter) < 0;
    case '<=':
      return compare(a, b, op, meter) <= 0;
    case '>':
      return compare(a, b, op, meter) > 0;
    default:
      return compare(a, b, op, meter) >= 0;
  }
}

export function contains(container: unknown, item: unknown, meter: Meter): boolean {
  if (container instanceof Markup) return contains(container.text, item, meter);
  if (container instanceof Undefined) return !container.empty;
  if (typeof container === 'string') {
    const part = plainText(item);
    if (typeof part !== 'string')
      throw typeError(`'in <string>' requires string as left operand, not ${typeName(part)}`);
    meter.scan(container.length);
    return container.includes(part);
  }
  if (Array.isArray(container)) return container.some((x) => equals(x, item, meter));
  if (container instanceof Stream) {
    for (const x of container) if (equals(x, item, meter)) return true;
    return false;
  }
  if (container instanceof View) return isInView(container, container.kind === 'keys' ? hashable(item) : item, meter);
  if (container instanceof PyRange) {
    if (!isNumber(item)) return false;
    const at = (toNumber(item) - container.start) / container.step;
    return Number.isInteger(at) && at >= 0 && at < container.length;
  }
  if (isMapping(container)) return lookup(container, hashable(item), meter) !== undefined;
  throw typeError(`argument of type '${typeName(container)}' is not iterable`);
}

/** Items of anything a loop takes. */
export function iterate(v: unknown, meter: Meter): readonly unknown[] {
  if (Array.isArray(v)) return v as unknown[];
  if (v instanceof Undefined) return v.empty && [];
  if (v instanceof PyRange) {
    meter.elements(v.length);
    return v.toArray();
  }
  if (typeof v === 'string') {
    return listOf(v, meter);
  }
  if (isMapping(v)) {
    meter.elements(sizeOf(v, meter));
    return keysOf(v);
  }
  if (v instanceof View) {
    meter.elements(sizeOf(v.of, meter) * (v.kind === 'items' ? 8 : 1));
    return v.items();
  }
  if (v instanceof Markup) return listOf(v.text, meter);
  if (v instanceof Stream) {
    const items: unknown[] = [];
    for (const x of v) {
      meter.elements(1);
      items.push(x);
    }
    return items;
  }
  throw typeError(`'${typeName(v)}' object is not iterable`);
}

/** As `iterate`, one by one where that matters: what is not asked for is not made. */
export const eachOf = (v: unknown, meter: Meter): Iterable<unknown> => (v instanceof Stream ? v : iterate(v, meter));

export function lengthOf(v: unknown, meter: Meter): number {
  if (v instanceof Undefined) return v.empty && 0;
  if (typeof v === 'string') return codePoints(v);
  if (v instanceof Markup) return codePoints(v.text);
  if (Array.isArray(v) || v instanceof PyRange) return v.length;
  if (v instanceof View) return sizeOf(v.of, meter);
  if (isMapping(v)) return sizeOf(v, meter);
  if (v instanceof Facade && v.label === 'LoopContext') return v.get('length') as number;
  const hint = v instanceof Stream ? ': put |list before it' : '';
  throw typeError(`object of type '${typeName(v)}' has no len()${hint}`);
}

const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/;
export function codePoints(s: string): number {
  if (!ASTRAL.test(s)) return s.length;
  let n = 0;
  for (const _ of s) n++;
  return n;
}
/** Characters of a string by code point; the string itself where units are code points. */
export function characters(s: string, meter: Meter): string | string[] {
  meter.scan(s.length);
  return ASTRAL.test(s) ? listOf(s, meter) : s;
}
/** A list of the characters of a string. */
export function listOf(s: string, meter: Meter): string[] {
  meter.elements(s.length);
  // At its full length at once: a list that grows is copied again and again.
  const out = new Array<string>(codePoints(s));
  let i = 0;
  for (const c of s) out[i++] = c;
  return out;
}
/** The first n characters of a string, by code point. */
export function firstOf(s: string, n: number): string {
  if (n <= 0) return '';
  let units = 0;
  for (const c of s) {
    if (n-- <= 0) break;
    units += c.length;
  }
  return s.slice(0, units);
}

/** Counts the looking through a value that a filter, test or method is about to do. */
export function lookThrough(v: unknown, meter: Meter): void {
  if (typeof v === 'string') meter.scan(v.length);
  else if (v instanceof Markup) meter.scan(v.text.length);
  else if (Array.isArray(v)) meter.step(v.length >> 3);
}

export function sliceOf(v: unknown, start: unknown, stop: unknown, step: unknown, meter: Meter): unknown {
  if (v instanceof Undefined) v.fail();
  if (v instanceof Markup) return new Markup(sliceOf(v.text, start, stop, step, meter) as string);
  const seq = typeof v === 'string' ? characters(v, meter) : v;
  if (typeof seq !== 'string' && !Array.isArray(seq) && !(seq instanceof PyRange))
    throw typeError(`'${typeName(v)}' object is not subscriptable`);
  const n = seq.length;
  const index = (x: unknown): number | null => {
    if (x === null || x === undefined) return null;
    if (!isIndex(x)) throw typeError('slice indices must be integers or None or have an __index__ method');
    return toNumber(x);
  };
  const by = index(step) ?? 1;
  if (by === 0) throw typeError('slice step cannot be zero');
  const clamp = (x: number | null, fallback: number): number => {
    if (x === null) return fallback;
    const y = x < 0 ? x + n : x;
    return by > 0 ? Math.max(0, Math.min(n, y)) : Math.max(-1, Math.min(n - 1, y));
  };
  const from = clamp(index(start), by > 0 ? 0 : n - 1);
  const to = clamp(index(stop), by > 0 ? n : -1);
  if (seq instanceof PyRange) {
    meter.objects(1);
    return new PyRange(seq.start + from * seq.step, seq.start + to * seq.step, seq.step * by);
  }
  if (typeof seq === 'string' && by === 1) {
    meter.chars(Math.max(0, to - from));
    return seq.slice(from, Math.max(from, to));
  }
  const size = Math.max(0, Math.ceil((to - from) / by));
  meter.elements(size);
  const out = new Array<unknown>(size);
  for (let i = 0; i < size; i++) out[i] = seq[from + i * by];
  return typeof v === 'string' ? out.join('') : v instanceof Tuple ? Tuple.fromItems(out) : out;
}
