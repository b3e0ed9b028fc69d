// SPDX-License-Identifier: Apache-2.0
// A tool takes an object. A step whose output is a list, a choice or anything else asks for it as the one member of an object.
import { isJsonObject } from '@stint/core/base';
import type { Json, JsonObject } from '@stint/core';

const MEMBER = 'value';

/** The schema that the tool's input has. */
export function toolInput(schema: JsonObject): JsonObject {
  if (schema['type'] === 'object') return schema;
  const { $schema, $defs, definitions, ...rest } = moved(schema) as JsonObject;
  return {
    ...($schema === undefined ? {} : { $schema }),
    type: 'object',
    additionalProperties: false,
    required: [MEMBER],
    properties: { [MEMBER]: rest },
    ...($defs === undefined ? {} : { $defs }),
    ...(definitions === undefined ? {} : { definitions }),
  };
}

/** What the model meant by the tool's input. */
export function toolAnswer(schema: JsonObject, input: unknown): unknown {
  if (schema['type'] === 'object' || !isJsonObject(input) || !Object.hasOwn(input, MEMBER)) return input;
  return input[MEMBER];
}

/** References to the root, or into it, lead one level deeper; definitions stay at the root. */
function moved(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(moved);
  if (!isJsonObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) =>
      key === '$ref' && typeof value === 'string' && /^#(?:$|\/(?!\$defs\/|definitions\/))/.test(value)
        ? [key, `#/properties/${MEMBER}${value.slice(1)}`]
        : [key, moved(value)],
    ),
  );
}
