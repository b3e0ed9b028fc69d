// SPDX-License-Identifier: Apache-2.0
import { compare, equals } from './compare.ts';
import { hashable } from './dict.ts';
import { int } from './environment.ts';
import type { Environment } from './environment.ts';
import type { FilterRow } from './filters.ts';
import { typeError } from './errors.ts';
import { escaped } from './markup.ts';
import { binary, eachOf, iterate, listOf } from './operations.ts';
import { toText } from './text.ts';
import {
  entriesOf,
  Group,
  isMapping,
  Markup,
  plainText,
  isNumber,
  sizeOf,
  Stream,
  toNumber,
  truthy,
  Tuple,
  typeName,
  Undefined,
  View,
} from './values.ts';

/** The items of a value in a list of its own, counted. */
function itemsOf(v: unknown, env: Environment): unknown[] {
  const items = iterate(v, env.meter);
  env.meter.step(items.length);
  env.meter.elements(items.length);
  return [...items];
}

/** What is made one by one, when it is asked for. */
function stream(env: Environment, items: Iterable<unknown>): Stream {
  env.meter.objects(1);
  return new Stream(items);
}

type Key = (item: unknown) => unknown;

/** Reads `a.b.0` of an item; where a part is missing, a default stands for it. */
function reader(attributeArg: unknown, env: Environment, fallback?: unknown): Key {
  const attribute = plainText(attributeArg);
  const parts =
    typeof attribute === 'string' ? attribute.split('.').map((p) => (/^\d+$/.test(p) ? Number(p) : p)) : [attribute];
  const cost = typeof attribute === 'string' ? 1 + (attribute.length >> 3) : 1;
  return (item) => {
    env.meter.step(cost);
    let value = item;
    for (const part of parts) {
      value = env.item(value, part);
      if (value instanceof Undefined && fallback !== undefined && fallback !== null) value = fallback;
    }
    return value;
  };
}
const isGiven = (attribute: unknown): boolean => attribute !== undefined && attribute !== null;

function lowered(value: unknown, fold: boolean, env: Environment): unknown {
  const v = plainText(value);
  if (!fold || typeof v !== 'string') return v;
  env.meter.scan(v.length);
  env.meter.chars(v.length);
  return v.toLowerCase();
}

/** What items are told apart by: themselves or an attribute, texts without their case unless that counts. */
function keyOf(attribute: unknown, env: Environment, caseSensitive: unknown, fallback?: unknown): Key {
  const fold = !truthy(caseSensitive ?? false);
  const read: Key = isGiven(attribute) ? reader(attribute, env, fallback) : (item) => item;
  return (item) => lowered(read(item), fold, env);
}

/** The key of `sort`, which takes several attributes. */
function sortKey(attribute: unknown, env: Environment, caseSensitive: unknown): Key {
  if (typeof attribute !== 'string' || !attribute.includes(',')) return keyOf(attribute, env, caseSensitive);
  const keys = attribute.split(',').map((a) => keyOf(a, env, caseSensitive));
  return (item) => {
    env.meter.elements(keys.length);
    return keys.map((key) => key(item));
  };
}

function sorted(items: readonly unknown[], key: Key, reverse: boolean, env: Environment): unknown[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  const sign = reverse ? -1 : 1;
  // One item is in order, whatever it is.
  keyed.sort((a, b) => sign * compare(a.key, b.key, '<', env.meter));
  return keyed.map((x) => x.item);
}

/** `select` and its kin: by a test, on the item or an attribute of it. */
const choosing = (keep: boolean, byAttribute: boolean): FilterRow => [
  '*',
  (v, args, env, kwargs) => {
    const [attribute, ...rest] = byAttribute ? args : [undefined, ...args];
    if (byAttribute && attribute === undefined) throw typeError('Missing parameter for attribute name');
    const [test, ...more] = rest;
    return stream(env, chosen());
    function* chosen(): Generator<unknown> {
      if (!truthy(v)) return;
      const read: Key = byAttribute ? reader(attribute, env) : (item) => item;
      for (const item of eachOf(v, env.meter)) {
        const value = read(item);
        const passes = test === undefined ? truthy(value) : env.test(toText(test), value, more, kwargs);
        if (passes === keep) yield item;
      }
    }
  },
];

const extreme = (sign: number): FilterRow => [
  'case_sensitive? attribute?',
  (v, [caseSensitive, attribute], env) => {
    const key = keyOf(attribute, env, caseSensitive);
    const items = itemsOf(v, env);
    if (items.length === 0) return new Undefined('sequence', 'No aggregated item, sequence was empty.');
    return items.reduce((best, item) => (compare(key(item), key(best), '<', env.meter) * sign > 0 ? item : best));
  },
];

