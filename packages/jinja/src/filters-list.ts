// SPDX-License-Identifier: Apache-2.0
import { int, named } from './environment.ts';
import type { Environment, Filter } from './environment.ts';
import { typeError } from './errors.ts';
import { binary, iterate, listOf } from './operations.ts';
import { toText } from './text.ts';
import {
  compare,
  entriesOf,
  equals,
  Facade,
  isMapping,
  sizeOf,
  toNumber,
  truthy,
  Tuple,
  typeName,
  Undefined,
} from './values.ts';

/** The items of a value, counted: filters build a list of them. */
function itemsOf(v: unknown, env: Environment): unknown[] {
  const items = iterate(v, env.meter);
  env.meter.step(items.length);
  env.meter.elements(items.length);
  return [...items];
}

type Key = (item: unknown) => unknown;
function keyOf(attribute: unknown, env: Environment, caseSensitive: unknown, fallback?: unknown): Key {
  const fold = !truthy(caseSensitive ?? false);
  const paths =
    attribute === undefined || attribute === null
      ? null
      : typeof attribute === 'string'
        ? attribute.split(',')
        : [toNumber(attribute)];
  const get = (item: unknown, path: string | number): unknown => {
    const found = env.attribute(item, path);
    if (found instanceof Undefined && fallback !== undefined) return fallback;
    return found;
  };
  return (item) => {
    if (paths === null) return lowered(item, fold, env);
    if (paths.length === 1) return lowered(get(item, paths[0] ?? ''), fold, env);
    env.meter.elements(paths.length);
    return paths.map((p) => lowered(get(item, p), fold, env));
  };
}
function lowered(v: unknown, fold: boolean, env: Environment): unknown {
  if (!fold || typeof v !== 'string') return v;
  env.meter.scan(v.length);
  env.meter.chars(v.length);
  return v.toLowerCase();
}

function sorted(items: readonly unknown[], key: Key, reverse: boolean, env: Environment): unknown[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((a, b) => (reverse ? compare(b.key, a.key, '<', env.meter) : compare(a.key, b.key, '<', env.meter)));
  return keyed.map((x) => x.item);
}

/** `map`, `select` and their kin: by a test or filter name, or by attribute. */
function chooser(name: string, keep: boolean, byAttribute: boolean): Filter {
  return (v, args, _kwargs, env) => {
    const rest = [...args];
    let read: Key = (item) => item;
    if (byAttribute) {
      const attribute = rest.shift();
      if (attribute === undefined) throw typeError(`${name} takes the name of an attribute`);
      read = (item) => env.attribute(item, typeof attribute === 'string' ? attribute : toNumber(attribute));
    }
    const test = rest.shift();
    const passes = (item: unknown): boolean =>
      test === undefined ? truthy(read(item)) : env.test(toText(test), read(item), rest);
    return itemsOf(v, env).filter((item) => passes(item) === keep);
  };
}

const extreme =
  (sign: number): Filter =>
  (v, args, kwargs, env) => {
    const [caseSensitive, attribute] = named(sign < 0 ? 'min' : 'max', ['case_sensitive', 'attribute'], args, kwargs);
    const key = keyOf(attribute, env, caseSensitive);
    const items = itemsOf(v, env);
    if (items.length === 0) return new Undefined('sequence', 'No aggregated item, sequence was empty.');
    return items.reduce((best, item) => (compare(key(item), key(best), '<', env.meter) * sign > 0 ? item : best));
  };

