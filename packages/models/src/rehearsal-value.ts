// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject } from '@stint/core';
import { textFor } from './rehearsal-pattern.ts';
import { flatten, isDeep } from './rehearsal-schema.ts';
import type { Place } from './rehearsal-schema.ts';
import { sentence } from './rehearsal-words.ts';
import type { Draws } from './rehearsal-words.ts';
import { asObject, put } from './schema-parts.ts';

export interface ValueStyle {
  draws: Draws;
  keywords: readonly string[];
  /** The least that the schema allows, for answers that must be short. */
  terse: boolean;
  /** Characters to write, about; beyond them nothing is made longer, whatever the schema asks for. */
  room: number;
  /** In place of every free text. */
  say?: string | undefined;
}

interface Writer extends Omit<ValueStyle, 'terse' | 'room'> {
  place: Place;
  /** What is left of the room; all parts of a value share it. */
  ink: { left: number };
}

/** A schema nests so far at most; what is deeper can only be one that never ends. */
const MAX_LEVELS = 80;

/** A readable value that the JSON Schema describes, as far as it can be described; `not` is left to who checks it. */
export function valueFor(schema: Json, style: ValueStyle): Json {
  const { draws, terse, room, ...rest } = style;
  const place = { root: asObject(schema), draws, depth: 0, refs: 0, least: terse };
  return make(schema, { ...rest, draws, place, ink: { left: room } });
}

function make(given: Json | undefined, w: Writer): Json {
  const { schema, at } = flatten(given, w.place);
  const inner = { ...w, place: { ...at, depth: at.depth + 1 } };
  if ('const' in schema) return schema['const'] ?? null;
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return w.draws.of(schema['enum']);
  if (at.depth > MAX_LEVELS) return null;
  switch (typeOf(schema, at)) {
    case 'string':
      return spent(w, text(schema, w, isDeep(at)));
    case 'integer':
      return spent(w, numberIn(schema, w.draws, true));
    case 'number':
      return spent(w, numberIn(schema, w.draws, false));
    case 'boolean':
      return w.draws.next() < 0.5;
    case 'null':
      return null;
    case 'array':
      return list(schema, inner, isDeep(at));
    default:
      return object(schema, inner, isDeep(at));
  }
}

function spent<T extends string | number>(w: Writer, value: T): T {
  w.ink.left -= typeof value === 'string' ? value.length + 2 : 4;
  return value;
}

