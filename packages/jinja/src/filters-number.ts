// SPDX-License-Identifier: Apache-2.0
import { int } from './environment.ts';
import { typeError } from './errors.ts';
import type { FilterRow } from './filters.ts';
import type { Meter } from './meter.ts';
import { floatOf, magnitude, wholeOf } from './number-text.ts';
import { bounded, lengthOf } from './operations.ts';
import { parseFloatText, parseIntText } from './parse-number.ts';
import { fileSize, rounded } from './rounding.ts';
import { repr, toText } from './text.ts';
import { asFloat, asInt, isIndex, isNumber, PyFloat, toNumber, truthy, typeName, Undefined } from './values.ts';

export const numberFilters: Record<string, FilterRow> = {
  length: ['', (v, _a, env) => lengthOf(v, env.meter)],
  count: ['', (v, _a, env) => lengthOf(v, env.meter)],
  abs: [
    '',
    (v) => {
      if (v instanceof Undefined) v.fail();
      if (!isNumber(v)) throw typeError(`bad operand type for abs(): '${typeName(v)}'`);
      if (typeof v === 'bigint') return asInt(magnitude(bounded(v)));
      return v instanceof PyFloat ? new PyFloat(Math.abs(v.value)) : Math.abs(toNumber(v));
    },
  ],
  int: [
    'default? base?',
    (v, [fallback, base], env) => {
      const n = intOf(v, base, env.meter);
      return n === null ? (fallback === undefined ? 0 : fallback) : asInt(n);
    },
  ],
  float: [
    'default?',
    (v, [fallback], env) => {
      if (v instanceof Undefined) v.fail();
      const x = typeof v === 'string' ? parseFloatText(v, env.meter) : isNumber(v) ? floatOf(v) : null;
      if (x !== null) return asFloat(x);
      return fallback === undefined ? new PyFloat(0) : fallback;
    },
  ],
  round: [
    'precision? method?',
    (v, [precision, method], env) => {
      if (v instanceof Undefined) v.fail();
      const digits = precision === undefined ? 0 : precision;
      return rounded(v, digits, method === undefined ? 'common' : toText(method), env.meter);
    },
  ],
  filesizeformat: [
    'binary?',
    (v, [binary], env) => {
      if (v instanceof Undefined) v.fail();
      const bytes = typeof v === 'string' ? parseFloatText(v, env.meter) : floatOf(v);
      if (bytes === null) throw typeError(`could not convert string to float: ${repr(v, env.meter)}`);
      return fileSize(bytes, truthy(binary ?? false), env.meter);
    },
  ],
};

/** Null where it is no number; a text with a float in it is cut off. */
function intOf(v: unknown, base: unknown, meter: Meter): bigint | null {
  if (v instanceof Undefined) v.fail();
  if (isNumber(v)) return wholeOf(v);
  if (typeof v !== 'string') return null;
  if (base === undefined || isIndex(base)) {
    const n = parseIntText(v, int(base, 10), meter);
    if (n !== null) return n;
  }
  const x = parseFloatText(v, meter);
  return x === null || !Number.isFinite(x) ? null : BigInt(Math.trunc(x));
}
