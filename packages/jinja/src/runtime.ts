// SPDX-License-Identifier: Apache-2.0
import { attributeOf, item } from './access.ts';
import type { Access } from './access.ts';
import { lookup } from './compare.ts';
import type { Block, CompiledTemplate } from './compile.ts';
import type { Environment, Kwargs } from './environment.ts';
import { TemplateError, typeError } from './errors.ts';
import { filters, keepsHtml, takesHtml, takesUndefined } from './filters.ts';
import { globalsOf } from './globals.ts';
import { escaped } from './markup.ts';
import { Meter } from './meter.ts';
import type { Limits } from './meter.ts';
import { lookThrough } from './operations.ts';
import { testsByName } from './tests.ts';
import { toText } from './text.ts';
import { Callable, Facade, isMapping, Markup, plainText, Undefined } from './values.ts';

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
export class Rendering implements Environment, Access {
  readonly meter: Meter;
  readonly data: Data;
  readonly load: ((name: string) => CompiledTemplate | undefined) | undefined;
  readonly entriesFirst: object | undefined;
  readonly #draw: ((n: number) => number) | undefined;
  #globals: ReadonlyMap<string, unknown> | undefined;
  #ofData: ReadonlySet<object> | undefined;
  out: string[] = [];
  /** True within `{% autoescape true %}`. */
  autoescape = false;
  capturing = 0;
  line = 0;
  template = '';
  /** Blocks by name, the most derived first. */
  blocks = new Map<string, Block[]>();
  /** What the running template extends. */
  parent: CompiledTemplate | null = null;
  /** True where a derived template stands outside of its blocks: its text and prints are skipped. */
  silent = false;

  constructor(
    data: Data,
    load: ((name: string) => CompiledTemplate | undefined) | undefined,
    draw: ((n: number) => number) | undefined,
    limits: Partial<Limits> | undefined,
    entriesFirst?: object,
  ) {
    this.data = data;
    this.entriesFirst = entriesFirst;
    this.load = load;
    this.#draw = draw;
    this.meter = new Meter(limits);
  }

  emit(text: string): void {
    if (this.capturing > 0) this.meter.chars(text.length);
    else this.meter.output(text.length);
    this.out.push(text);
  }

  /** Prints a value. */
  print(value: unknown): void {
    this.emit(this.autoescape ? escaped(value, this.meter).text : toText(value, this.meter));
  }

  /** What was captured, as a value: HTML where output is escaped. */
  captured(text: string): string | Markup {
    return this.autoescape ? new Markup(text) : text;
  }

  /** Runs what is another template, or another place of this one, with its own way to print. */
  escaping(on: boolean, run: () => void): void {
    const { autoescape } = this;
    this.autoescape = on;
    run();
    this.autoescape = autoescape;
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
    const own = bare ? undefined : lookup(this.data, name);
    if (own !== undefined) return own;
    this.#globals ??= globalsOf(this);
    return this.#globals.get(name);
  }

  draw(n: number): number {
    if (!this.#draw) throw new TemplateError('filter', 'there is no random stream here');
    return this.#draw(n);
  }

  filter(name: string, value: unknown, args: unknown[], kwargs: Kwargs): unknown {
    this.meter.step();
    const filter = filters.get(name);
    if (!filter) throw new TemplateError('syntax', `No filter named '${name}'.`);
    if (value instanceof Undefined && !value.lenient && !takesUndefined.has(name)) value.fail();
    lookThrough(value, this.meter);
    const bound = filter.bind(args, kwargs);
    if (!(value instanceof Markup) || takesHtml.has(name)) return filter.run(value, bound, this, kwargs);
    const out = filter.run(value.text, bound, this, kwargs);
    return typeof out === 'string' && keepsHtml.has(name) ? new Markup(out) : out;
  }

  test(name: string, value: unknown, args: unknown[], kwargs: Kwargs): boolean {
    this.meter.step();
    const test = testsByName.get(name);
    if (!test) throw new TemplateError('syntax', `No test named '${name}'.`);
    lookThrough(value, this.meter);
    const asText = name !== 'escaped' && name !== 'sameas';
    return test.run(asText ? plainText(value) : value, test.bind(args, kwargs), this);
  }

  item(value: unknown, key: unknown): unknown {
    return item(this, value, key, String(key));
  }

  attribute(value: unknown, name: string): unknown {
    if (value instanceof Undefined) value.fail();
    return attributeOf(this, value, name) ?? new Undefined(name);
  }

  call(callee: unknown, args: unknown[], kwargs: Kwargs, what: () => string): unknown {
    this.meter.step();
    if (callee instanceof Callable) return callee.call(args, kwargs);
    if (callee instanceof Facade && callee.invoke) return callee.invoke(args, kwargs);
    if (callee instanceof Undefined) callee.fail();
    throw typeError(`'${what()}' is not callable`);
  }

  isData(object: object): boolean {
    this.#ofData ??= holdersIn(this.data);
    return this.#ofData.has(object);
  }
}

/** All lists and mappings of the data. */
function holdersIn(data: unknown): Set<object> {
  const found = new Set<object>();
  const open: unknown[] = [data];
  for (let v = open.pop(); v !== undefined || open.length > 0; v = open.pop()) {
    if (typeof v !== 'object' || v === null || found.has(v)) continue;
    if (!Array.isArray(v) && !isMapping(v)) continue;
    found.add(v);
    for (const x of v instanceof Map ? (v.values() as Iterable<unknown>) : Object.values(v))
      if (typeof x === 'object' && x !== null) open.push(x);
  }
  return found;
}
