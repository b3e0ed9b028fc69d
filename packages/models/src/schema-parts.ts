// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject } from '@stint/core';

const HIGHER = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains']);
const LOWER = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);

/** What both schemas ask for, as far as one schema can say it. */
export function merge(a: JsonObject, b: JsonObject): JsonObject {
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
export function pointed(root: JsonObject, ref: string): Json | undefined {
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
