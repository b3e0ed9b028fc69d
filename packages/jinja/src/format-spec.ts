// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { characterOf, floatDigits, floatOf, isNegative, magnitude, wholeOf } from './number-text.ts';
import { codePoints, firstOf } from './operations.ts';
import { toText } from './text.ts';
import { isFloat, isNumber, typeName } from './values.ts';

/** Python's `format(value, spec)`: `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`. */

interface Spec {
  fill: string;
  /** `''` = none is given. */
  align: string;
  sign: string;
  noNegativeZero: boolean;
  alternate: boolean;
  width: number;
  grouping: string;
  /** -1 = none is given. */
  precision: number;
  type: string;
}

const PATTERN = /^(?:(.)?([<>=^]))?([ +-])?(z)?(#)?(0)?(\d{1,15})?(,|_)?(,|_)?(?:\.(\d{0,15}))?(.)?$/su;

export function formatted(value: unknown, spec: string, meter: Meter): string {
  if (spec === '') return toText(value, meter);
  if (typeof value === 'string') return ofText(value, parsed(spec, value), meter);
  if (!isNumber(value)) throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`);
  const s = parsed(spec, value);
  const asFloat = 'eEfFgG%'.includes(s.type || ' ');
  if (isFloat(value) ? asFloat || s.type === '' || s.type === 'n' : asFloat) return ofFloat(floatOf(value), s, meter);
  if (!isFloat(value) && 'bcdoxXn'.includes(s.type || 'd')) return ofInt(wholeOf(value), s, meter);
  throw unknownType(s.type, value);
}

const unknownType = (type: string, value: unknown): Error =>
  typeError(`Unknown format code '${type}' for object of type '${typeName(value)}'`);

function parsed(text: string, value: unknown): Spec {
  // The fill may be any character, the align characters too: `(.)?` alone would take the align for one.
  const m = PATTERN.exec(text);
  if (!m) throw typeError(`Invalid format specifier '${text.slice(0, 100)}' for object of type '${typeName(value)}'`);
  const [, fill, align, sign, z, hash, zero, width, grouping, second, precision, type = ''] = m;
  if (grouping !== undefined && second !== undefined)
    throw typeError(grouping === second ? `Cannot specify '${grouping}' twice.` : "Cannot specify both ',' and '_'.");
  if (precision === '') throw typeError('Format specifier missing precision');
  const kind = type || (typeof value === 'string' ? 's' : 'd');
  const isGrouped = 'deEfFgG%'.includes(kind) || (grouping === '_' && 'boxX'.includes(kind));
  if (grouping !== undefined && !isGrouped) throw typeError(`Cannot specify '${grouping}' with '${kind}'.`);
  const zeroFill = zero !== undefined && fill === undefined;
  return {
    fill: fill ?? (zeroFill ? '0' : ' '),
    align: align ?? (zeroFill && typeof value !== 'string' ? '=' : ''),
    sign: sign ?? '-',
    noNegativeZero: z !== undefined,
    alternate: hash !== undefined,
    width: Number(width ?? 0),
    grouping: grouping ?? '',
    precision: precision === undefined ? -1 : Number(precision),
    type,
  };
}

function ofText(value: string, s: Spec, meter: Meter): string {
  if (s.type !== '' && s.type !== 's') throw unknownType(s.type, value);
  if (s.sign !== '-') throw typeError('Sign not allowed in string format specifier');
  if (s.noNegativeZero) throw typeError('Negative zero coercion (z) not allowed in string format specifier');
  if (s.alternate) throw typeError('Alternate form (#) not allowed in string format specifier');
  if (s.align === '=') throw typeError("'=' alignment not allowed in string format specifier");
  const text = s.precision < 0 ? value : firstOf(value, s.precision);
  return laidOut('', text, { ...s, align: s.align || '<' }, meter);
}

const RADIX: Record<string, [number, string]> = { b: [2, '0b'], o: [8, '0o'], x: [16, '0x'], X: [16, '0X'] };

function ofInt(n: bigint, s: Spec, meter: Meter): string {
  if (s.precision >= 0) throw typeError('Precision not allowed in integer format specifier');
  if (s.noNegativeZero)
    throw typeError('Negative zero coercion (z) not allowed in format specifier with integer format code');
  if (s.type === 'c') {
    if (s.sign !== '-') throw typeError("Sign not allowed with integer format specifier 'c'");
    if (s.alternate) throw typeError("Alternate form (#) not allowed with integer format specifier 'c'");
    return laidOut('', characterOf(n), { ...s, align: s.align || '>' }, meter);
  }
  const [radix, prefix] = RADIX[s.type] ?? [10, ''];
  const digits = magnitude(n).toString(radix);
  const before = signOf(n < 0n, s) + (s.alternate ? prefix : '');
  return numberLaidOut(before, s.type === 'X' ? digits.toUpperCase() : digits, '', s, radix === 10 ? 3 : 4, meter);
}

function ofFloat(value: number, s: Spec, meter: Meter): string {
  const percent = s.type === '%';
  const x = percent ? value * 100 : value;
  const lower = s.type.toLowerCase();
  // Without a type it is the shortest text, and with a precision `g` that keeps a digit behind the point.
  const type = percent ? 'f' : lower === '' ? (s.precision < 0 ? 'r' : 'g') : lower === 'n' ? 'g' : lower;
  const style = {
    type: type as 'e' | 'f' | 'g' | 'r',
    precision: s.precision < 0 ? (type === 'r' ? 0 : 6) : s.precision,
    alternate: s.alternate,
    pointZero: s.type === '',
  };
  const text = floatDigits(x, style, meter);
  const shown = lower === s.type ? text : text.toUpperCase();
  const isZero = s.noNegativeZero && !/[1-9]/.test(text.replace(/e.*$/, '')) && Number.isFinite(x);
  const [, digits = '', rest = ''] = /^(\d*)(.*)$/s.exec(shown) ?? [];
  return numberLaidOut(signOf(isNegative(x) && !isZero, s), digits, rest + (percent ? '%' : ''), s, 3, meter);
}

const signOf = (negative: boolean, { sign }: Spec): string => (negative ? '-' : sign === '-' ? '' : sign);

/** A number's parts; with zeros as the fill, the separators go through them. */
function numberLaidOut(before: string, digits: string, after: string, s: Spec, group: number, meter: Meter): string {
  const zeros = s.fill === '0' && s.align === '=';
  const least = zeros ? s.width - before.length - after.length : 0;
  meter.chars(Math.max(0, least));
  const grouped = s.grouping === '' ? digits : separated(digits, s.grouping, group, least);
  return laidOut(before, grouped + after, { ...s, align: s.align || '>' }, meter);
}

/** `1234567` → `1,234,567`, filled with zeros to a least length. */
function separated(digits: string, separator: string, group: number, least: number): string {
  // A separator never leads: one digit more than would fill the length exactly.
  let text = digits;
  const whole = (n: number): number => n + Math.ceil(n / group) - 1;
  if (digits !== '' && whole(digits.length) < least) {
    let n = Math.floor((least * group) / (group + 1));
    while (whole(n) < least) n++;
    text = digits.padStart(n, '0');
  }
  const head = text.length % group || group;
  const parts = [text.slice(0, head)];
  for (let i = head; i < text.length; i += group) parts.push(text.slice(i, i + group));
  return parts.join(separator);
}

function laidOut(before: string, text: string, s: Spec, meter: Meter): string {
  const missing = s.width - before.length - codePoints(text);
  if (missing <= 0) return before + text;
  meter.chars(missing * s.fill.length + text.length);
  const fill = (n: number): string => s.fill.repeat(n);
  switch (s.align) {
    case '<':
      return before + text + fill(missing);
    case '=':
      return before + fill(missing) + text;
    case '^': {
      const left = Math.floor(missing / 2);
      return fill(left) + before + text + fill(missing - left);
    }
    default:
      return fill(missing) + before + text;
  }
}