function* unique(v: unknown, key: Key, env: Environment): Generator<unknown> {
  const seen = new Set<unknown>();
  const odd: unknown[] = [];
  for (const item of eachOf(v, env.meter)) {
    env.meter.step();
    const id = hashable(plainText(key(item)));
    const isPlain = typeof id === 'string';
    if (isPlain ? seen.has(id) : odd.some((o) => equals(o, id, env.meter))) continue;
    env.meter.elements(2);
    if (isPlain) seen.add(id);
    else odd.push(id);
    yield item;
  }
}

function* batched(v: unknown, size: unknown, fill: unknown, env: Environment): Generator<unknown> {
  if (size instanceof Undefined) size.fail();
  // What is no number is no length that a batch could reach.
  const n = isNumber(size) ? toNumber(size) : NaN;
  let row: unknown[] = [];
  for (const item of eachOf(v, env.meter)) {
    if (row.length === n) {
      yield row;
      row = [];
    }
    if (row.length === 0) env.meter.pieces(1);
    env.meter.elements(1);
    row.push(item);
  }
  if (row.length === 0) return;
  if (fill !== undefined && fill !== null) {
    if (!isNumber(size)) throw typeError(`a number of items was expected, not ${typeName(size)}`);
    env.meter.elements(n - row.length);
    while (row.length < n) row.push(fill);
  }
  yield row;
}

function* sliced(v: unknown, countArg: unknown, fill: unknown, env: Environment): Generator<unknown> {
  const items = itemsOf(v, env);
  const n = int(countArg);
  if (n === 0) throw typeError('integer division or modulo by zero');
  const each = Math.floor(items.length / n);
  const extra = items.length - each * n;
  let start = 0;
  for (let i = 0; i < n; i++) {
    env.meter.pieces(1);
    const end = start + each + (i < extra ? 1 : 0);
    const row = items.slice(start, end);
    start = end;
    if (fill !== undefined && fill !== null && i >= extra) row.push(fill);
    yield row;
  }
}

function* pairs(v: unknown, env: Environment): Generator<unknown> {
  if (v instanceof Undefined) return;
  if (!isMapping(v)) throw typeError('Can only get item pairs from a mapping.');
  env.meter.elements(sizeOf(v, env.meter) * 8);
  for (const [key, value] of entriesOf(v)) yield Tuple.of2(key, value);
}

/** The attribute of every item, or the items themselves. */
function attributesOf(v: unknown, attribute: unknown, env: Environment): unknown[] {
  const items = itemsOf(v, env);
  return isGiven(attribute) ? items.map(reader(attribute, env)) : items;
}

/** `join` where output is escaped: HTML among the items or between them makes HTML of all. */
function joinedHtml(items: readonly unknown[], separator: unknown, env: Environment): unknown {
  const by = separator ?? '';
  if (!(by instanceof Markup) && !items.some((x) => x instanceof Markup)) {
    const texts = items.map((x) => toText(x, env.meter));
    env.meter.chars(texts.reduce((n, t) => n + t.length + toText(by).length, 0));
    return texts.join(toText(by));
  }
  const texts = items.map((x) => escaped(x, env.meter).text);
  const between = escaped(by, env.meter).text;
  env.meter.chars(texts.reduce((n, t) => n + t.length + between.length, 0));
  return new Markup(texts.join(between));
}

