// SPDX-License-Identifier: Apache-2.0
import { TemplateError, typeError } from './errors.ts';
import type { Meter } from './meter.ts';

/**
 * Template values in JavaScript: null, booleans, strings; ints are integer numbers, or bigint beyond 2^53; floats are
 * other numbers, or PyFloat where the value is an integer; lists are arrays; mappings are Dicts, or Maps and plain
 * objects of the data.
 */

/** A float whose value is an integer: prints as `1.0`. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Text that is HTML: it is not escaped (again). */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** HTML as the text that it is, where that makes no difference. */
export const plainText = (v: unknown): unknown => (v instanceof Markup ? v.text : v);

/** A Python tuple: a list that prints in parentheses. */
export class Tuple extends Array<unknown> {
  static of2(a: unknown, b: unknown): Tuple {
    const t = new Tuple();
    t.push(a, b);
    return t;
  }
  static fromItems(items: readonly unknown[]): Tuple {
    const t = new Tuple();
    t.length = items.length;
    for (let i = 0; i < items.length; i++) t[i] = items[i];
    return t;
  }
  // What filter and map make of a tuple is a list.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** A group of `groupby`: a tuple whose parts have names too. */
export class Group extends Tuple {}

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
  /** All its numbers, in a list that is made at its full length, so that it does not grow while it is filled. */
  toArray(): number[] {
    const out = new Array<number>(this.length);
    for (let i = 0; i < out.length; i++) out[i] = this.at(i);
    return out;
  }
}

/** What `map`, `select` and their kin give: items made one by one when they are asked for, and once only. */
export class Stream {
  readonly #items: Iterator<unknown>;
  /** Items that were made for a look at them; those from `#taken` on are there to be taken. */
  #made: unknown[] = [];
  #taken = 0;
  constructor(items: Iterable<unknown>) {
    this.#items = items[Symbol.iterator]();
  }
  /** Going through it does not end it: what is left is there for the next one. */
  [Symbol.iterator](): Iterator<unknown> {
    return {
      next: () => (this.#taken < this.#made.length ? { value: this.#made[this.#taken++] } : this.#items.next()),
    };
  }
  /** What is left, without taking it. */
  look(): readonly unknown[] {
    this.#made = this.#made.slice(this.#taken);
    this.#taken = 0;
    for (let next = this.#items.next(); !next.done; next = this.#items.next()) this.#made.push(next.value);
    return this.#made;
  }
}

/** `keys()`, `values()` or `items()` of a mapping. */
export class View {
  readonly of: Mapping;
  readonly kind: 'keys' | 'values' | 'items';
  constructor(of: Mapping, kind: 'keys' | 'values' | 'items') {
    this.of = of;
    this.kind = kind;
  }
  items(): unknown[] {
    switch (this.kind) {
      case 'keys':
        return keysOf(this.of);
      case 'values':
        return entriesOf(this.of).map(([, v]) => v);
      case 'items':
        return entriesOf(this.of).map(([k, v]) => Tuple.of2(k, v));
    }
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

/** An imported template; what it printed is HTML. */
export class Module extends Facade {}

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
  /** Where a lenient one counts as something empty. */
  get empty(): true {
    return this.lenient ? true : this.fail();
  }
}

export type Mapping = ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>;

export function isPlainObject(v: unknown): v is Record<string, unknown> {
  if (typeof v !== 'object' || v === null) return false;
  const p: unknown = Object.getPrototypeOf(v);
  return p === null || p === Object.prototype;
}

export const isMapping = (v: unknown): v is Mapping => v instanceof Map || isPlainObject(v);
/** A list that is no tuple. */
export const isList = (v: unknown): v is unknown[] => Array.isArray(v) && !(v instanceof Tuple);
export const isNumber = (v: unknown): boolean =>
  typeof v === 'number' || typeof v === 'bigint' || typeof v === 'boolean' || v instanceof PyFloat;
export const isFloat = (v: unknown): boolean => (typeof v === 'number' && !Number.isInteger(v)) || v instanceof PyFloat;
export const isInt = (v: unknown): v is number | bigint =>
  typeof v === 'bigint' || (typeof v === 'number' && Number.isInteger(v));
/** What Python takes for an index. */
export const isIndex = (v: unknown): v is number | bigint | boolean => typeof v === 'boolean' || isInt(v);

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
  if (v instanceof Undefined) v.fail();
  throw typeError(`a number was expected, not ${typeName(v)}`);
}

export function entriesOf(m: Mapping): [unknown, unknown][] {
  return m instanceof Map ? [...m] : Object.entries(m);
}
export function keysOf(m: Mapping): unknown[] {
  return m instanceof Map ? [...m.keys()] : Object.keys(m);
}
/** How many entries; those of plain objects have to be counted. */
export function sizeOf(m: Mapping, meter?: Meter): number {
  if (m instanceof Map) return m.size;
  const have = meter?.sizes.get(m);
  if (have !== undefined) return have;
  const n = Object.keys(m).length;
  meter?.step(n >> 2);
  if (n > LARGE) meter?.sizes.set(m, n);
  return n;
}
const LARGE = 256;

/** Large objects of the data that hold something, for to find it out takes as long as to count them. */
const filled = new WeakSet<object>();
function hasEntries(m: Mapping): boolean {
  if (m instanceof Map) return m.size > 0;
  if (filled.has(m)) return true;
  const n = sizeOf(m);
  if (n > LARGE) filled.add(m);
  return n > 0;
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
  if (v instanceof Stream) return 'generator';
  if (v instanceof View) return `dict_${v.kind}`;
  if (v instanceof Markup) return 'Markup';
  if (v instanceof Callable) return 'function';
  if (v instanceof Namespace) return 'Namespace';
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
  if (v instanceof View) return hasEntries(v.of);
  if (v instanceof Markup) return v.text.length > 0;
  if (v instanceof Undefined) return !v.empty;
  if (isMapping(v)) return hasEntries(v);
  return true;
}
