// SPDX-License-Identifier: Apache-2.0
import type { Meter } from './meter.ts';
import { replaceEach } from './replace-each.ts';
import { trimmed } from './space.ts';

/** Numbers in texts, as Python's int() and float() read them; digits of any script. */

const FLOAT = /^[+-]?(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:e[+-]?\d(?:_?\d)*)?$/i;
const MOST_DIGITS = 4300;

/** Null where the text is no float. */
export function parseFloatText(text: string, meter: Meter): number | null {
  meter.scan(text.length);
  const t = plainDigits(trimmed(text), meter);
  if (FLOAT.test(t)) return Number(t.replaceAll('_', ''));
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(t);
  if (!word) return null;
  return /^n/i.test(word[2] ?? '') ? NaN : word[1] === '-' ? -Infinity : Infinity;
}

/** Null where the text is no int of that base: 0 (the text says which) or 2 to 36. */
export function parseIntText(text: string, base: number, meter: Meter): bigint | null {
  meter.scan(text.length);
  const m = /^([+-]?)(0[xob])?(_?)(.*)$/is.exec(plainDigits(trimmed(text), meter));
  if (!m || (base !== 0 && (base < 2 || base > 36))) return null;
  const [, sign = '', mark = '', gap = '', rest = ''] = m;
  const named = { x: 16, o: 8, b: 2 }[mark.slice(1).toLowerCase()];
  const hasPrefix = named !== undefined && (base === 0 || base === named);
  const radix = hasPrefix ? named : base === 0 ? 10 : base;
  const digits = hasPrefix ? rest : mark + gap + rest;
  if (!/^[0-9a-z](?:_?[0-9a-z])*$/i.test(digits)) return null;
  if (base === 0 && !hasPrefix && /^0[_0]*[1-9]/.test(digits)) return null;
  const plain = digits.replaceAll('_', '').toLowerCase();
  const limited = (radix & (radix - 1)) !== 0;
  if (plain.length > MOST_DIGITS && limited) return null;
  for (const c of plain) if (parseInt(c, 36) >= radix) return null;
  const n = valueOf(plain, radix, meter);
  return sign === '-' ? -n : n;
}

function valueOf(digits: string, radix: number, meter: Meter): bigint {
  meter.chars(digits.length);
  meter.step(digits.length >> 3);
  if (radix === 10) return BigInt(digits);
  const prefix = { 16: '0x', 8: '0o', 2: '0b' }[radix];
  if (prefix !== undefined) return BigInt(prefix + digits);
  // Digit by digit, so the time and the room go with the square of the length.
  meter.chars((digits.length * digits.length) / 8);
  let n = 0n;
  for (const c of digits) n = n * BigInt(radix) + BigInt(parseInt(c, 36));
  return n;
}

/** With the digits of other scripts as those of ASCII. */
function plainDigits(s: string, meter: Meter): string {
  return replaceEach(s, /(?![0-9])\p{Nd}/gu, ([c]) => {
    meter.step();
    meter.pieces(2);
    return String(digitValue(c.codePointAt(0) ?? 0));
  });
}

/** Unicode has its decimal digits in runs of ten that begin with a zero; five such runs of mathematics stand in a row. */
function digitValue(code: number): number {
  if (code >= 0x1d7ce && code <= 0x1d7ff) return (code - 0x1d7ce) % 10;
  let n = 0;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(code - n - 1))) n++;
  return n;
}
