// SPDX-License-Identifier: Apache-2.0
import type { Test } from './environment.ts';
import { filterNames } from './filters.ts';
import { compareOp } from './operations.ts';
import { toText } from './text.ts';
import { Callable, Facade, isFloat, isInt, isMapping, isNumber, PyRange, toNumber, Undefined } from './values.ts';
import { binary } from './operations.ts';

const value = (v: unknown): unknown => (v instanceof Undefined ? v.fail() : v);
const op =
  (operator: string): Test =>
  (v, args, env) =>
    compareOp(operator, value(v), args[0], env.meter);

const equal = op('==');
const unequal = op('!=');
const less = op('<');
const atMost = op('<=');
const greater = op('>');
const atLeast = op('>=');

const tests: Record<string, Test> = {
  defined: (v) => !(v instanceof Undefined),
  undefined: (v) => v instanceof Undefined,
  // Python asks these for the type only, which an undefined value has.
  none: (v) => v === null,
  boolean: (v) => typeof v === 'boolean',
  true: (v) => v === true,
  false: (v) => v === false,
  integer: (v) => isInt(v),
  float: (v) => isFloat(v),
  number: (v) => isNumber(v),
  string: (v) => typeof v === 'string',
  mapping: (v) => isMapping(v),
  sequence: (v) => typeof v === 'string' || Array.isArray(v) || isMapping(v) || v instanceof PyRange,
  iterable: (v) => typeof value(v) === 'string' || Array.isArray(v) || isMapping(v) || v instanceof PyRange,
  callable: (v) => v instanceof Callable || v instanceof Undefined || (v instanceof Facade && v.invoke !== undefined),
  escaped: () => false,
  even: (v, _a, env) => toNumber(binary('%', value(v), 2, env.meter)) === 0,
  odd: (v, _a, env) => toNumber(binary('%', value(v), 2, env.meter)) === 1,
  divisibleby: (v, a, env) => toNumber(binary('%', value(v), a[0], env.meter)) === 0,
  lower: (v) => {
    const s = toText(v);
    return s === s.toLowerCase() && s !== s.toUpperCase();
  },
  upper: (v) => {
    const s = toText(v);
    return s === s.toUpperCase() && s !== s.toLowerCase();
  },
  sameas: (v, a) => value(v) === a[0],
  in: (v, a, env) => compareOp('in', value(v), a[0], env.meter),
  filter: (v) => filterNames.has(toText(v)),
  test: (v) => testNames.has(toText(v)),
  eq: equal,
  equalto: equal,
  '==': equal,
  ne: unequal,
  '!=': unequal,
  lt: less,
  lessthan: less,
  '<': less,
  le: atMost,
  '<=': atMost,
  gt: greater,
  greaterthan: greater,
  '>': greater,
  ge: atLeast,
  '>=': atLeast,
};

export const testsByName: ReadonlyMap<string, Test> = new Map(Object.entries(tests));
export const testNames: ReadonlySet<string> = new Set(Object.keys(tests));
