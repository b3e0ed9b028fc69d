// SPDX-License-Identifier: Apache-2.0
import { TemplateError, typeError } from './errors.ts';
import type { Meter } from './meter.ts';

/**
 * Template values in JavaScript: null, booleans, strings; ints are integer numbers, or bigint beyond 2^53; floats are
 * other numbers, or PyFloat where the value is an integer; lists are arrays; mappings are Maps or plain objects.
 */

/** A float whose value is an integer: prints as `1.0`. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A Python tuple: a list that prints in parentheses. */
export class Tuple extends Array<unknown> {
  static of2(a: unknown, b: unknown): Tuple {
    const t = new Tuple();
    t.push(a, b);
    return t;
  }
  static fromItems(items: Iterable<unknown>): Tuple {
    const t = new Tuple();
    for (const i of items) t.push(i);
    return t;
  }
  // What filter and map make of a tuple is a list.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

export class PyRange {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  constructor(start: number, stop: number, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
  get length(): number {
    return Math.max(0, Math.ceil((this.stop - this.start) / this.step));
  }
  at(i: number): number {
    return this.start + i * this.step;
  }
  *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}

/** `namespace(...)`: the one thing a template may assign to from an inner scope. */
export class Namespace {
  readonly attributes = new Map<string, unknown>();
}

/** What can be called: globals, macros, methods. Never a host function from the data. */
export class Callable {
  readonly label: string;
  readonly call: (args: unknown[], kwargs: ReadonlyMap<string, unknown>) => unknown;
  readonly attributes: ReadonlyMap<string, unknown> | undefined;
  constructor(
    label: string,
    call: (args: unknown[], kwargs: ReadonlyMap<string, unknown>) => unknown,
    attributes?: ReadonlyMap<string, unknown>,
  ) {
    this.label = label;
    this.call = call;
    this.attributes = attributes;
  }
}

/** Objects of the interpreter with named attributes (loop, imported modules, cycler). */
export class Facade {
  readonly label: string;
  readonly get: (name: string) => unknown;
  readonly invoke: ((args: unknown[], kwargs: ReadonlyMap<string, unknown>) => unknown) | undefined;
  /** What it prints, where that is not its label. */
  readonly text: (() => string) | undefined;
  constructor(
    label: string,
    get: (name: string) => unknown,
    invoke?: (args: unknown[], kwargs: ReadonlyMap<string, unknown>) => unknown,
    text?: () => string,
  ) {
    this.label = label;
    this.get = get;
    this.invoke = invoke;
    this.text = text;
  }
}

/** A name that has no value; using it is an error, testing it is not. */
export class Undefined {
  readonly variable: string;
  readonly message: string;
  /** Prints nothing, is false and holds nothing: the value of an inline if without else. */
  readonly lenient: boolean;
  constructor(variable: string, message = `'${variable}' is undefined`, lenient = false) {
    this.variable = variable;
    this.message = message;
    this.lenient = lenient;
  }
  fail(): never {
    throw new TemplateError('undefined', this.message, { variable: this.variable });
  }
}

export type Mapping = ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>;

export function isPlainObject(v: unknown): v is Record<string, unknown> {
  if (typeof v !== 'object' || v === null) return false;
  const p: unknown = Object.getPrototypeOf(v);
  return p === null || p === Object.prototype;
}

export const isMapping = (v: unknown): v is Mapping => v instanceof Map || isPlainObject(v);
export const isNumber = (v: unknown): boolean =>
  typeof v === 'number' || typeof v === 'bigint' || typeof v === 'boolean' || v instanceof PyFloat;
export const isFloat = (v: unknown): boolean => (typeof v === 'number' && !Number.isInteger(v)) || v instanceof PyFloat;
export const isInt = (v: unknown): v is number | bigint =>
  typeof v === 'bigint' || (typeof v === 'number' && Number.isInteger(v));

/** A float result as a template value. */
export const asFloat = (x: number): number | PyFloat => (Number.isInteger(x) ? new PyFloat(x) : x);

/** An int result, kept small where it can be. */
export const asInt = (x: bigint): number | bigint =>
  x >= BigInt(Number.MIN_SAFE_INTEGER) && x <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(x) : x;

export function toNumber(v: unknown): number {
  if (typeof v === 'number') return v;
  if (v instanceof PyFloat) return v.value;
  if (typeof v === 'boolean') return v ? 1 : 0;
  if (typeof v === 'bigint') return Number(v);
  throw typeError(`a number was expected, not ${typeName(v)}`);
}

export function entriesOf(m: Mapping): [unknown, unknown][] {
  return m instanceof Map ? [...m] : Object.entries(m);
}
export function keysOf(m: Mapping): unknown[] {
  return m instanceof Map ? [...m.keys()] : Object.keys(m);
}
export const sizeOf = (m: Mapping): number => (m instanceof Map ? m.size : Object.keys(m).length);

/** The value of a key, own entries only; undefined = no such key. A template's key is looked for under its meter. */
export function lookup(m: Mapping, key: unknown, meter?: Meter): unknown {
  if (m instanceof Map) {
    if (m.has(key)) return m.get(key);
    // Equal numbers are the same key, whatever they are made of.
    if (typeof key === 'object' || typeof key === 'bigint' || typeof key === 'boolean') {
      for (const k of m.keys()) if (equals(k, key, meter)) return m.get(k);
    }
    return undefined;
  }
  if (typeof key !== 'string') return undefined;
  return Object.hasOwn(m, key) ? (m as Record<string, unknown>)[key] : undefined;
}

export function typeName(v: unknown): string {
  if (v === null) return 'NoneType';
  if (typeof v === 'boolean') return 'bool';
  if (isInt(v)) return 'int';
  if (isFloat(v)) return 'float';
  if (typeof v === 'string') return 'str';
  if (v instanceof Tuple) return 'tuple';
  if (Array.isArray(v)) return 'list';
  if (isMapping(v)) return 'dict';
  if (v instanceof PyRange) return 'range';
  if (v instanceof Callable) return 'function';
  if (v instanceof Undefined) return 'Undefined';
  return 'object';
}

export function truthy(v: unknown): boolean {
  if (typeof v === 'boolean') return v;
  if (v === null || v === undefined) return false;
  if (typeof v === 'string') return v.length > 0;
  if (typeof v === 'number') return v !== 0;
  if (typeof v === 'bigint') return v !== 0n;
  if (v instanceof PyFloat) return v.value !== 0;
  if (Array.isArray(v)) return v.length > 0;
  if (v instanceof PyRange) return v.length > 0;
  if (v instanceof Undefined) return v.lenient ? false : v.fail();
  if (isMapping(v)) return sizeOf(v) > 0;
  return true;
}

/** Python's `==`; each pair of values within counts as a step, for lists may share their parts. */
export function equals(a: unknown, b: unknown, meter?: Meter): boolean {
  meter?.step();
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length !== b.length) return false;
    meter?.scan(a.length);
    return a === b;
  }
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) {
    if (typeof a === 'bigint' && typeof b === 'bigint') return a === b;
    return toNumber(a) === toNumber(b);
  }
  if (a instanceof Undefined || b instanceof Undefined) {
    if (a instanceof Undefined) a.fail();
    return (b as Undefined).fail();
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a instanceof Tuple !== b instanceof Tuple) return false;
    return a.length === b.length && a.every((x, i) => equals(x, b[i], meter));
  }
  if (a instanceof PyRange && b instanceof PyRange) {
    const n = a.length;
    return n === b.length && (n === 0 || (a.start === b.start && (n === 1 || a.step === b.step)));
  }
  if (isMapping(a) && isMapping(b)) {
    if (sizeOf(a) !== sizeOf(b)) return false;
    return entriesOf(a).every(([k, v]) => {
      const w = lookup(b, k, meter);
      return w !== undefined && equals(v, w, meter);
    });
  }
  return false;
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

/** Order of two values; @throws TemplateError type where Python has none. */
export function compare(a: unknown, b: unknown, operator = '<', meter?: Meter): number {
  meter?.step();
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  if (a instanceof Undefined) a.fail();
  if (b instanceof Undefined) b.fail();
  if (typeof a === 'string' && typeof b === 'string') {
    meter?.scan(Math.min(a.length, b.length));
    return compareText(a, b);
  }
  if (isNumber(a) && isNumber(b)) {
    if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
    return toNumber(a) - toNumber(b);
  }
  if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      if (equals(a[i], b[i], meter)) continue;
      return compare(a[i], b[i], operator, meter);
    }
    return a.length - b.length;
  }
  throw typeError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}
