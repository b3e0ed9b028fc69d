// SPDX-License-Identifier: Apache-2.0
import type { Environment } from './environment.ts';
import { TemplateError, typeError } from './errors.ts';
import { filters } from './filters.ts';
import type { Block, CompiledTemplate } from './compile.ts';
import { Meter } from './meter.ts';
import type { Limits } from './meter.ts';
import { methodOf } from './methods.ts';
import { characters, iterate, lookThrough } from './operations.ts';
import { testsByName } from './tests.ts';
import {
  Callable,
  Facade,
  Namespace,
  PyFloat,
  PyRange,
  Undefined,
  isFloat,
  isInt,
  isMapping,
  isNumber,
  lookup,
  toNumber,
} from './values.ts';

/** Names of one scope; what it lacks is looked for outside. */
export class Frame {
  readonly vars = new Map<string, unknown>();
  readonly outer: Frame | null;
  /** True below `without context`: the data of the rendering is out of sight. */
  readonly bare: boolean;
  /** Names that an import brought here; what imports this template does not get them. */
  imported: Set<string> | null = null;
  constructor(outer: Frame | null, bare = outer?.bare ?? false) {
    this.outer = outer;
    this.bare = bare;
  }
  get(name: string): unknown {
    const v = this.vars.get(name);
    if (v !== undefined) return v;
    for (let f = this.outer; f; f = f.outer) {
      const w = f.vars.get(name);
      if (w !== undefined) return w;
    }
    return undefined;
  }
}

export type Data = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;

/** One rendering: its data, output, limits and where it is. */
export class Rendering implements Environment {
  readonly meter: Meter;
  readonly data: Data;
  readonly load: ((name: string) => CompiledTemplate | undefined) | undefined;
  readonly #draw: ((n: number) => number) | undefined;
  out: string[] = [];
  capturing = 0;
  line = 0;
  template = '';
  /** Blocks by name, the most derived first. */
  blocks = new Map<string, Block[]>();
  /** What the running template extends. */
  parent: CompiledTemplate | null = null;
  /** True where a derived template stands outside of its blocks: nothing is printed. */
  silent = false;

  constructor(
    data: Data,
    load: ((name: string) => CompiledTemplate | undefined) | undefined,
    draw: ((n: number) => number) | undefined,
    limits: Partial<Limits> | undefined,
  ) {
    this.data = data;
    this.load = load;
    this.#draw = draw;
    this.meter = new Meter(limits);
  }

  emit(text: string): void {
    if (this.silent) return;
    if (this.capturing > 0) this.meter.chars(text.length);
    else this.meter.output(text.length);
    this.out.push(text);
  }

  /** What `body` prints, as a string. */
  capture(body: () => void): string {
    const { out, silent } = this;
    this.out = [];
    this.silent = false;
    this.capturing++;
    try {
      body();
      return this.out.join('');
    } finally {
      this.out = out;
      this.silent = silent;
      this.capturing--;
    }
  }

  global(name: string, bare = false): unknown {
    if (bare) return globals(this).get(name);
    const own = this.data instanceof Map ? (this.data.get(name) as unknown) : lookup(this.data, name);
    if (own !== undefined) return own;
    return globals(this).get(name);
  }

