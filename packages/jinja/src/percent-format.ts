// SPDX-License-Identifier: Apache-2.0
import { lookup } from './compare.ts';
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { characterOf, floatDigits, floatOf, isNegative, magnitude, wholeOf } from './number-text.ts';
import { codePoints, firstOf } from './operations.ts';
import { asciiOnly, repr, toText } from './text.ts';
import {
  isFloat,
  isMapping,
  isNumber,
  Markup,
  plainText,
  PyRange,
  toNumber,
  Tuple,
  typeName,
  Undefined,
} from './values.ts';

interface Conversion {
  flags: string;
  width: number;
  /** -1 = none is given. */
  precision: number;
  type: string;
}

/** Python's `text % values`; `shown` is what becomes of the texts that are put in. */
export function percentFormat(
  format: string,
  values: unknown,
  meter: Meter,
  shown: (text: string) => string = (text) => text,
): string {
  const args = new PercentArguments(values, meter);
  const out: string[] = [];
  let at = 0;
  for (;;) {
    const percent = format.indexOf('%', at);
    if (percent < 0) break;
    meter.pieces(1);
    out.push(format.slice(at, percent));
    const { text, end } = conversionAt(format, percent + 1, args, meter, shown);
    out.push(text);
    at = end;
  }
  args.finish();
  if (at === 0) return format;
  meter.chars(format.length - at);
  return out.join('') + format.slice(at);
}

/** What a `%` takes: a tuple one by one, a mapping by key, anything else once. */
class PercentArguments {
  readonly #values: unknown;
  readonly #meter: Meter;
  #left: readonly unknown[];
  #next = 0;
  #byKey = false;

  constructor(values: unknown, meter: Meter) {
    this.#values = values;
    this.#meter = meter;
    this.#left = values instanceof Tuple ? values : [values];
  }
  next(): unknown {
    if (this.#next >= this.#left.length) throw typeError('not enough arguments for format string');
    return this.#left[this.#next++];
  }
  select(key: string): void {
    if (!isMapping(this.#values)) throw typeError('format requires a mapping');
    const value = lookup(this.#values, key, this.#meter);
    if (value === undefined) throw typeError(`KeyError: '${key}'`);
    this.#byKey = true;
    this.#left = [value];
    this.#next = 0;
  }
  /** As in Python, what has keys or indices may be left unused; a tuple and any other value may not. */
  finish(): void {
    const v = this.#values;
    const idle =
      isMapping(v) || (Array.isArray(v) && !(v instanceof Tuple)) || v instanceof PyRange || v instanceof Undefined;
    if (!this.#byKey && !idle && this.#next < this.#left.length)
      throw typeError('not all arguments converted during string formatting');
  }
}

const LONGEST_NUMBER = 12;

/** One conversion, from behind its percent sign. */
function conversionAt(
  format: string,
  start: number,
  args: PercentArguments,
  meter: Meter,
  shown: (text: string) => string,
): { text: string; end: number } {
  let at = start;
  if (format[at] === '(') {
    let open = 1;
    const from = ++at;
    for (; open > 0; at++) {
      if (at >= format.length) throw typeError('incomplete format key');
      if (format[at] === '(') open++;
      else if (format[at] === ')') open--;
    }
    meter.scan(at - from);
    args.select(format.slice(from, at - 1));
  }
  let flags = '';
  while (at < format.length && '#0- +'.includes(format.charAt(at))) {
    if (!flags.includes(format.charAt(at))) flags += format.charAt(at);
    at++;
  }
  const number = (): number => {
    if (format[at] === '*') {
      at++;
      const v = args.next();
      if (!isNumber(v) || isFloat(v)) throw typeError('* wants int');
      return toNumber(v);
    }
    const from = at;
    while (isDigit(format.charCodeAt(at))) at++;
    if (at - from > LONGEST_NUMBER) throw typeError('width too big');
    return Number(format.slice(from, at));
  };
  let width = number();
  if (width < 0) {
    flags += '-';
    width = -width;
  }
  let precision = -1;
  if (format[at] === '.') {
    at++;
    precision = Math.max(0, number());
  }
  if ('hlL'.includes(format.charAt(at) || ' ')) at++;
  if (at >= format.length) throw typeError('incomplete format');
  const type = String.fromCodePoint(format.codePointAt(at) ?? 0);
  if (type === '%') return { text: '%', end: at + 1 };
  if (!'diouxXeEfFgGcrsa'.includes(type))
    throw typeError(
      `unsupported format character '${type}' (0x${(type.codePointAt(0) ?? 0).toString(16)}) at index ${String(at)}`,
    );
  meter.chars(width);
  const text = converted(args.next(), { flags, width, precision, type }, meter, shown);
  meter.chars(text.length);
  return { text, end: at + 1 };
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function converted(value: unknown, c: Conversion, meter: Meter, shown: (text: string) => string): string {
  switch (c.type) {
    case 's':
    case 'r':
    case 'a': {
      const plain = c.type === 's' ? toText(value, meter) : repr(value, meter);
      const raw = c.type === 'a' ? asciiOnly(plain, meter) : plain;
      const text = c.type === 's' && value instanceof Markup ? raw : shown(raw);
      return padded('', c.precision < 0 ? text : firstOf(text, c.precision), c, false);
    }
    case 'c': {
      const v = plainText(value);
      if (typeof v === 'string' ? codePoints(v) !== 1 : !isNumber(v) || isFloat(v))
        throw typeError('%c requires int or char');
      return padded('', typeof v === 'string' ? v : characterOf(wholeOf(v)), c, false);
    }
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      return wholeText(value, c, meter);
    default: {
      if (!isNumber(value)) throw typeError(`must be real number, not ${typeName(value)}`);
      const x = floatOf(value);
      const style = {
        type: c.type.toLowerCase() as 'e' | 'f' | 'g',
        precision: c.precision < 0 ? 6 : c.precision,
        alternate: c.flags.includes('#'),
        pointZero: false,
      };
      const digits = floatDigits(x, style, meter);
      return padded(signOf(isNegative(x), c), c.type === style.type ? digits : digits.toUpperCase(), c, true);
    }
  }
}

function wholeText(value: unknown, c: Conversion, meter: Meter): string {
  const decimal = 'diu'.includes(c.type);
  if (!isNumber(value) || (!decimal && isFloat(value)))
    throw typeError(
      `%${c.type} format: ${decimal ? 'a real number' : 'an integer'} is required, not ${typeName(value)}`,
    );
  const n = wholeOf(value);
  const radix = decimal ? 10 : c.type === 'o' ? 8 : 16;
  const least = Math.max(1, c.precision);
  meter.chars(least);
  const digits = magnitude(n).toString(radix).padStart(least, '0');
  const prefix = c.flags.includes('#') && !decimal ? (c.type === 'o' ? '0o' : '0x') : '';
  const text = padded(signOf(n < 0n, c) + prefix, digits, c, true);
  return c.type === 'X' ? text.toUpperCase() : text;
}

const signOf = (negative: boolean, { flags }: Conversion): string =>
  negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';

/** To the width; zeros go between what stands before a number and its digits. */
function padded(before: string, text: string, { flags, width }: Conversion, isNumeric: boolean): string {
  const missing = width - before.length - codePoints(text);
  if (missing <= 0) return before + text;
  if (flags.includes('-')) return before + text + ' '.repeat(missing);
  if (flags.includes('0') && isNumeric) return before + '0'.repeat(missing) + text;
  return ' '.repeat(missing) + before + text;
}
