// SPDX-License-Identifier: Apache-2.0
import { signature } from './environment.ts';
import type { Kwargs, Signature } from './environment.ts';
import { typeError } from './errors.ts';
import {
  changingDictMethods,
  changingListMethods,
  listMethods,
  mappingMethods,
  rangeMethods,
  tupleMethods,
  viewMethods,
} from './list-methods.ts';
import type { Meter } from './meter.ts';
import { magnitude, wholeOf } from './number-text.ts';
import { bounded } from './operations.ts';
import { formatText } from './str-format.ts';
import { textMethods } from './text-methods.ts';
import { isFloat, isInt, isList, isMapping, PyFloat, PyRange, toNumber, Tuple, View } from './values.ts';

/** What a method takes, as `signature` reads it, and what it does. */
export type MethodRow<T> = readonly [
  takes: string,
  run: (self: T, args: readonly unknown[], meter: Meter, kwargs: Kwargs) => unknown,
];

export interface Method {
  bind: Signature;
  run: (self: unknown, args: readonly unknown[], meter: Meter, kwargs: Kwargs) => unknown;
  /** True where it changes its object. */
  changes: boolean;
}

type Methods = ReadonlyMap<string, Method>;

function tableOf<T>(rows: Record<string, MethodRow<T>>, changes = false): [string, Method][] {
  return Object.entries(rows).map(([name, [takes, run]]) => [
    name,
    { bind: signature(`${name}()`, takes), run: run as Method['run'], changes },
  ]);
}

const formatMethods: Record<string, MethodRow<string>> = {
  format: ['*', (s, args, meter, kwargs) => formatText(s, args, kwargs, meter)],
  format_map: [
    '_mapping',
    (s, [values], meter) => {
      if (!isMapping(values)) throw typeError('format_map takes a mapping');
      const entries = values instanceof Map ? values : Object.entries(values);
      return formatText(s, [], new Map(entries as Iterable<[string, unknown]>), meter);
    },
  ],
};

const intMethods: Record<string, MethodRow<number | bigint>> = {
  bit_length: ['', (v) => bitsOf(v).length],
  bit_count: ['', (v) => bitsOf(v).replaceAll('0', '').length],
  conjugate: ['', (v) => v],
};
const bitsOf = (v: unknown): string => {
  const n = magnitude(bounded(wholeOf(v)));
  return n === 0n ? '' : n.toString(2);
};
const floatMethods: Record<string, MethodRow<unknown>> = {
  is_integer: ['', (v) => Number.isInteger(v instanceof PyFloat ? v.value : toNumber(v))],
  conjugate: ['', (v) => v],
};

const ofText: Methods = new Map([...tableOf(textMethods), ...tableOf(formatMethods)]);
const ofTuple: Methods = new Map(tableOf(tupleMethods));
const ofList: Methods = new Map([...tableOf(listMethods), ...tableOf(changingListMethods, true)]);
const ofDict: Methods = new Map([...tableOf(mappingMethods), ...tableOf(changingDictMethods, true)]);
const ofRange: Methods = new Map(tableOf(rangeMethods));
const ofView: Methods = new Map(tableOf(viewMethods));
const ofInt: Methods = new Map(tableOf(intMethods));
const ofFloat: Methods = new Map(tableOf(floatMethods));
const ofOther: Methods = new Map();

function methodsOf(v: unknown): Methods {
  if (typeof v === 'string') return ofText;
  if (isMapping(v)) return ofDict;
  if (isList(v)) return ofList;
  if (v instanceof Tuple) return ofTuple;
  if (isInt(v) || typeof v === 'boolean') return ofInt;
  if (isFloat(v)) return ofFloat;
  if (v instanceof PyRange) return ofRange;
  if (v instanceof View) return ofView;
  return ofOther;
}

/** A method of a value by name; undefined = it has none. */
export const methodOf = (v: unknown, name: string): Method | undefined => methodsOf(v).get(name);
