// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject } from '@stint/core';
import type { Draws } from './rehearsal-words.ts';
import { asObject, merge, pointed } from './schema-parts.ts';

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