export const listFilters: Record<string, FilterRow> = {
  first: [
    '',
    (v, _a, env) => {
      for (const item of eachOf(v, env.meter)) return item;
      return new Undefined('first', 'No first item, sequence was empty.');
    },
  ],
  last: [
    '',
    (v, _a, env) => {
      if (v instanceof Stream) throw typeError("'generator' object is not reversible: put |list before it");
      const items = iterate(v, env.meter);
      return items.length > 0 ? items.at(-1) : new Undefined('last', 'No last item, sequence was empty.');
    },
  ],
  random: [
    '',
    (v, _a, env) => {
      if (v instanceof Stream || v instanceof View) throw typeError(`'${typeName(v)}' object is not subscriptable`);
      const items = iterate(v, env.meter);
      return items.length > 0
        ? items[env.draw(items.length)]
        : new Undefined('random', 'No random item, sequence was empty.');
    },
  ],
  join: [
    'd? attribute?',
    (v, [separator, attribute], env) => {
      if (env.autoescape) return joinedHtml(attributesOf(v, attribute, env), separator, env);
      const by = separator === undefined ? '' : toText(separator, env.meter);
      const texts = attributesOf(v, attribute, env).map((item) => toText(item, env.meter));
      env.meter.chars(texts.reduce((n, t) => n + t.length + by.length, 0));
      return texts.join(by);
    },
  ],
  reverse: [
    '',
    (v, _a, env) => {
      if (typeof v === 'string') {
        env.meter.chars(v.length);
        return listOf(v, env.meter).reverse().join('');
      }
      const items = itemsOf(v, env).reverse();
      // Of what can't be gone through backwards it makes a list.
      return v instanceof Stream ? items : stream(env, items);
    },
  ],
  sort: [
    'reverse? case_sensitive? attribute?',
    (v, [reverse, caseSensitive, attribute], env) =>
      sorted(itemsOf(v, env), sortKey(attribute, env, caseSensitive), int(reverse, 0) !== 0, env),
  ],
  unique: [
    'case_sensitive? attribute?',
    (v, [caseSensitive, attribute], env) => stream(env, unique(v, keyOf(attribute, env, caseSensitive), env)),
  ],
  groupby: [
    'attribute default? case_sensitive?',
    (v, [attribute, fallback, caseSensitive], env) => {
      const key = keyOf(attribute, env, caseSensitive, fallback);
      const exact = keyOf(attribute, env, true, fallback);
      const groups: Group[] = [];
      let last: unknown;
      for (const item of sorted(itemsOf(v, env), key, false, env)) {
        const id = key(item);
        const group = groups.at(-1);
        if (group && equals(last, id, env.meter)) (group[1] as unknown[]).push(item);
        else {
          env.meter.objects(1);
          const made = new Group();
          made.push(exact(item), [item]);
          groups.push(made);
          last = id;
        }
      }
      return groups;
    },
  ],
  sum: [
    'attribute? start?',
    (v, [attribute, start], env) => {
      if (typeof start === 'string') throw typeError("sum() can't sum strings [use ''.join(seq) instead]");
      return attributesOf(v, attribute, env).reduce((sum, item) => binary('+', sum, item, env.meter), start ?? 0);
    },
  ],
  min: extreme(-1),
  max: extreme(1),
  batch: ['linecount fill_with?', (v, [size, fill], env) => stream(env, batched(v, size, fill, env))],
  slice: ['slices fill_with?', (v, [count, fill], env) => stream(env, sliced(v, count, fill, env))],
  items: ['', (v, _a, env) => stream(env, pairs(v, env))],
  list: ['', (v, _a, env) => itemsOf(v, env)],
  dictsort: [
    'case_sensitive? by? reverse?',
    (v, [caseSensitive, by, reverse], env) => {
      if (!isMapping(v)) throw typeError(`dictsort takes a mapping, not ${typeName(v)}`);
      const at = by === undefined || by === 'key' ? 0 : by === 'value' ? 1 : null;
      if (at === null) throw typeError('You can only sort by either "key" or "value"');
      const fold = !truthy(caseSensitive ?? false);
      env.meter.elements(sizeOf(v, env.meter) * 8);
      const entries = entriesOf(v).map(([key, value]) => Tuple.of2(key, value));
      return sorted(entries, (p) => lowered((p as Tuple)[at], fold, env), int(reverse, 0) !== 0, env);
    },
  ],
  map: [
    '*',
    (v, args, env, kwargs) => {
      if (args.length === 0 && kwargs.has('attribute')) {
        for (const key of kwargs.keys())
          if (key !== 'attribute' && key !== 'default') throw typeError(`Unexpected keyword argument '${key}'`);
        const read = reader(kwargs.get('attribute'), env, kwargs.get('default'));
        return stream(env, mapped(v, read, env));
      }
      const [name, ...rest] = args;
      if (name === undefined) throw typeError('map requires a filter argument');
      return stream(
        env,
        mapped(v, (item) => env.filter(toText(name), item, rest, kwargs), env),
      );
    },
  ],
  select: choosing(true, false),
  reject: choosing(false, false),
  selectattr: choosing(true, true),
  rejectattr: choosing(false, true),
  attr: ['name', (v, [name], env) => env.attribute(v, toText(name))],
};

function* mapped(v: unknown, of: Key, env: Environment): Generator<unknown> {
  if (!truthy(v)) return;
  for (const item of eachOf(v, env.meter)) yield of(item);
}
