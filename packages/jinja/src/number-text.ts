// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import { fixedDigits, scientificDigits } from './exact.ts';
import type { Meter } from './meter.ts';
import { floatText } from './text.ts';
import { isFloat, toNumber } from './values.ts';

/** Digits of numbers as Python's two ways of formatting write them. */

export interface FloatStyle {
  /** `r` is the shortest text that gives the same float. */
  type: 'e' | 'f' | 'g' | 'r';
  precision: number;
  /** `#`: the point stays, and so do the zeros of `g`. */
  alternate: boolean;
  /** `1` becomes `1.0` where it has no exponent. */
  pointZero: boolean;
}

/** |x| without a sign; counted before it is built. */
export function floatDigits(x: number, style: FloatStyle, meter: Meter): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return 'inf';
  const { type, precision, alternate } = style;
  meter.chars(precision);
  meter.step((precision + 300) >> 6);
  meter.objects(2);
  if (type === 'f') {
    const text = fixedDigits(x, precision);
    return alternate && precision === 0 ? `${text}.` : text;
  }
  if (type === 'e') {
    const { text, exponent } = scientificDigits(x, precision);
    return mantissa(text, alternate) + exponentText(exponent);
  }
  if (type === 'r') {
    const text = floatText(Math.abs(x));
    return alternate && !text.includes('.') ? text.replace('e', '.e') : text;
  }
  return general(x, style);
}

function general(x: number, { precision, alternate, pointZero }: FloatStyle): string {
  const places = Math.max(1, precision);
  const { text, exponent } = scientificDigits(x, places - 1);
  const digits = alternate ? text : text.replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= places - (pointZero ? 1 : 0))
    return mantissa(digits, alternate) + exponentText(exponent);
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = digits.slice(exponent + 1);
  if (rest !== '' || alternate) return `${whole}.${rest}`;
  return pointZero ? `${whole}.0` : whole;
}

const mantissa = (digits: string, alternate: boolean): string =>
  digits.length > 1 || alternate ? `${digits.slice(0, 1)}.${digits.slice(1)}` : digits;
const exponentText = (e: number): string => `e${e < 0 ? '-' : '+'}${String(Math.abs(e)).padStart(2, '0')}`;

/** True for -0.0 too. */
export const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0);

/** A number as an int; what floats have behind the point is cut off. */
export function wholeOf(v: unknown): bigint {
  if (typeof v === 'bigint') return v;
  const x = toNumber(v);
  if (isFloat(v) && !Number.isFinite(x))
    throw typeError(`cannot convert float ${Number.isNaN(x) ? 'NaN' : 'infinity'} to integer`);
  return BigInt(Math.trunc(x));
}
export const magnitude = (n: bigint): bigint => (n < 0n ? -n : n);

/** A float of any number. @throws TemplateError type for an int that no float reaches */
export function floatOf(v: unknown): number {
  const x = toNumber(v);
  if (typeof v === 'bigint' && !Number.isFinite(x)) throw typeError('int too large to convert to float');
  return x;
}

/** The character of a code. */
export function characterOf(code: bigint): string {
  if (code < 0n || code > 0x10ffffn) throw typeError('%c arg not in range(0x110000)');
  return String.fromCodePoint(Number(code));
}
