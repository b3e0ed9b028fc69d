// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '@stint/core';
import type { Json, JsonObject, SampleSpec } from '@stint/core';

/** Type of a column. `JSON` is what no typed column can hold; it is written as JSON text. */
export type ColumnType =
  | { kind: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'JSON' }
  | { kind: 'LIST'; items: ColumnType }
  | { kind: 'STRUCT'; fields: StructField[]; open: boolean };

export interface StructField {
  name: string;
  type: ColumnType;
}

export const VARCHAR: ColumnType = { kind: 'VARCHAR' };
export const BIGINT: ColumnType = { kind: 'BIGINT' };
export const DOUBLE: ColumnType = { kind: 'DOUBLE' };
export const BOOLEAN: ColumnType = { kind: 'BOOLEAN' };
export const JSON_TEXT: ColumnType = { kind: 'JSON' };

/** Deeper than this, and wider than this in one object, a schema becomes JSON text. */
const MAX_DEPTH = 8;
const MAX_FIELDS = 200;

/** A string as an SQL literal. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** A name as an SQL identifier. */
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * The type as DuckDB spells it.
 * @param jsonAs - `JSON` while reading (keeps the quotes of a string), `VARCHAR` for what is written.
 */
export function sqlType(type: ColumnType, jsonAs: 'JSON' | 'VARCHAR'): string {
  if (type.kind === 'JSON') return jsonAs;
  if (type.kind === 'LIST') return `${sqlType(type.items, jsonAs)}[]`;
  if (type.kind === 'STRUCT') {
    return `STRUCT(${type.fields.map((f) => `${sqlName(f.name)} ${sqlType(f.type, jsonAs)}`).join(', ')})`;
  }
  return type.kind;
}

/** True where any part is JSON text. */
export function holdsJson(type: ColumnType): boolean {
  if (type.kind === 'LIST') return holdsJson(type.items);
  if (type.kind === 'STRUCT') return type.fields.some((f) => holdsJson(f.type));
  return type.kind === 'JSON';
}

/** True where an object in it may have keys that its STRUCT does not name. */
export function isOpen(type: ColumnType): boolean {
  if (type.kind === 'LIST') return isOpen(type.items);
  return type.kind === 'STRUCT' && (type.open || type.fields.some((f) => isOpen(f.type)));
}

/** DuckDB's names are case-blind and never empty; a STRUCT whose names are not so distinct is not possible. */
export function distinctNames(names: readonly string[]): boolean {
  const seen = new Set(names.map((n) => n.toLowerCase()));
  return seen.size === names.length && !names.some((n) => n === '' || n.includes('\0'));
}

/**
 * The column type of a JSON Schema: string, integer, number, boolean, lists and objects with named properties; null
 * beside one of them is a missing value. Anything else (unions, no type, free keys, deep nesting) is JSON text.
 */
export function typeOfSchema(schema: Json, root: Json = schema, depth = 0): ColumnType {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return JSON_TEXT;
  const target = resolve(schema, root);
  if (target === undefined) return JSON_TEXT;
  if (target !== schema) return typeOfSchema(target, root, depth + 1);
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives)) {
    const others = alternatives.filter((a) => !(isJsonObject(a) && a['type'] === 'null'));
    return others.length === 1 && schema['type'] === undefined
      ? typeOfSchema(others[0] ?? null, root, depth + 1)
      : JSON_TEXT;
  }
  switch (singleType(schema)) {
    case 'string':
      return VARCHAR;
    case 'integer':
      return BIGINT;
    case 'number':
      return DOUBLE;
    case 'boolean':
      return BOOLEAN;
    case 'array': {
      if (schema['prefixItems'] !== undefined || schema['items'] === undefined) return JSON_TEXT;
      const items = typeOfSchema(schema['items'], root, depth + 1);
      return items.kind === 'JSON' ? JSON_TEXT : { kind: 'LIST', items };
    }
    case 'object':
      return structOf(schema, root, depth);
    default:
      return JSON_TEXT;
  }
}

/** The type a sample step draws. */
export function typeOfSample(sample: SampleSpec): ColumnType {
  switch (sample.type) {
    case 'uniform':
    case 'normal':
      return DOUBLE;
    case 'integer':
      return BIGINT;
    case 'uuid':
    case 'datetime':
      return VARCHAR;
    case 'category':
      return typeOfValues(sample.values);
  }
}

function structOf(schema: JsonObject, root: Json, depth: number): ColumnType {
  const properties = schema['properties'];
  if (!isJsonObject(properties) || schema['patternProperties'] !== undefined || schema['allOf'] !== undefined) {
    return JSON_TEXT;
  }
  const names = Object.keys(properties);
  if (names.length === 0 || names.length > MAX_FIELDS || !distinctNames(names)) return JSON_TEXT;
  return {
    kind: 'STRUCT',
    fields: names.map((name) => ({ name, type: typeOfSchema(properties[name] ?? null, root, depth + 1) })),
    open: schema['additionalProperties'] !== false,
  };
}

function singleType(schema: JsonObject): Json | undefined {
  const type = schema['type'];
  if (Array.isArray(type)) {
    const others = type.filter((t) => t !== 'null');
    return others.length === 1 ? others[0] : undefined;
  }
  if (type === undefined && Array.isArray(schema['enum'])) {
    const values = schema['enum'].filter((v) => v !== null);
    return values.length > 0 && values.every((v) => typeof v === 'string') ? 'string' : undefined;
  }
  if (type === undefined && typeof schema['const'] === 'string') return 'string';
  return type;
}

/** Follows `#/$defs/…` inside the same schema; undefined where it leads nowhere. */
function resolve(schema: JsonObject, root: Json): Json | undefined {
  const ref = schema['$ref'];
  if (ref === undefined) return schema;
  if (typeof ref !== 'string' || !ref.startsWith('#/')) return undefined;
  let at: Json | undefined = root;
  for (const part of ref.slice(2).split('/')) {
    if (at === undefined || !isJsonObject(at)) return undefined;
    const key = decodeURIComponentSafely(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at = Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function typeOfValues(values: readonly (string | number | boolean)[]): ColumnType {
  if (values.every((v) => typeof v === 'string')) return VARCHAR;
  if (values.every((v) => typeof v === 'boolean')) return BOOLEAN;
  if (values.every((v) => Number.isSafeInteger(v))) return BIGINT;
  return values.every((v) => typeof v === 'number') ? DOUBLE : JSON_TEXT;
}
