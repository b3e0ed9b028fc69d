// SPDX-License-Identifier: Apache-2.0
import { compare, equals, lookup } from './compare.ts';
import { Dict, hashable } from './dict.ts';
import { int } from './environment.ts';
import { typeError } from './errors.ts';
import type { MethodRow } from './methods.ts';
import { iterate } from './operations.ts';
import { bounds } from './text-methods.ts';
import { entriesOf, isMapping, isNumber, sizeOf, toNumber, Tuple, View } from './values.ts';
import type { Mapping, PyRange } from './values.ts';

/** Methods of lists, tuples, ranges and mappings. Those of `changing…` are for what the template itself made. */

const sequenceMethods = {
  count: ['_value', (l, [value], m) => l.reduce((n: number, x) => (equals(x, value, m) ? n + 1 : n), 0)],
  index: [
    '_value _start? _stop?',
    (l, [value, start, stop], m) => {
      const [from, to] = bounds(l.length, start, stop);
      const at = l.findIndex((x, i) => i >= from && i < to && equals(x, value, m));
      if (at < 0) throw typeError('the value is not in the list');
      return at;
    },
  ],
} satisfies Record<string, MethodRow<readonly unknown[]>>;

export const tupleMethods: Record<string, MethodRow<readonly unknown[]>> = sequenceMethods;

export const listMethods: Record<string, MethodRow<readonly unknown[]>> = {
  ...sequenceMethods,
  copy: [
    '',
    (l, _a, m) => {
      m.elements(l.length);
      return [...l];
    },
  ],
};

export const changingListMethods: Record<string, MethodRow<unknown[]>> = {
  append: [
    '_value',
    (l, [value], m) => {
      m.elements(1);
      l.push(value);
      return null;
    },
  ],
  extend: [
    '_iterable',
    (l, [more], m) => {
      const items = iterate(more, m);
      m.elements(items.length);
      // Of a list that extends itself, what it held before.
      const n = items.length;
      for (let i = 0; i < n; i++) l.push(items[i]);
      return null;
    },
  ],
  insert: [
    '_index _value',
    (l, [index, value], m) => {
      m.elements(1);
      m.step(l.length >> 5);
      l.splice(bounds(l.length, index, undefined)[0], 0, value);
      return null;
    },
  ],
  pop: [
    '_index?',
    (l, [index], m) => {
      if (l.length === 0) throw typeError('pop from empty list');
      const i = int(index, -1);
      const at = i < 0 ? i + l.length : i;
      if (at < 0 || at >= l.length) throw typeError('pop index out of range');
      if (at === l.length - 1) return l.pop();
      m.step(l.length >> 5);
      return l.splice(at, 1)[0];
    },
  ],
  remove: [
    '_value',
    (l, [value], m) => {
      const at = l.findIndex((x) => equals(x, value, m));
      if (at < 0) throw typeError('list.remove(x): x not in list');
      m.step(l.length >> 5);
      l.splice(at, 1);
      return null;
    },
  ],
  clear: [
    '',
    (l) => {
      l.length = 0;
      return null;
    },
  ],
  reverse: [
    '',
    (l) => {
      l.reverse();
      return null;
    },
  ],
  sort: [
    'key? reverse?',
    (l, [key, reverse], m) => {
      if (key !== undefined && key !== null) throw typeError("sort's key is not supported: use the filter sort");
      m.elements(l.length);
      const sign = int(reverse, 0) !== 0 ? -1 : 1;
      l.sort((a, b) => sign * compare(a, b, '<', m));
      return null;
    },
  ],
};

export const mappingMethods: Record<string, MethodRow<Mapping>> = {
  items: ['', (d, _a, m) => viewOf(d, 'items', m)],
  keys: ['', (d, _a, m) => viewOf(d, 'keys', m)],
  values: ['', (d, _a, m) => viewOf(d, 'values', m)],
  get: [
    '_key _default?',
    (d, [key, fallback], m) => {
      const found = lookup(d, hashable(key), m);
      return found === undefined ? (fallback ?? null) : found;
    },
  ],
  copy: [
    '',
    (d, _a, m) => {
      m.objects(1);
      m.elements(sizeOf(d, m) * 4);
      return Dict.of(entriesOf(d), m);
    },
  ],
  fromkeys: [
    '_iterable _value?',
    (_d, [keys, value], m) => {
      const list = iterate(keys, m);
      m.objects(1);
      m.elements(list.length * 4);
      return Dict.of(
        list.map((k) => [k, value ?? null]),
        m,
      );
    },
  ],
};

function viewOf(d: Mapping, kind: View['kind'], meter: Parameters<typeof iterate>[1]): View {
  meter.objects(1);
  return new View(d, kind);
}

export const changingDictMethods: Record<string, MethodRow<Dict>> = {
  update: [
    '*',
    (d, args, m, kwargs) => {
      if (args.length > 1) throw typeError(`update expected at most 1 argument, got ${String(args.length)}`);
      for (const [k, v] of [...(args.length > 0 ? pairsOf(args[0], m) : []), ...kwargs]) {
        m.elements(4);
        d.put(k, v, m);
      }
      return null;
    },
  ],
  setdefault: [
    '_key _default?',
    (d, [key, fallback], m) => {
      const found = lookup(d, hashable(key), m);
      if (found !== undefined) return found;
      m.elements(4);
      d.put(key, fallback ?? null, m);
      return fallback ?? null;
    },
  ],
  pop: [
    '_key _default?',
    (d, [key, fallback], m) => {
      const found = d.take(hashable(key), m) ?? fallback;
      if (found === undefined) throw typeError('KeyError: there is no such key');
      return found;
    },
  ],
  popitem: [
    '',
    (d, _a, m) => {
      m.step(d.size >> 5);
      const last = [...d.entries()].at(-1);
      if (!last) throw typeError('popitem(): dictionary is empty');
      d.delete(last[0]);
      return Tuple.of2(last[0], last[1]);
    },
  ],
  clear: [
    '',
    (d) => {
      d.clear();
      return null;
    },
  ],
};

/** What `dict()` and `update()` take: a mapping, or pairs. */
export function pairsOf(from: unknown, meter: Parameters<typeof iterate>[1]): [unknown, unknown][] {
  if (isMapping(from)) return entriesOf(from);
  return iterate(from, meter).map((pair, i) => {
    const parts = iterate(pair, meter);
    if (parts.length !== 2)
      throw typeError(
        `dictionary update sequence element #${String(i)} has length ${String(parts.length)}; 2 is required`,
      );
    return [parts[0], parts[1]];
  });
}

export const rangeMethods: Record<string, MethodRow<PyRange>> = {
  count: ['_value', (r, [x]) => (placeIn(r, x) < 0 ? 0 : 1)],
  index: [
    '_value',
    (r, [x]) => {
      const at = placeIn(r, x);
      if (at < 0) throw typeError('the value is not in range');
      return at;
    },
  ],
};

/** Where a range has a value; -1 = nowhere. */
export function placeIn(r: PyRange, x: unknown): number {
  if (!isNumber(x)) return -1;
  const at = (toNumber(x) - r.start) / r.step;
  return Number.isInteger(at) && at >= 0 && at < r.length ? at : -1;
}

export const viewMethods: Record<string, MethodRow<View>> = {
  isdisjoint: [
    '_other',
    (v, [other], m) => {
      const items = iterate(other, m);
      return !v.items().some((x) => items.some((y) => equals(x, y, m)));
    },
  ],
};