function typeOf(schema: JsonObject, at: Place): unknown {
  const type = schema['type'];
  if (Array.isArray(type)) {
    if (isDeep(at) && type.includes('null')) return 'null';
    return type.find((t) => t !== 'null') ?? 'null';
  }
  if (type !== undefined) return type;
  if (['properties', 'required', 'additionalProperties', 'patternProperties'].some((k) => k in schema)) return 'object';
  if (['items', 'prefixItems', 'contains'].some((k) => k in schema)) return 'array';
  if (['minLength', 'maxLength', 'format', 'pattern'].some((k) => k in schema)) return 'string';
  if (['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].some((k) => k in schema))
    return 'number';
  return at.depth === 0 ? 'object' : 'string';
}

function object(schema: JsonObject, w: Writer, deep: boolean): JsonObject {
  const required = new Set(stringsOf(schema['required']));
  const properties = asObject(schema['properties']);
  const out: JsonObject = {};
  const add = (name: string, s: Json | undefined): void => {
    if (!Object.hasOwn(out, name)) put(out, name, make(s, w));
  };
  for (const [name, property] of Object.entries(properties)) {
    if (property !== false && (required.has(name) || !deep)) add(name, property);
  }
  const [[pattern, byPattern] = []] = Object.entries(asObject(schema['patternProperties']));
  const rest = schema['additionalProperties'];
  const other: Json = isJsonObject(rest) ? rest : { type: 'string' };
  for (const name of required) add(name, other);
  for (const needs of [asObject(schema['dependentRequired']), asObject(schema['dependencies'])]) {
    for (const [name, wanted] of Object.entries(needs))
      if (Object.hasOwn(out, name))
        for (const also of stringsOf(wanted)) add(also, Object.hasOwn(properties, also) ? properties[also] : other);
  }
  const least = Math.min(countOf(schema['minProperties']) ?? 0, w.ink.left);
  for (let n = 1; Object.keys(out).length < least && n < 4 * least + 20 && w.ink.left > 0; n++) {
    const matching = pattern === undefined ? null : textFor(pattern, w.draws, 0, 40);
    // Where the pattern allows more behind it, that tells names apart.
    if (matching !== null) add(Object.hasOwn(out, matching) ? `${matching}${n}` : matching, byPattern);
    else add(nameFor(schema['propertyNames'], n, w), other);
  }
  return out;
}

function nameFor(names: Json | undefined, n: number, w: Writer): string {
  if (!isJsonObject(names)) return `item_${n}`;
  const name = make({ type: 'string', maxLength: 40, ...names }, w);
  return typeof name === 'string' ? name : `item_${n}`;
}

function list(schema: JsonObject, w: Writer, deep: boolean): Json[] {
  const { prefixItems, items, additionalItems, contains } = schema;
  // Until 2019 a tuple was a list of items.
  const tuple = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
  const further = Array.isArray(items) ? additionalItems : items;
  const longest = further === false ? tuple.length : Infinity;
  const least = Math.min(countOf(schema['minItems']) ?? 0, w.ink.left);
  const most = Math.min(countOf(schema['maxItems']) ?? Math.max(least, 3, tuple.length), longest);
  const wanted = deep
    ? Math.min(least, longest)
    : w.draws.between(Math.min(Math.max(least, 1), most), most > 8 ? Math.max(least, 3) : most);
  const special = contains === undefined ? 0 : (countOf(schema['minContains']) ?? 1);
  const out: Json[] = [];
  const seen = new Set<string>();
  // A list of unique items may have fewer values than wanted: give up after a while.
  const size = Math.max(wanted, tuple.length > 0 ? 0 : Math.min(special, most));
  for (let tries = 0; out.length < size && tries < size * 20 + 20 && w.ink.left > 0; tries++) {
    const chosen = out.length < special ? { allOf: [further ?? true, contains ?? true] } : further;
    const item = make(out.length < tuple.length ? tuple[out.length] : chosen, w);
    w.ink.left -= 1;
    const key = JSON.stringify(item);
    if (schema['uniqueItems'] === true && seen.has(key)) continue;
    seen.add(key);
    out.push(item);
  }
  return out;
}

function numberIn(schema: JsonObject, draws: Draws, whole: boolean): number {
  const step = stepOf(numberOf(schema['multipleOf']), whole);
  const above = numberOf(schema['exclusiveMinimum']);
  const below = numberOf(schema['exclusiveMaximum']);
  const floor = Math.max(numberOf(schema['minimum']) ?? -Infinity, above ?? -Infinity);
  const ceiling = Math.min(numberOf(schema['maximum']) ?? Infinity, below ?? Infinity);
  const low = floor > -Infinity ? floor : ceiling < Infinity ? ceiling - 100 * step : whole ? 1 : 0;
  const high = ceiling < Infinity ? ceiling : low + 100 * step;
  let first = Math.ceil(low / step - 1e-9);
  let last = Math.floor(high / step + 1e-9);
  if (above !== undefined && first * step <= above) first++;
  if (below !== undefined && last * step >= below) last--;
  // No multiple of our own step fits: any number of the range does.
  if (first > last) return schema['multipleOf'] === undefined && !whole ? (low + high) / 2 : first * step;
  return Number((draws.between(first, last) * step).toPrecision(15));
}

/** For whole numbers the least multiple that is whole. */
function stepOf(multipleOf: number | undefined, whole: boolean): number {
  if (multipleOf === undefined || multipleOf <= 0) return whole ? 1 : 0.01;
  if (!whole) return multipleOf;
  for (let k = 1; k <= 1000; k++) if (Number.isInteger(k * multipleOf)) return k * multipleOf;
  return 1;
}

const FORMATS: Readonly<Record<string, (draws: Draws, word: string) => string>> = {
  date: (d) => `2026-${two(d.between(1, 12))}-${two(d.between(1, 28))}`,
  time: (d) => `${two(d.between(0, 23))}:${two(d.between(0, 59))}:00Z`,
  'date-time': (d) => `2026-${two(d.between(1, 12))}-${two(d.between(1, 28))}T${two(d.between(0, 23))}:00:00Z`,
  duration: (d) => `PT${d.between(1, 59)}M`,
  email: (_, word) => `${ascii(word)}@example.com`,
  uri: (_, word) => `https://example.com/${ascii(word)}`,
  'uri-reference': (_, word) => `/${ascii(word)}`,
  hostname: (_, word) => `${ascii(word)}.example.com`,
  ipv4: (d) => `192.0.2.${d.between(1, 254)}`,
  ipv6: (d) => `2001:db8::${d.between(1, 9_999)}`,
  uuid: (d) => {
    const hex = (n: number) => Array.from({ length: n }, () => d.between(0, 15).toString(16)).join('');
    return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
  },
};

const two = (n: number): string => String(n).padStart(2, '0');
const ascii = (word: string): string => word.replace(/[^a-z0-9]/g, '') || 'example';

function text(schema: JsonObject, w: Writer, deep: boolean): string {
  const { draws, keywords } = w;
  const { pattern, format } = schema;
  const least = Math.min(countOf(schema['minLength']) ?? 0, w.ink.left);
  const most = countOf(schema['maxLength']) ?? Infinity;
  if (typeof pattern === 'string') {
    const matching = textFor(pattern, draws, least, most);
    if (matching !== null) return matching;
  }
  const formatted = typeof format === 'string' ? FORMATS[format]?.(draws, draws.of(keywords)) : undefined;
  if (formatted !== undefined && formatted.length >= least && formatted.length <= most) return formatted;
  if (w.say !== undefined) return w.say;
  const next = (): string => (deep || most < 40 ? draws.of(keywords) : sentence(draws, keywords));
  const parts = [next()];
  for (let length = lengthOf(parts[0] ?? ''); length < least;) {
    const more = next();
    parts.push(more);
    length += 1 + lengthOf(more);
  }
  const out = parts.join(' ');
  return lengthOf(out) <= most ? out : shorten(out, least, most);
}

/** At most `most` code points, at the end of a word where that leaves enough. */
function shorten(out: string, least: number, most: number): string {
  const cut = [...out].slice(0, most).join('');
  const atWord = cut.replace(/\s+\S*$/, '');
  return lengthOf(atWord) >= Math.max(least, most / 2) ? atWord : cut;
}

function lengthOf(value: string): number {
  let n = 0;
  for (const _ of value) n++;
  return n;
}

function stringsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function countOf(value: Json | undefined): number | undefined {
  const n = numberOf(value);
  return n === undefined ? undefined : Math.max(0, Math.floor(n));
}
