// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject } from '@stint/core';
import { sentence } from './rehearsal-words.ts';
import type { Draws } from './rehearsal-words.ts';

/** Below this depth only what is required is written, so that a schema that names itself ends. */
const MAX_DEPTH = 6;

export interface ValueStyle {
  draws: Draws;
  keywords: readonly string[];
  /** The least that the schema allows, for answers that must be short. */
  terse: boolean;
}

/** A readable value that the JSON Schema describes; strings with a `pattern` are plain text all the same. */
export function valueFor(schema: Json, style: ValueStyle): Json {
  return make(schema, isJsonObject(schema) ? schema : {}, style, 0);
}

function make(given: Json | undefined, root: JsonObject, style: ValueStyle, depth: number): Json {
  const schema = resolve(given, root);
  if ('const' in schema) return schema['const'] ?? null;
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return style.draws.of(schema['enum']);
  switch (typeOf(schema, depth)) {
    case 'string':
      return text(schema, style);
    case 'integer':
      return numberIn(schema, style.draws, true);
    case 'number':
      return numberIn(schema, style.draws, false);
    case 'boolean':
      return style.draws.next() < 0.5;
    case 'null':
      return null;
    case 'array':
      return list(schema, root, style, depth);
    default:
      return object(schema, root, style, depth);
  }
}

/** Follows $ref, takes a branch of anyOf and oneOf, and lays allOf together. */
function resolve(given: Json | undefined, root: JsonObject): JsonObject {
  let schema: JsonObject = isJsonObject(given) ? given : {};
  for (let hops = 0; hops < 32; hops++) {
    const { $ref, anyOf, oneOf, allOf, ...rest } = schema;
    if (typeof $ref === 'string') schema = { ...rest, ...asObject(pointed(root, $ref)) };
    else if (Array.isArray(anyOf)) schema = merge(rest, branch(anyOf));
    else if (Array.isArray(oneOf)) schema = merge(rest, branch(oneOf));
    else if (Array.isArray(allOf)) schema = allOf.map((s) => resolve(s, root)).reduce(merge, rest);
    else break;
  }
  return schema;
}

/** The first branch that is not null: an answer with content is the better rehearsal. */
function branch(branches: Json[]): JsonObject {
  return asObject(branches.find((b) => isJsonObject(b) && b['type'] !== 'null') ?? branches[0]);
}

