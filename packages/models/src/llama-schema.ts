// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject } from '@stint/core';
import { asObject, merge, pointed } from './schema-parts.ts';

/** Keywords that a grammar can follow; the rest is checked on the answer. */
const KEPT = new Set([
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'oneOf',
  'anyOf',
  '$ref',
  '$defs',
]);

/** Longest text that a grammar counts out; a larger bound makes it slow, and the answer is checked anyway. */
const MAX_COUNTED = 2_000;

/** Parts of an allOf may hold others; a schema that holds itself so says nothing. */
const MAX_LAYERS = 16;

/**
 * A JSON Schema as the grammar builder of node-llama-cpp takes it: what it does not know is put in other words where there
 * are some, and else left out, so that the grammar allows a little more than the schema, never less.
 */
export function grammarSchema(schema: JsonObject): JsonObject {
  const { definitions, ...rest } = schema;
  const root = isJsonObject(definitions) ? { ...rest, $defs: { ...definitions, ...asObject(rest['$defs']) } } : rest;
  return convert(root, root);
}

function convert(given: JsonObject, root: JsonObject): JsonObject {
  const schema = withoutAllOf(given, root);
  const inner = (value: Json): Json => (isJsonObject(value) ? convert(value, root) : value);
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (!KEPT.has(key)) continue;
    if (key === 'properties' || key === '$defs') out[key] = mapValues(value, inner);
    else if (key === 'items' || key === 'additionalProperties') out[key] = inner(value);
    else if (key === 'oneOf' || key === 'anyOf' || key === 'prefixItems')
      out[key] = Array.isArray(value) ? value.map(inner) : value;
    else if (key === '$ref' && typeof value === 'string') out[key] = renamed(value);
    else if ((key === 'minLength' || key === 'maxLength') && typeof value === 'number' && value > MAX_COUNTED) continue;
    else out[key] = value;
  }
  if (out['type'] === undefined && isJsonObject(out['properties'])) out['type'] = 'object';
  if (isNested(out['const'])) return exactly(out['const']);
  if (Array.isArray(out['enum']) && out['enum'].some(isNested)) return { oneOf: out['enum'].map(exactly) };
  return out;
}

/** The builder knows no allOf: its parts as one schema. */
function withoutAllOf(given: JsonObject, root: JsonObject): JsonObject {
  let schema = given;
  for (let layer = 0; Array.isArray(schema['allOf']); layer++) {
    const { allOf, ...rest } = schema;
    if (layer === MAX_LAYERS) return rest;
    const parts = allOf.map((part) => {
      const { $ref, ...others } = asObject(part);
      return typeof $ref === 'string' ? merge(others, asObject(pointed(root, renamed($ref)))) : others;
    });
    schema = parts.reduce(merge, rest);
  }
  return schema;
}

/** Its definitions go by their newer name. */
const renamed = (ref: string): string => ref.replace(/^#\/definitions\//, '#/$defs/');

const isNested = (value: Json | undefined): value is JsonObject | Json[] => typeof value === 'object' && value !== null;

/** The schema of one value; the builder takes only simple ones as a const. */
function exactly(value: Json): JsonObject {
  if (Array.isArray(value)) {
    const size = { minItems: value.length, maxItems: value.length };
    return { type: 'array', ...size, ...(value.length > 0 ? { prefixItems: value.map(exactly) } : {}) };
  }
  if (!isJsonObject(value)) return { const: value };
  const properties = mapValues(value, exactly);
  return { type: 'object', properties, required: Object.keys(value), additionalProperties: false };
}

function mapValues(value: Json, change: (v: Json) => Json): Json {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, change(v)]));
}
