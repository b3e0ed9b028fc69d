// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import { compareWithFloat } from './exact.ts';
import type { Meter } from './meter.ts';
import {
  entriesOf,
  isMapping,
  isNumber,
  Markup,
  plainText,
  PyFloat,
  PyRange,
  sizeOf,
  toNumber,
  Tuple,
  typeName,
  Undefined,
  View,
} from './values.ts';
import type { Mapping } from './values.ts';

/** Python's `==`; each pair of values within counts as a step, for lists may share their parts. */
export function equals(a: unknown, b: unknown, meter?: Meter): boolean {
  if (a instanceof Markup || b instanceof Markup) return equals(plainText(a), plainText(b), meter);
  meter?.step();
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length !== b.length) return false;
    meter?.scan(a.length);
    return a === b;
  }
  if (a instanceof Undefined || b instanceof Undefined) return equalUndefined(a, b);
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b) === 0;
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a instanceof Tuple !== b instanceof Tuple) return false;
    return a.length === b.length && a.every((x, i) => equals(x, b[i], meter));
  }
  if (a instanceof PyRange && b instanceof PyRange) {
    const n = a.length;
    return n === b.length && (n === 0 || (a.start === b.start && (n === 1 || a.step === b.step)));
  }
  if (isMapping(a) && isMapping(b)) {
    if (sizeOf(a, meter) !== sizeOf(b, meter)) return false;
    return entriesOf(a).every(([k, v]) => {
      const w = lookup(b, k, meter);
      return w !== undefined && equals(v, w, meter);
    });
  }
  if (a instanceof View && b instanceof View) {
    // Keys and items are sets; values are not, and each view of them is itself alone.
    if (a.kind === 'values' || a.kind !== b.kind || sizeOf(a.of, meter) !== sizeOf(b.of, meter)) return false;
    return a.items().every((x) => isInView(b, x, meter));
  }
  return false;
}

function equalUndefined(a: unknown, b: unknown): boolean {
  for (const x of [a, b]) if (x instanceof Undefined && !x.lenient) x.fail();
  return a instanceof Undefined && b instanceof Undefined;
}

/** True where a view of a mapping holds an item. */
export function isInView(view: View, item: unknown, meter: Meter | undefined): boolean {
  if (view.kind === 'keys') return lookup(view.of, item, meter) !== undefined;
  if (view.kind === 'values') return view.items().some((x) => equals(x, item, meter));
  if (!(item instanceof Tuple) || item.length !== 2) return false;
  const v = lookup(view.of, item[0], meter);
  return v !== undefined && equals(v, item[1], meter);
}

/** Order of two numbers by their exact values; NaN where one is no number. */
export function compareNumbers(a: unknown, b: unknown): number {
  if (typeof a === 'bigint') {
    if (typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
    return compareWithFloat(a, toNumber(b));
  }
  if (typeof b === 'bigint') return -compareWithFloat(b, toNumber(a));
  const x = toNumber(a);
  const y = toNumber(b);
  return x < y ? -1 : x > y ? 1 : x === y ? 0 : NaN;
}

/** Code points order strings, as in Python. */
export function compareText(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xs = x >= 0xd800 && x <= 0xdfff;
    const ys = y >= 0xd800 && y <= 0xdfff;
    if (xs !== ys) return xs ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** Order of two values; NaN where a number has none. @throws TemplateError type where Python has none */
export function compare(a: unknown, b: unknown, operator = '<', meter?: Meter): number {
  if (a instanceof Markup || b instanceof Markup) return compare(plainText(a), plainText(b), operator, meter);
  meter?.step();
  if (a instanceof Undefined) a.fail();
  if (b instanceof Undefined) b.fail();
  if (typeof a === 'string' && typeof b === 'string') {
    meter?.scan(Math.min(a.length, b.length));
    return compareText(a, b);
  }
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      if (equals(a[i], b[i], meter)) continue;
      return compare(a[i], b[i], operator, meter);
    }
    return a.length - b.length;
  }
  throw typeError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

/** Maps of the data have texts as keys; those of a template say whether they have odd ones (`Dict`). */
type Keyed = ReadonlyMap<unknown, unknown> & { readonly odd?: boolean };

/** The key of a mapping that equals another; undefined = there is none. */
export function keyIn(m: Keyed, key: unknown, meter: Meter | undefined): { key: unknown } | undefined {
  if (m.has(key)) return { key };
  if (typeof key === 'string' || m.odd === undefined) return undefined;
  const plain = typeof key === 'boolean' ? Number(key) : key instanceof PyFloat ? key.value : key;
  if (plain !== key && m.has(plain)) return { key: plain };
  if (m.odd) for (const k of m.keys()) if (typeof k !== 'string' && equals(k, key, meter)) return { key: k };
  return undefined;
}

const LONG_KEY = 256;

/** The value of a key, own entries only; undefined = no such key. A template's key is looked for under its meter. */
export function lookup(m: Mapping, key: unknown, meter?: Meter): unknown {
  if (key instanceof Markup) return lookup(m, key.text, meter);
  // A long key is looked through, and perhaps copied, to find its place.
  if (meter && typeof key === 'string' && key.length > LONG_KEY) {
    meter.scan(key.length);
    meter.chars(key.length);
  }
  if (m instanceof Map) {
    const v: unknown = m.get(key);
    if (v !== undefined) return v;
    const have = keyIn(m, key, meter);
    return have && m.get(have.key);
  }
  if (typeof key !== 'string') return undefined;
  return Object.hasOwn(m, key) ? (m as Record<string, unknown>)[key] : undefined;
}
