// SPDX-License-Identifier: Apache-2.0
import type { ServiceModel, Shape } from './service-model.ts';

export interface CheckedInput {
  /** The request without members that the model does not know and without nulls, as AWS reads it. */
  input: Record<string, unknown>;
  /** Paths of members that the model does not know. */
  unknown: string[];
  /** The first thing that is wrong; null = fits the model. What goes beyond the model is each operation's business. */
  problem: InputProblem | null;
}

export interface InputProblem {
  /** `type`: could not even be read. */
  kind: 'type' | 'required' | 'constraint';
  path: string;
  message: string;
}

/** Compares a request with the service's own model. */
export function checkInput(model: ServiceModel, operation: string, body: unknown): CheckedInput {
  const shapeName = model.operations[operation] ?? null;
  const found: Findings = { unknown: [], problems: [] };
  const input = read(model, shapeName, body ?? {}, '', found) as Record<string, unknown> | undefined;
  const problem = found.problems.find((p) => p.kind === 'type') ?? found.problems[0] ?? null;
  return { input: input ?? {}, unknown: found.unknown, problem };
}

interface Findings {
  unknown: string[];
  problems: InputProblem[];
}

const EMPTY: Shape = { members: {} };

function read(model: ServiceModel, name: string | null, value: unknown, path: string, found: Findings): unknown {
  const shape = name === null ? EMPTY : (model.shapes[name] ?? { type: name });
  if (shape.members) return readStructure(model, shape, value, path, found);
  if (shape.list !== undefined) {
    if (!Array.isArray(value)) return wrongType(value, 'List', path, found);
    limit(shape, value.length, value, path, found, 'length');
    const child = shape.list;
    return value.filter((v) => v !== null).map((v, i) => read(model, child, v, `${path}[${i}]`, found));
  }
  if (shape.map !== undefined) {
    if (!isObject(value)) return wrongType(value, 'Map', path, found);
    const child = shape.map;
    const entries = Object.entries(value).filter(([, v]) => v !== null);
    limit(shape, entries.length, value, path, found, 'length');
    return Object.fromEntries(entries.map(([k, v]) => [k, read(model, child, v, `${path}[${k}]`, found)]));
  }
  return readScalar(shape, value, path, found);
}

function readStructure(model: ServiceModel, shape: Shape, value: unknown, path: string, found: Findings): unknown {
  if (!isObject(value)) return wrongType(value, 'Structure', path, found);
  const out: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    const type = Object.hasOwn(shape.members ?? {}, key) ? shape.members?.[key] : undefined;
    if (type === undefined) found.unknown.push(at);
    else if (child !== null && child !== undefined) out[key] = read(model, type, child, at, found);
  }
  for (const key of shape.required ?? []) {
    if (out[key] !== undefined) continue;
    const at = path === '' ? key : `${path}.${key}`;
    found.problems.push({
      kind: 'required',
      path: at,
      message: `1 validation error detected: Value null at '${at}' failed to satisfy constraint: Member must not be null`,
    });
  }
  return out;
}

function readScalar(shape: Shape, value: unknown, path: string, found: Findings): unknown {
  switch (shape.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : wrongType(value, 'Boolean', path, found);
    case 'integer':
    case 'long':
      if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType(value, 'Integer', path, found);
      limit(shape, value, value, path, found, 'value');
      return value;
    case 'double':
    case 'float':
    case 'timestamp':
      return typeof value === 'number' ? value : wrongType(value, 'Double', path, found);
    default:
      if (typeof value !== 'string') return wrongType(value, 'String', path, found);
      if (shape.enum && !shape.enum.includes(value)) {
        constraint(value, path, found, `Member must satisfy enum value set: [${shape.enum.join(', ')}]`);
      }
      limit(shape, value.length, value, path, found, 'length');
      if (shape.pattern !== undefined && !patternOf(shape.pattern).test(value)) {
        constraint(value, path, found, `Member must satisfy regular expression pattern: ${shape.pattern}`);
      }
      return value;
  }
}

function limit(
  { min, max }: Shape,
  n: number,
  value: unknown,
  path: string,
  found: Findings,
  what: 'length' | 'value',
): void {
  const noun = what === 'length' ? 'have length' : 'have value';
  if (min !== undefined && n < min)
    constraint(value, path, found, `Member must ${noun} greater than or equal to ${min}`);
  if (max !== undefined && n > max) constraint(value, path, found, `Member must ${noun} less than or equal to ${max}`);
}

function constraint(value: unknown, path: string, found: Findings, rule: string): void {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  found.problems.push({
    kind: 'constraint',
    path,
    message: `1 validation error detected: Value '${shown.slice(0, 200)}' at '${path}' failed to satisfy constraint: ${rule}`,
  });
}

function wrongType(value: unknown, wanted: string, path: string, found: Findings): undefined {
  const got = value === null ? 'null' : Array.isArray(value) ? 'LIST' : `${typeof value}`.toUpperCase();
  found.problems.push({
    kind: 'type',
    path,
    message: `${got}_VALUE can not be converted to ${/^[AEIOU]/.test(wanted) ? 'an' : 'a'} ${wanted} (at ${path || 'the request'})`,
  });
  return undefined;
}

const patterns = new Map<string, RegExp>();
function patternOf(source: string): RegExp {
  let pattern = patterns.get(source);
  if (!pattern) patterns.set(source, (pattern = new RegExp(`^(?:${source})$`, source.includes('\\p{') ? 'u' : '')));
  return pattern;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
