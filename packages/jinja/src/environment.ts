// SPDX-License-Identifier: Apache-2.0
import { TemplateError, typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { toNumber } from './values.ts';

/** What filters and tests may use of a rendering. */
export interface Environment {
  meter: Meter;
  /** Uniform integer in [0, n). */
  draw(n: number): number;
  filter(name: string, value: unknown, args: unknown[], kwargs: ReadonlyMap<string, unknown>): unknown;
  test(name: string, value: unknown, args: unknown[]): boolean;
  /** `a.b.0` of a value as filters' attribute arguments go. */
  attribute(value: unknown, path: string | number): unknown;
}

export type Filter = (
  value: unknown,
  args: readonly unknown[],
  kwargs: ReadonlyMap<string, unknown>,
  env: Environment,
) => unknown;
export type Test = (value: unknown, args: readonly unknown[], env: Environment) => boolean;

/** A filter's arguments by position or name; @throws TemplateError type for what it does not take. */
export function named(
  filter: string,
  names: readonly string[],
  args: readonly unknown[],
  kwargs: ReadonlyMap<string, unknown>,
): unknown[] {
  if (args.length > names.length) throw new TemplateError('type', `${filter} takes at most ${names.length} arguments`);
  for (const key of kwargs.keys()) {
    if (!names.includes(key)) throw new TemplateError('type', `${filter} got an unexpected keyword argument '${key}'`);
  }
  return names.map((name, i) => (i < args.length ? args[i] : kwargs.get(name)));
}

/** An argument that is a whole number. @throws TemplateError type for what is none */
export function int(v: unknown, fallback: number): number {
  if (v === undefined || v === null) return fallback;
  const n = Math.trunc(toNumber(v));
  if (Number.isNaN(n)) throw typeError('cannot convert float NaN to integer');
  return n;
}
