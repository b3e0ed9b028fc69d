// SPDX-License-Identifier: Apache-2.0
import { equals } from './compare.ts';
import { hashable } from './dict.ts';
import { signature } from './environment.ts';
import type { Signature, Test } from './environment.ts';
import { filterNames } from './filters.ts';
import { binary, compareOp } from './operations.ts';
import { toText } from './text.ts';
import { isLower, isUpper } from './text-case.ts';
import {
  Callable,
  Facade,
  isFloat,
  isInt,
  isMapping,
  isNumber,
  Markup,
  PyRange,
  Stream,
  Undefined,
  View,
} from './values.ts';

/** What a test takes besides its value, and what it says of it. */
type TestRow = readonly [takes: string, run: Test];

const op = (operator: string): TestRow => ['_other', (v, [other], env) => compareOp(operator, v, other, env.meter)];
const is = (run: (v: unknown) => boolean): TestRow => ['', run];

const [equal, unequal, less, atMost, greater, atLeast] = ['==', '!=', '<', '<=', '>', '>='].map(op) as [
  TestRow,
  TestRow,
  TestRow,
  TestRow,
  TestRow,
  TestRow,
];

const isSequence = (v: unknown): boolean =>
  typeof v === 'string' || Array.isArray(v) || isMapping(v) || v instanceof PyRange;

const tests: Record<string, TestRow> = {
  defined: is((v) => !(v instanceof Undefined)),
  undefined: is((v) => v instanceof Undefined),
  // Python asks these for the type only, which an undefined value has.
  none: is((v) => v === null),
  boolean: is((v) => typeof v === 'boolean'),
  true: is((v) => v === true),
  false: is((v) => v === false),
  integer: is(isInt),
  float: is(isFloat),
  number: is(isNumber),
  string: is((v) => typeof v === 'string'),
  mapping: is(isMapping),
  sequence: is((v) => isSequence(v) || (v instanceof Undefined && v.lenient)),
  iterable: is((v) => {
    if (v instanceof Undefined) return v.empty;
    return (
      isSequence(v) || v instanceof Stream || v instanceof View || (v instanceof Facade && v.label === 'LoopContext')
    );
  }),
  callable: is(
    (v) => v instanceof Callable || v instanceof Undefined || (v instanceof Facade && v.invoke !== undefined),
  ),
  escaped: is((v) => v instanceof Markup),
  even: ['', (v, _a, env) => equals(binary('%', v, 2, env.meter), 0)],
  odd: ['', (v, _a, env) => equals(binary('%', v, 2, env.meter), 1)],
  divisibleby: ['num', (v, [num], env) => equals(binary('%', v, num, env.meter), 0)],
  lower: ['', (v, _a, env) => isLower(toText(v, env.meter))],
  upper: ['', (v, _a, env) => isUpper(toText(v, env.meter))],
  sameas: ['other', (v, [other]) => v === other],
  in: ['seq', (v, [seq], env) => compareOp('in', v, seq, env.meter)],
  filter: is((v) => filterNames.has(hashable(v) as string)),
  test: is((v) => testNames.has(hashable(v) as string)),
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

export const testsByName: ReadonlyMap<string, { bind: Signature; run: Test }> = new Map(
  Object.entries(tests).map(([name, [takes, run]]) => [name, { bind: signature(`the test ${name}`, takes), run }]),
);
export const testNames: ReadonlySet<string> = new Set(Object.keys(tests));