function merge(a: JsonObject, b: JsonObject): JsonObject {
  const both = { ...a, ...b };
  if (isJsonObject(a['properties']) && isJsonObject(b['properties'])) {
    both['properties'] = { ...a['properties'], ...b['properties'] };
  }
  if (Array.isArray(a['required']) && Array.isArray(b['required'])) {
    both['required'] = [...new Set([...a['required'], ...b['required']])];
  }
  return both;
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function pointed(root: JsonObject, ref: string): Json | undefined {
  let at: Json | undefined = root;
  for (const part of ref.replace(/^#\/?/, '').split('/')) {
    if (part === '') continue;
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

function typeOf(schema: JsonObject, depth: number): unknown {
  const type = schema['type'];
  if (Array.isArray(type)) {
    if (depth >= MAX_DEPTH && type.includes('null')) return 'null';
    return type.find((t) => t !== 'null') ?? 'null';
  }
  if (type !== undefined) return type;
  if ('properties' in schema || 'additionalProperties' in schema) return 'object';
  if ('items' in schema || 'prefixItems' in schema) return 'array';
  if ('minLength' in schema || 'maxLength' in schema || 'format' in schema || 'pattern' in schema) return 'string';
  if ('minimum' in schema || 'maximum' in schema) return 'number';
  return depth === 0 ? 'object' : 'string';
}

function object(schema: JsonObject, root: JsonObject, style: ValueStyle, depth: number): JsonObject {
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const properties = asObject(schema['properties']);
  const out: JsonObject = {};
  for (const [name, property] of Object.entries(properties)) {
    if (!required.has(name) && (style.terse || depth >= MAX_DEPTH)) continue;
    put(out, name, make(property, root, style, depth + 1));
  }
  const rest = schema['additionalProperties'];
  for (const name of required) {
    if (typeof name === 'string' && !Object.hasOwn(out, name)) {
      put(out, name, make(isJsonObject(rest) ? rest : { type: 'string' }, root, style, depth + 1));
    }
  }
  const least = integerOf(schema['minProperties']) ?? 0;
  for (let n = 1; Object.keys(out).length < least; n++) {
    put(out, `item_${n}`, make(isJsonObject(rest) ? rest : { type: 'string' }, root, style, depth + 1));
  }
  return out;
}

/** Defines, so that a property called __proto__ is one. */
function put(out: JsonObject, name: string, value: Json): void {
  Object.defineProperty(out, name, { value, enumerable: true, configurable: true, writable: true });
}

function list(schema: JsonObject, root: JsonObject, style: ValueStyle, depth: number): Json[] {
  const least = integerOf(schema['minItems']) ?? 0;
  const most = integerOf(schema['maxItems']) ?? Math.max(least, 3);
  const wanted =
    style.terse || depth >= MAX_DEPTH
      ? least
      : style.draws.between(Math.min(Math.max(least, 1), most), most > 8 ? Math.max(least, 3) : most);
  const prefix = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : [];
  const out: Json[] = [];
  const seen = new Set<string>();
  // A list of unique items may have fewer values than wanted: give up after a while.
  for (let tries = 0; out.length < wanted && tries < wanted * 20 + 20; tries++) {
    const item = make(prefix[out.length] ?? schema['items'], root, style, depth + 1);
    const key = JSON.stringify(item);
    if (schema['uniqueItems'] === true && seen.has(key)) continue;
    seen.add(key);
    out.push(item);
  }
  return out;
}

function numberIn(schema: JsonObject, draws: Draws, whole: boolean): number {
  const step = numberOf(schema['multipleOf']) ?? (whole ? 1 : 0.01);
  const above = numberOf(schema['exclusiveMinimum']);
  const below = numberOf(schema['exclusiveMaximum']);
  let low = numberOf(schema['minimum']) ?? above;
  let high = numberOf(schema['maximum']) ?? below;
  low ??= high === undefined ? (whole ? 1 : 0) : high - 100 * step;
  high ??= low + 100 * step;
  let first = Math.ceil(low / step - 1e-9);
  let last = Math.floor(high / step + 1e-9);
  if (above !== undefined && first * step <= above) first++;
  if (below !== undefined && last * step >= below) last--;
  // No multiple of our own step fits: any number of the range does.
  if (first > last) return schema['multipleOf'] === undefined && !whole ? (low + high) / 2 : first * step;
  return Number((draws.between(first, last) * step).toFixed(10));
}

const FORMATS: Readonly<Record<string, (draws: Draws, word: string) => string>> = {
  date: (d) => `2026-${two(d.between(1, 12))}-${two(d.between(1, 28))}`,
  time: (d) => `${two(d.between(0, 23))}:${two(d.between(0, 59))}:00Z`,
  'date-time': (d) => `2026-${two(d.between(1, 12))}-${two(d.between(1, 28))}T${two(d.between(0, 23))}:00:00Z`,
  email: (_, word) => `${ascii(word)}@example.com`,
  uri: (_, word) => `https://example.com/${ascii(word)}`,
  hostname: (_, word) => `${ascii(word)}.example.com`,
  ipv4: (d) => `192.0.2.${d.between(1, 254)}`,
  uuid: (d) => {
    const hex = (n: number) => Array.from({ length: n }, () => d.between(0, 15).toString(16)).join('');
    return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
  },
};

const two = (n: number): string => String(n).padStart(2, '0');
const ascii = (word: string): string => word.replace(/[^a-z0-9]/g, '') || 'example';

function text(schema: JsonObject, style: ValueStyle): string {
  const { draws, keywords, terse } = style;
  const format = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined;
  if (format) return format(draws, draws.of(keywords));
  const least = integerOf(schema['minLength']) ?? 0;
  const most = integerOf(schema['maxLength']) ?? Infinity;
  let out = terse || most < 40 ? draws.of(keywords) : sentence(draws, keywords);
  while (lengthOf(out) < least) out += ` ${terse ? draws.of(keywords) : sentence(draws, keywords)}`;
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

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function integerOf(value: Json | undefined): number | undefined {
  const n = numberOf(value);
  return n === undefined ? undefined : Math.max(0, Math.floor(n));
}
