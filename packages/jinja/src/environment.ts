// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { isIndex, toNumber, typeName, Undefined } from './values.ts';

/** What filters and tests may use of a rendering. */
export interface Environment {
  meter: Meter;
  /** True where output is escaped. */
  autoescape: boolean;
  /** Uniform integer in [0, n). */
  draw(n: number): number;
  filter(name: string, value: unknown, args: unknown[], kwargs: Kwargs): unknown;
  test(name: string, value: unknown, args: unknown[], kwargs: Kwargs): boolean;
  /** `value[key]`, then `value.key`; undefined values where there is none. */
  item(value: unknown, key: unknown): unknown;
  /** `value.name`, without entries. */
  attribute(value: unknown, name: string): unknown;
}

export type Kwargs = ReadonlyMap<string, unknown>;

/** Gets its arguments in the order of its signature; undefined = not given. */
export type Filter = (value: unknown, args: readonly unknown[], env: Environment, kwargs: Kwargs) => unknown;
export type Test = (value: unknown, args: readonly unknown[], env: Environment) => boolean;

/** Puts the arguments of a call in order. @throws TemplateError type for those that it does not take, or lacks */
export type Signature = (args: readonly unknown[], kwargs: Kwargs) => readonly unknown[];

/**
 * A signature from the names that it takes: `old new count?`; a `?` marks what may be missing, and a name that begins with
 * `_` is given by position only. `*` takes whatever comes.
 */
export function signature(what: string, takes: string): Signature {
  if (takes === '*') return (args) => args;
  const names = takes === '' ? [] : takes.split(' ').map((n) => n.replace('?', ''));
  const required = takes.split(' ').filter((n) => n !== '' && !n.endsWith('?')).length;
  return (args, kwargs) => {
    if (args.length > names.length)
      throw typeError(`${what} takes at most ${String(names.length)} argument(s), ${String(args.length)} given`);
    if (kwargs.size === 0) {
      if (args.length < required) throw typeError(`${what} misses its argument '${names[args.length] ?? ''}'`);
      return args;
    }
    for (const key of kwargs.keys()) {
      const at = key.startsWith('_') ? -1 : names.indexOf(key);
      if (at < 0) throw typeError(`${what} got an unexpected keyword argument '${key}'`);
      if (at < args.length) throw typeError(`${what} got multiple values for argument '${key}'`);
    }
    return names.map((name, i) => {
      const value = i < args.length ? args[i] : kwargs.get(name);
      if (value === undefined && i < required) throw typeError(`${what} misses its argument '${name}'`);
      return value;
    });
  };
}

/** An argument that is an int. @throws TemplateError type for what is none */
export function int(v: unknown, fallback?: number): number {
  if (v === undefined && fallback !== undefined) return fallback;
  if (v instanceof Undefined) v.fail();
  if (!isIndex(v)) throw typeError(`'${typeName(v)}' object cannot be interpreted as an integer`);
  return toNumber(v);
}
