// SPDX-License-Identifier: Apache-2.0
import type { StepSpec } from '../formats/job.ts';
import { isJsonObject } from '../json.ts';

/** Schemas nested deeper than this get an empty text. */
const MAX_DEPTH = 16;

/**
 * What stands for the parsed form of a step that has not run, where a later prompt is rendered only to know its size: the
 * emptiest value in which all fields that its schema names are found.
 */
export function standInOf(spec: StepSpec): unknown {
  if (spec.output) return emptiest(spec.output, 0);
  if (spec.sample?.type === 'category') return spec.sample.values[0] ?? '';
  const numbers: unknown[] = ['uniform', 'normal', 'integer'];
  return numbers.includes(spec.sample?.type) ? 0 : '';
}

function emptiest(schema: unknown, depth: number): unknown {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return '';
  const { type, properties } = schema;
  const is = (name: string): boolean => type === name || (Array.isArray(type) && type.includes(name));
  if (isJsonObject(properties)) {
    return new Map(Object.entries(properties).map(([key, value]) => [key, emptiest(value, depth + 1)]));
  }
  if (is('object')) return new Map();
  if (is('array')) return [];
  if (is('integer') || is('number')) return 0;
  return is('boolean') ? false : '';
}
