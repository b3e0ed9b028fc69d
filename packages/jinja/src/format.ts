// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { codePoints, firstOf } from './operations.ts';
import { repr, toText } from './text.ts';
import { isFloat, isInt, isMapping, isNumber, lookup, toNumber, Tuple, typeName } from './values.ts';

// Every part is bounded, so that no text makes the search go with the square of its length.
const SPEC = /%(?:\(([^)]{0,200})\))?([#0\- +]{0,9})(\d{1,12}|\*)?(?:\.(\d{1,12}))?[hlL]?([diouxXeEfFgGcrsa%])/g;

/** Python's `text % values`. */
export function percentFormat(format: string, values: unknown, meter: Meter): string {
  const list = values instanceof Tuple ? values : [values];
  let next = 0;
  let used = false;
  const out = format.replace(
    SPEC,
    (
      _all,
      key: string | undefined,
      flags: string,
      width: string | undefined,
      precision: string | undefined,
      type: string,
    ) => {
      if (type === '%') return '%';
      if (width === '*') throw typeError('a width of * is not supported');
      let value: unknown;
      if (key !== undefined) {
        if (!isMapping(values)) throw typeError('format requires a mapping');
        value = lookup(values, key, meter);
        if (value === undefined) throw typeError(`no value for %(${key})`);
        used = true;
      } else {
        if (next >= list.length) throw typeError('not enough arguments for format string');
        value = list[next++];
      }
      const wide = Number(width ?? 0);
      meter.pieces(1);
      meter.chars(wide + Number(precision ?? 0));
      const text = pad(convert(value, type, flags, precision, meter), wide, flags, type);
      meter.chars(text.length);
      return text;
    },
  );
  // As in Python, a mapping or a list may be left unused; a tuple and any other value may not.
  const idle = isMapping(values) || (Array.isArray(values) && !(values instanceof Tuple));
  if (!used && next < list.length && !(idle && next === 0)) {
    throw typeError('not all arguments converted during string formatting');
  }
  return out;
}

function pad(text: string, points: number, flags: string, type: string): string {
  const width = points + text.length - codePoints(text);
  if (text.length >= width) return text;
  if (flags.includes('-')) return text.padEnd(width);
  if (flags.includes('0') && !'srca'.includes(type)) {
    const sign = /^[+\- ]/.exec(text)?.[0] ?? '';
    return sign + text.slice(sign.length).padStart(width - sign.length, '0');
  }
  return text.padStart(width);
}

function convert(value: unknown, type: string, flags: string, precision: string | undefined, meter: Meter): string {
  const digits = Math.min(100, precision === undefined ? 6 : Number(precision));
  const signed = (text: string, negative: boolean): string =>
    negative ? text : flags.includes('+') ? `+${text}` : flags.includes(' ') ? ` ${text}` : text;
  switch (type) {
    case 's':
    case 'r':
    case 'a': {
      const text = type === 's' ? toText(value, meter) : repr(value, meter);
      return precision === undefined ? text : firstOf(text, Number(precision));
    }
    case 'c':
      if (typeof value === 'string' && codePoints(value) !== 1) throw typeError('%c requires int or char');
      return typeof value === 'string' ? value : characterOf(toNumber(value));
    case 'd':
    case 'i':
    case 'u': {
      if (!isNumber(value)) throw typeError(`%${type} format: a real number is required, not ${typeName(value)}`);
      const n = isFloat(value)
        ? BigInt(Math.trunc(toNumber(value)))
        : typeof value === 'bigint'
          ? value
          : BigInt(toNumber(value));
      const least = precision === undefined ? 0 : Math.min(1000, Number(precision));
      const whole = (n < 0n ? -n : n).toString().padStart(least, '0');
      return signed((n < 0n ? '-' : '') + whole, n < 0n);
    }
    case 'x':
    case 'X':
    case 'o': {
      if (!isInt(value) && typeof value !== 'boolean')
        throw typeError(`%${type} format: an integer is required, not ${typeName(value)}`);
      const n = typeof value === 'bigint' ? value : BigInt(toNumber(value));
      const size = (n < 0n ? -n : n).toString(type === 'o' ? 8 : 16);
      const prefix = flags.includes('#') ? (type === 'o' ? '0o' : '0x') : '';
      const text = (n < 0n ? '-' : '') + prefix + size;
      return signed(type === 'X' ? text.toUpperCase() : text, n < 0n);
    }
    default: {
      if (!isNumber(value)) throw typeError(`must be real number, not ${typeName(value)}`);
      const x = toNumber(value);
      return signed(floatFormat(x, type, digits), x < 0 || Object.is(x, -0));
    }
  }
}

function characterOf(code: number): string {
  if (!Number.isInteger(code) || code < 0 || code > 0x10ffff) throw typeError('%c arg not in range(0x110000)');
  return String.fromCodePoint(code);
}

/** `f`, `e` and `g` of a float with so many digits. */
export function floatFormat(x: number, type: string, digits: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
  const exponent = (t: string): string => t.replace(/e([+-])(\d)$/, 'e$10$2');
  switch (type.toLowerCase()) {
    case 'f':
      return fixed(x, digits);
    case 'e': {
      const t = exponent(x.toExponential(digits));
      return type === 'E' ? t.toUpperCase() : t;
    }
    default: {
      const p = Math.max(1, digits);
      const e = x === 0 ? 0 : Number(/e([+-]\d+)$/.exec(x.toExponential(p - 1))?.[1] ?? 0);
      if (e < -4 || e >= p) {
        const t = exponent(x.toExponential(p - 1).replace(/\.?0+e/, 'e'));
        return type === 'G' ? t.toUpperCase() : t;
      }
      const t = fixed(x, Math.max(0, p - 1 - e));
      return t.includes('.') ? t.replace(/\.?0+$/, '') : t;
    }
  }
}

/** Exactly between two neighbours: toFixed goes away from zero there, Python to the even one. */
function isTie(x: number, digits: number): boolean {
  if (digits > 20) return false;
  const doubled = x * 2 * 10 ** digits;
  // Only multiples of a power of two can be; then the product is exact.
  return Number.isInteger(doubled) && Math.abs(doubled) % 2 === 1 && doubled / 2 / 10 ** digits === x && dyadic(x);
}
const dyadic = (x: number): boolean => Number.isInteger(x * 2 ** 21);

function towardsZero(text: string, x: number): string {
  const digits = text.replace('-', '');
  const last = Number(digits.at(-1)) - 1;
  return `${x < 0 ? '-' : ''}${digits.slice(0, -1)}${last}`;
}

/** toFixed for any size; JavaScript switches to exponents at 1e21. */
export function fixed(x: number, digits: number): string {
  if (Math.abs(x) < 1e21) {
    const text = Object.is(x, -0) ? `-${(0).toFixed(digits)}` : x.toFixed(digits);
    return isTie(x, digits) && /[13579]$/.test(text) ? towardsZero(text, x) : text;
  }
  const whole = BigInt(x).toString();
  return digits > 0 ? `${whole}.${'0'.repeat(digits)}` : whole;
}