  draw(n: number): number {
    if (!this.#draw) throw new TemplateError('filter', 'there is no random stream here');
    return this.#draw(n);
  }

  filter(name: string, value: unknown, args: unknown[], kwargs: ReadonlyMap<string, unknown>): unknown {
    this.meter.step();
    if (name === 'default' || name === 'd') return defaultFilter(value, args, kwargs);
    const filter = filters.get(name);
    if (!filter) throw new TemplateError('syntax', `No filter named '${name}'.`);
    if (value instanceof Undefined && name !== 'items') value.fail();
    lookThrough(value, this.meter);
    return filter(value, args, kwargs, this);
  }

  test(name: string, value: unknown, args: unknown[]): boolean {
    this.meter.step();
    const test = testsByName.get(name);
    if (!test) throw new TemplateError('syntax', `No test named '${name}'.`);
    lookThrough(value, this.meter);
    return test(value, args, this);
  }

  attribute(value: unknown, path: string | number): unknown {
    this.meter.step(typeof path === 'number' ? 1 : 1 + (path.length >> 3));
    if (typeof path === 'number') return item(this, value, path, String(path), false);
    let v = value;
    for (const part of path.split('.')) {
      const group = Array.isArray(v) && 'isGroup' in v;
      v = item(this, v, /^\d+$/.test(part) ? Number(part) : part, part, group);
    }
    return v;
  }

  call(callee: unknown, args: unknown[], kwargs: ReadonlyMap<string, unknown>, what: () => string): unknown {
    this.meter.step();
    if (callee instanceof Callable) return callee.call(args, kwargs);
    if (callee instanceof Facade && callee.invoke) return callee.invoke(args, kwargs);
    if (callee instanceof Undefined) callee.fail();
    throw typeError(`'${what()}' is not callable`);
  }
}

function defaultFilter(value: unknown, args: unknown[], kwargs: ReadonlyMap<string, unknown>): unknown {
  const fallback = args[0] ?? kwargs.get('default_value') ?? '';
  const boolean = args[1] ?? kwargs.get('boolean') ?? false;
  if (value instanceof Undefined) return fallback;
  if (boolean !== false && boolean !== null && isFalsy(value)) return fallback;
  return value;
}
const isFalsy = (v: unknown): boolean =>
  v === null ||
  v === false ||
  v === 0 ||
  v === '' ||
  v === 0n ||
  (v instanceof PyFloat && v.value === 0) ||
  (Array.isArray(v) && v.length === 0) ||
  (isMapping(v) && iterateSize(v) === 0);
const iterateSize = (v: unknown): number => (v instanceof Map ? v.size : Object.keys(v as object).length);

/** What an undefined value will be called; asked for only where one is. */
export type Path = string | (() => string);
const missing = (path: Path): Undefined => new Undefined(typeof path === 'string' ? path : path());

/** `a.name`: a method first, then an entry. */
export function attribute(r: Rendering, object: unknown, name: string, path: Path): unknown {
  if (object instanceof Undefined) object.fail();
  const method = methodOf(object, name);
  if (method) {
    const run = method as unknown as (s: unknown, a: unknown[], m: Meter, k: unknown) => unknown;
    r.meter.objects(1);
    return new Callable(`method ${name}`, (args, kwargs) => {
      lookThrough(object, r.meter);
      return run(object, args, r.meter, kwargs);
    });
  }
  if (object instanceof Namespace) return object.attributes.get(name) ?? missing(path);
  if (object instanceof Facade) return object.get(name) ?? missing(path);
  if (object instanceof Callable) return object.attributes?.get(name) ?? missing(path);
  if (Array.isArray(object) && 'isGroup' in object) {
    if (name === 'grouper') return object[0];
    if (name === 'list') return object[1];
  }
  if (isMapping(object)) {
    const v = lookup(object, name);
    if (v !== undefined) return v;
  }
  if (isNumber(object) && (name === 'real' || name === 'imag')) return partOf(object, name);
  if (object instanceof PyRange && (name === 'start' || name === 'stop' || name === 'step')) return object[name];
  return missing(path);
}

/** Numbers here have no imaginary part. */
function partOf(n: unknown, name: 'real' | 'imag'): unknown {
  if (name === 'real') return typeof n === 'boolean' ? Number(n) : n;
  return isFloat(n) ? new PyFloat(0) : 0;
}

/** `a[key]`: an entry first, then a method where those count. */
export function item(r: Rendering, object: unknown, key: unknown, path: Path, methods = true): unknown {
  if (object instanceof Undefined) object.fail();
  if (key instanceof Undefined) key.fail();
  if (isMapping(object)) {
    const v = lookup(object, key, r.meter);
    if (v !== undefined) return v;
  } else if (Array.isArray(object) || object instanceof PyRange || typeof object === 'string') {
    if (isInt(key) || typeof key === 'boolean') {
      const seq = typeof object === 'string' ? characters(object, r.meter) : object;
      const i = toNumber(key);
      const at = i < 0 ? i + seq.length : i;
      if (at < 0 || at >= seq.length) return missing(path);
      return seq instanceof PyRange ? seq.at(at) : seq[at];
    }
    if (typeof key !== 'string') return missing(path);
  }
  if (typeof key === 'string' && methods) return attribute(r, object, key, path);
  if (object instanceof Namespace && typeof key === 'string') return object.attributes.get(key) ?? missing(path);
  return missing(path);
}

const MAX_RANGE = 1_000_000;
const cache = new WeakMap<Rendering, Map<string, unknown>>();

/** Jinja's global functions. */
function globals(r: Rendering): Map<string, unknown> {
  const have = cache.get(r);
  if (have) return have;
  const map = new Map<string, unknown>([
    [
      'range',
      new Callable('function range', (args) => {
        const [a, b, c] = args.map((x) => {
          if (!isInt(x) && typeof x !== 'boolean') throw typeError('range takes integers');
          return toNumber(x);
        });
        if (a === undefined) throw typeError('range expected at least 1 argument, got 0');
        const range = b === undefined ? new PyRange(0, a, 1) : new PyRange(a, b, c ?? 1);
        if (range.step === 0) throw typeError('range() arg 3 must not be zero');
        if (!(range.length <= MAX_RANGE)) throw new TemplateError('limit', `range of more than ${MAX_RANGE} numbers`);
        r.meter.objects(1);
        return range;
      }),
    ],
    [
      'dict',
      new Callable('function dict', (args, kwargs) => {
        const out = new Map<unknown, unknown>();
        const from = args[0];
        if (isMapping(from)) for (const [k, v] of from instanceof Map ? from : Object.entries(from)) out.set(k, v);
        else if (from !== undefined) {
          for (const pair of iterate(from, r.meter)) {
            const [k, v] = iterate(pair, r.meter);
            out.set(k, v);
          }
        }
        for (const [k, v] of kwargs) out.set(k, v);
        r.meter.objects(1);
        r.meter.elements(out.size * 4);
        return out;
      }),
    ],
    [
      'namespace',
      new Callable('function namespace', (args, kwargs) => {
        r.meter.objects(1);
        const ns = new Namespace();
        const from = args[0];
        if (isMapping(from))
          for (const [k, v] of from instanceof Map ? from : Object.entries(from)) ns.attributes.set(String(k), v);
        for (const [k, v] of kwargs) ns.attributes.set(k, v);
        return ns;
      }),
    ],
    [
      'cycler',
      new Callable('function cycler', (args) => {
        r.meter.objects(3);
        return cycler(args);
      }),
    ],
    [
      'joiner',
      new Callable('function joiner', (args, kwargs) => {
        r.meter.objects(1);
        const separator = args[0] ?? kwargs.get('sep') ?? ', ';
        let used = false;
        return new Callable('joiner', () => {
          if (used) return separator;
          used = true;
          return '';
        });
      }),
    ],
    [
      'lipsum',
      new Callable('function lipsum', () => {
        throw new TemplateError('filter', 'lipsum() is not supported: write the text, or draw it with random_sentence');
      }),
    ],
  ]);
  cache.set(r, map);
  return map;
}

function cycler(items: unknown[]): Facade {
  if (items.length === 0) throw typeError('at least one item has to be provided');
  let at = 0;
  const next = new Callable('next', () => {
    const v = items[at];
    at = (at + 1) % items.length;
    return v;
  });
  const reset = new Callable('reset', () => {
    at = 0;
    return null;
  });
  return new Facade('cycler', (name) =>
    name === 'next' ? next : name === 'reset' ? reset : name === 'current' ? items[at] : undefined,
  );
}

/** Names that a template may read without anybody giving them. */
export const globalNames: ReadonlySet<string> = new Set(['range', 'dict', 'namespace', 'cycler', 'joiner', 'lipsum']);
