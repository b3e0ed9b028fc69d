// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject } from '@stint/core';

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

/**
 * A JSON Schema as the grammar builder of node-llama-cpp takes it: what it does not know is left out, so that the grammar
 * allows a little more than the schema, never less.
 */
export function grammarSchema(schema: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (!KEPT.has(key)) continue;
    if (key === 'properties' || key === '$defs') out[key] = mapValues(value, inner);
    else if (key === 'items' || key === 'additionalProperties') out[key] = inner(value);
    else if (key === 'oneOf' || key === 'anyOf' || key === 'prefixItems')
      out[key] = Array.isArray(value) ? value.map(inner) : value;
    else if ((key === 'minLength' || key === 'maxLength') && typeof value === 'number' && value > MAX_COUNTED) continue;
    else out[key] = value;
  }
  if (out['type'] === undefined && isJsonObject(out['properties'])) out['type'] = 'object';
  return out;
}

const inner = (value: Json): Json => (isJsonObject(value) ? grammarSchema(value) : value);

function mapValues(value: Json, change: (v: Json) => Json): Json {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, change(v)]));
}
