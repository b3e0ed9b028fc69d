// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import { compareWithFloat, scaled } from './exact.ts';
import type { Meter } from './meter.ts';
import { floatDigits, wholeOf } from './number-text.ts';
import { binary, bounded } from './operations.ts';
import { asFloat, asInt, isFloat, isInt, isNumber, toNumber, typeName } from './values.ts';

/** The filters round and filesizeformat. */

/** Beyond these a float has no digits that rounding could change, or none left. */
const [MOST_DIGITS, LEAST_DIGITS] = [323, -309];

export function rounded(v: unknown, precision: unknown, method: string, meter: Meter): unknown {
  if (!['common', 'ceil', 'floor'].includes(method)) throw typeError('method must be common, ceil or floor');
  if (!isNumber(v)) throw typeError(`type ${typeName(v)} doesn't define __round__ method`);
  // Rounding to no precision at all gives an int.
  if (precision === null && method === 'common') return asInt(isFloat(v) ? halfEven(toNumber(v), 0) : wholeOf(v));
  if (!isInt(precision) && typeof precision !== 'boolean')
    throw typeError(`'${typeName(precision)}' object cannot be interpreted as an integer`);
  const digits = toNumber(precision);
  // Rounding goes by way of the exact decimals.
  meter.objects(2);
  meter.step((Math.min(400, Math.abs(digits)) + 300) >> 6);
  if (method === 'common')
    return isFloat(v) ? asFloat(roundedFloat(toNumber(v), digits)) : roundedInt(bounded(wholeOf(v)), digits);
  const unit = binary('**', 10, precision, meter);
  const scaledUp = binary('*', v, unit, meter);
  const whole = isFloat(scaledUp) ? towards(method, toNumber(scaledUp)) : scaledUp;
  return binary('/', whole, unit, meter);
}

function halfEven(x: number, digits: number): bigint {
  if (!Number.isFinite(x)) throw typeError(`cannot convert float ${Number.isNaN(x) ? 'NaN' : 'infinity'} to integer`);
  return x < 0 ? -scaled(x, digits) : scaled(x, digits);
}

function roundedFloat(x: number, digits: number): number {
  if (!Number.isFinite(x) || digits > MOST_DIGITS || x === 0) return x;
  if (digits < LEAST_DIGITS) return x < 0 ? -0 : 0;
  const n = halfEven(x, digits);
  const r = Number(`${n.toString()}e${String(-digits)}`);
  if (!Number.isFinite(r)) throw typeError('rounded value too large to represent');
  return r === 0 && x < 0 ? -0 : r;
}

/** An int to a multiple of a power of ten, half to even. */
function roundedInt(x: bigint, digits: number): number | bigint {
  if (digits >= 0) return asInt(x);
  if (digits < -4_000) return 0;
  const unit = 10n ** BigInt(-digits);
  const rest = ((x % unit) + unit) % unit;
  const down = x - rest;
  const up = rest * 2n > unit || (rest * 2n === unit && (down / unit) % 2n !== 0n);
  return asInt(up ? down + unit : down);
}

function towards(method: string, x: number): number | bigint {
  if (!Number.isFinite(x)) throw typeError(`cannot convert float ${Number.isNaN(x) ? 'NaN' : 'infinity'} to integer`);
  return asInt(BigInt(method === 'ceil' ? Math.ceil(x) : Math.floor(x)));
}

const DECIMAL = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** A number of bytes for people. */
export function fileSize(bytes: number, isBinary: boolean, meter: Meter): string {
  const [base, units] = isBinary ? [1024n, BINARY] : [1000n, DECIMAL];
  if (bytes === 1) return '1 Byte';
  if (bytes < Number(base)) return `${wholeOf(asFloat(bytes)).toString()} Bytes`;
  // The last unit takes all that is left; where one begins is an int, which a float beside it may just miss.
  const last = units.length - 1;
  let at = 0;
  while (at < last && !(compareWithFloat(base ** BigInt(at + 2), bytes) > 0)) at++;
  const value = (Number(base) * bytes) / Number(base ** BigInt(at + 2));
  const text = floatDigits(value, { type: 'f', precision: 1, alternate: false, pointZero: false }, meter);
  return `${text} ${units[at] ?? ''}`;
}