export const listFilters: Record<string, Filter> = {
  first: (v, _a, _k, env) => {
    const items = iterate(v, env.meter);
    return items.length > 0 ? items[0] : new Undefined('first', 'No first item, sequence was empty.');
  },
  last: (v, _a, _k, env) => {
    const items = iterate(v, env.meter);
    return items.length > 0 ? items.at(-1) : new Undefined('last', 'No last item, sequence was empty.');
  },
  random: (v, _a, _k, env) => {
    const items = iterate(v, env.meter);
    return items.length > 0
      ? items[env.draw(items.length)]
      : new Undefined('random', 'No random item, sequence was empty.');
  },
  join: (v, a, k, env) => {
    const [separator, attribute] = named('join', ['d', 'attribute'], a, k);
    const by = separator === undefined ? '' : toText(separator, env.meter);
    let items = itemsOf(v, env);
    if (attribute !== undefined && attribute !== null) {
      items = items.map((item) => env.attribute(item, typeof attribute === 'string' ? attribute : toNumber(attribute)));
    }
    const texts = items.map((item) => toText(item, env.meter));
    env.meter.chars(texts.reduce((n, t) => n + t.length + by.length, 0));
    return texts.join(by);
  },
  reverse: (v, _a, _k, env) => {
    if (typeof v === 'string') {
      env.meter.chars(v.length);
      return listOf(v, env.meter).reverse().join('');
    }
    return itemsOf(v, env).reverse();
  },
  sort: (v, a, k, env) => {
    const [reverse, caseSensitive, attribute] = named('sort', ['reverse', 'case_sensitive', 'attribute'], a, k);
    return sorted(itemsOf(v, env), keyOf(attribute, env, caseSensitive), truthy(reverse ?? false), env);
  },
  unique: (v, a, k, env) => {
    const [caseSensitive, attribute] = named('unique', ['case_sensitive', 'attribute'], a, k);
    const key = keyOf(attribute, env, caseSensitive);
    const seen = new Set<unknown>();
    const odd: unknown[] = [];
    return itemsOf(v, env).filter((item) => {
      const id = key(item);
      if (id instanceof Undefined) id.fail();
      if (isMapping(id) || (Array.isArray(id) && !(id instanceof Tuple)))
        throw typeError(`unhashable type: '${typeName(id)}'`);
      if (typeof id === 'string') {
        if (seen.has(id)) return false;
        seen.add(id);
        return true;
      }
      if (odd.some((o) => equals(o, id, env.meter))) return false;
      odd.push(id);
      return true;
    });
  },
  groupby: (v, a, k, env) => {
    const [attribute, fallback, caseSensitive] = named('groupby', ['attribute', 'default', 'case_sensitive'], a, k);
    const key = keyOf(attribute, env, caseSensitive, fallback);
    const exact = keyOf(attribute, env, true, fallback);
    const groups: Tuple[] = [];
    let last: unknown;
    for (const item of sorted(itemsOf(v, env), key, false, env)) {
      const id = key(item);
      const group = groups.at(-1);
      if (group && equals(last, id, env.meter)) (group[1] as unknown[]).push(item);
      else {
        env.meter.objects(1);
        groups.push(Object.assign(Tuple.of2(exact(item), [item]), { isGroup: true }));
        last = id;
      }
    }
    return groups;
  },
  sum: (v, a, k, env) => {
    const [attribute, start] = named('sum', ['attribute', 'start'], a, k);
    let items = itemsOf(v, env);
    if (attribute !== undefined && attribute !== null) {
      items = items.map((item) => env.attribute(item, typeof attribute === 'string' ? attribute : toNumber(attribute)));
    }
    if (items.some((i) => typeof i === 'string')) throw typeError("unsupported operand type(s) for +: 'int' and 'str'");
    return items.reduce((sum, item) => binary('+', sum, item, env.meter), start ?? 0);
  },
  min: extreme(-1),
  max: extreme(1),
  batch: (v, a, k, env) => {
    const [countArg, fill] = named('batch', ['linecount', 'fill_with'], a, k);
    const n = int(countArg, 0);
    const items = itemsOf(v, env);
    if (n < 1) throw typeError('batch takes a number of at least 1');
    const rows: unknown[][] = [];
    env.meter.pieces(items.length / n);
    for (let i = 0; i < items.length; i += n) rows.push(items.slice(i, i + n));
    const last = rows.at(-1);
    if (last && fill !== undefined && fill !== null) {
      env.meter.elements(n);
      while (last.length < n) last.push(fill);
    }
    return rows;
  },
  slice: (v, a, k, env) => {
    const [countArg, fill] = named('slice', ['slices', 'fill_with'], a, k);
    const n = int(countArg, 0);
    const items = itemsOf(v, env);
    if (n < 1) throw typeError('slice takes a number of at least 1');
    env.meter.pieces(n);
    const each = Math.floor(items.length / n);
    const extra = items.length % n;
    let offset = 0;
    return Array.from({ length: n }, (_, i) => {
      const start = offset + i * each;
      if (i < extra) offset++;
      const row = items.slice(start, offset + (i + 1) * each);
      if (fill !== undefined && fill !== null && i >= extra) row.push(fill);
      return row;
    });
  },
  dictsort: (v, a, k, env) => {
    const [caseSensitive, by, reverse] = named('dictsort', ['case_sensitive', 'by', 'reverse'], a, k);
    if (!isMapping(v)) throw typeError(`dictsort takes a mapping, not ${typeName(v)}`);
    const at = by === undefined || by === 'key' ? 0 : by === 'value' ? 1 : null;
    if (at === null) throw typeError('You can only sort by either "key" or "value"');
    const fold = !truthy(caseSensitive ?? false);
    env.meter.elements(sizeOf(v) * 8);
    const pairs = entriesOf(v).map(([key, value]) => Tuple.of2(key, value));
    return sorted(pairs, (p) => lowered((p as Tuple)[at], fold, env), truthy(reverse ?? false), env);
  },
  map: (v, a, k, env) => {
    if (a.length === 0 && k.has('attribute')) {
      const attribute = k.get('attribute');
      const fallback = k.get('default');
      return itemsOf(v, env).map((item) => {
        const found = env.attribute(item, typeof attribute === 'string' ? attribute : toNumber(attribute));
        return found instanceof Undefined && k.has('default') ? fallback : found;
      });
    }
    const [name, ...rest] = a;
    if (name === undefined) throw typeError('map requires a filter argument');
    return itemsOf(v, env).map((item) => env.filter(toText(name), item, rest, k));
  },
  select: chooser('select', true, false),
  reject: chooser('reject', false, false),
  selectattr: chooser('selectattr', true, true),
  rejectattr: chooser('rejectattr', false, true),
  attr: (v, a, _k, env) => {
    const name = toText(a[0]);
    if (v instanceof Facade) return v.get(name);
    // Python's attr never falls back to items; data has no attributes.
    void env;
    return new Undefined(name, `'${typeName(v)} object' has no attribute '${name}'`);
  },
};
