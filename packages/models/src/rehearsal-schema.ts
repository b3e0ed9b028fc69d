// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject } from '@stint/core';
import type { Draws } from './rehearsal-words.ts';

/** Where a value stands in what is being written. */
export interface Place {
  root: JsonObject;
  draws: Draws;
  /** Levels above it. */
  depth: number;
  /** References followed on the way to it. */
  refs: number;
  /** Only what is required. */
  least: boolean;
}

/** Below this depth, or behind so many references, only what is required is written: a schema that names itself ends. */
const MAX_DEPTH = 6;
const MAX_REFS = 3;
const MAX_HOPS = 64;

/** True where a value should come to an end soon. */
export const isDeep = (at: Place): boolean => at.least || at.depth >= MAX_DEPTH || at.refs >= MAX_REFS;

/** The schema with references followed, one branch taken of each choice, and the parts of an allOf laid together. */
export function flatten(given: Json | undefined, at: Place): { schema: JsonObject; at: Place } {
  if (!isJsonObject(given) || at.refs > MAX_HOPS) return { schema: {}, at };
  const { $ref, anyOf, oneOf, allOf, if: test, then, else: otherwise, ...rest } = given;
  let schema: JsonObject = rest;
  let { refs } = at;
  const take = (part: Json | undefined, from: Place): void => {
    const flat = flatten(part, from);
    schema = merge(schema, flat.schema);
    refs = Math.max(refs, flat.at.refs);
  };
  if (typeof $ref === 'string') take(pointed(at.root, $ref), { ...at, refs: at.refs + 1 });
  for (const choice of [anyOf, oneOf]) if (Array.isArray(choice)) take(branch(choice, at), at);
  if (Array.isArray(allOf)) for (const part of allOf) take(part, at);
  if (isJsonObject(test)) {
    const holds = at.draws.next() < 0.5;
    if (holds) take(test, at);
    take(holds ? then : otherwise, at);
  }
  return { schema, at: { ...at, refs } };
}

/** One branch that is not null, since an answer with content is the better rehearsal; deep down the one that ends first. */
function branch(branches: readonly Json[], at: Place): JsonObject {
  if (isDeep(at)) {
    const heights = branches.map((b) => height(b, at.root, new Set()));
    return asObject(branches[heights.indexOf(Math.min(...heights))]);
  }
  const withContent = branches.filter((b) => isJsonObject(b) && b['type'] !== 'null');
  return asObject(withContent.length > 0 ? at.draws.of(withContent) : branches[0]);
}

/** Levels that the least value of a schema has; Infinity where it never ends. */
function height(given: Json | undefined, root: JsonObject, above: ReadonlySet<Json>): number {
  if (!isJsonObject(given)) return 0;
  // A schema within itself does not end on this way; nor does anybody wait for one that is nested so far.
  if (above.has(given) || above.size >= 12) return Infinity;
  const way = new Set([...above, given]);
  const of = (s: Json | undefined): number => height(s, root, way);
  const { $ref, anyOf, oneOf, allOf, properties, required, items, minItems } = given;
  let most = 0;
  if (typeof $ref === 'string') most = Math.max(most, of(pointed(root, $ref)));
  for (const choice of [anyOf, oneOf]) if (Array.isArray(choice)) most = Math.max(most, Math.min(...choice.map(of)));
  if (Array.isArray(allOf)) most = Math.max(most, ...allOf.map(of));
  if (isJsonObject(properties) && Array.isArray(required)) {
    for (const name of required)
      if (typeof name === 'string' && Object.hasOwn(properties, name)) most = Math.max(most, 1 + of(properties[name]));
  }
  if (typeof minItems === 'number' && minItems > 0) most = Math.max(most, 1 + of(items));
  return given['type'] === 'object' || given['type'] === 'array' ? Math.max(1, most) : most;
}

const HIGHER = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains']);
const LOWER = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);

/** What both schemas ask for, as far as one schema can say it. */
function merge(a: JsonObject, b: JsonObject): JsonObject {
  const both: JsonObject = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = a[key];
    if (before === undefined) put(both, key, value);
    else if (HIGHER.has(key) && typeof before === 'number' && typeof value === 'number')
      both[key] = Math.max(before, value);
    else if (LOWER.has(key) && typeof before === 'number' && typeof value === 'number')
      both[key] = Math.min(before, value);
    else if (key === 'required' && Array.isArray(before) && Array.isArray(value))
      both[key] = [...new Set([...before, ...value])];
    else if (key === 'enum' && Array.isArray(before) && Array.isArray(value)) {
      const allowed = new Set(value.map((v) => JSON.stringify(v)));
      both[key] = before.filter((v) => allowed.has(JSON.stringify(v)));
    } else if (key === 'properties' && isJsonObject(before) && isJsonObject(value))
      both[key] = mergeProperties(before, value);
    else if (key === 'type' && Array.isArray(value) && typeof before === 'string') both[key] = before;
    else put(both, key, value);
  }
  return both;
}

function mergeProperties(a: JsonObject, b: JsonObject): JsonObject {
  const out: JsonObject = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const before = Object.hasOwn(a, name) ? a[name] : undefined;
    put(out, name, isJsonObject(before) && isJsonObject(value) ? merge(before, value) : value);
  }
  return out;
}

/** Defines, so that a property called __proto__ is one. */
export function put(out: JsonObject, name: string, value: Json): void {
  Object.defineProperty(out, name, { value, enumerable: true, configurable: true, writable: true });
}

export function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** What a JSON pointer, or an anchor, within the schema names. */
function pointed(root: JsonObject, ref: string): Json | undefined {
  if (/^#[^/]/.test(ref)) return anchored(root, ref.slice(1));
  let at: Json | undefined = root;
  for (const part of ref.replace(/^#\/?/, '').split('/')) {
    if (part === '') continue;
    const key = unescaped(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at = (isJsonObject(at) || Array.isArray(at)) && Object.hasOwn(at, key) ? (at as JsonObject)[key] : undefined;
  }
  return at;
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function anchored(within: Json, name: string): Json | undefined {
  if (isJsonObject(within) && within['$anchor'] === name) return within;
  if (typeof within !== 'object' || within === null) return undefined;
  for (const part of Object.values(within)) {
    const found = anchored(part, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
