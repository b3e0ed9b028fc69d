// SPDX-License-Identifier: Apache-2.0

/** Exact arithmetic where doubles would round twice: quotients of ints, ints beside floats, floats as decimals. */

const bitsOf = (x: bigint): number => {
  const hex = (x < 0n ? -x : x).toString(16);
  return (hex.length - 1) * 4 + parseInt(hex.slice(0, 1), 16).toString(2).length;
};

/** a / b rounded to the nearest integer, halves to the even one; b > 0, a >= 0. */
function divideRounded(a: bigint, b: bigint): bigint {
  const q = a / b;
  const twice = (a % b) * 2n;
  return twice > b || (twice === b && q % 2n === 1n) ? q + 1n : q;
}

/** The double nearest to n / d, as Python divides ints; Infinity where none is near. */
export function quotient(n: bigint, d: bigint): number {
  if (n === 0n) return d < 0n ? -0 : 0;
  if (n < 0n !== d < 0n) return -quotient(n < 0n ? -n : n, d < 0n ? -d : d);
  if (n < 0n) return quotient(-n, -d);
  // Some bits more than a double has, with a last one for all that are cut off.
  const shift = 64 - (bitsOf(n) - bitsOf(d));
  if (shift > 1074) {
    // Below the smallest normal double they have fewer bits.
    const small = divideRounded(n << 1074n, d);
    if (small < 1n << 53n) return Number(small) * 2 ** -1074;
  }
  const [a, b] = shift >= 0 ? [n << BigInt(shift), d] : [n, d << BigInt(-shift)];
  const q = Number((a / b) | (a % b === 0n ? 0n : 1n));
  return shift >= 0 ? q / 2 ** Math.floor(shift / 2) / 2 ** Math.ceil(shift / 2) : q * 2 ** -shift;
}

/** Order of an int and a float, by their exact values; NaN where there is none. */
export function compareWithFloat(int: bigint, float: number): number {
  if (!Number.isFinite(float)) return Number.isNaN(float) ? NaN : float > 0 ? -1 : 1;
  const whole = BigInt(Math.trunc(float));
  if (int !== whole) return int < whole ? -1 : 1;
  const rest = float - Math.trunc(float);
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

const view = new DataView(new ArrayBuffer(8));

/** |x| × 10^digits rounded to an integer, halves to the even one; x is finite. */
export function scaled(x: number, digits: number): bigint {
  view.setFloat64(0, Math.abs(x));
  const word = view.getBigUint64(0);
  const exponent = Number(word >> 52n);
  const mantissa = exponent === 0 ? word : (word & 0xfffffffffffffn) | 0x10000000000000n;
  const power = Math.max(1, exponent) - 1075;
  const ten = 10n ** BigInt(Math.abs(digits));
  const over = digits > 0 ? mantissa * ten : mantissa;
  const under = digits < 0 ? ten : 1n;
  return power >= 0 ? divideRounded(over << BigInt(power), under) : divideRounded(over, under << BigInt(-power));
}

/** Digits that a double can have behind its point; all further ones are 0. */
const MOST_DIGITS = 1100;

/** |x| with so many digits behind the point. */
export function fixedDigits(x: number, digits: number): string {
  const some = Math.min(digits, MOST_DIGITS);
  const text = scaled(x, some)
    .toString()
    .padStart(some + 1, '0');
  const whole = text.slice(0, text.length - some);
  return digits === 0 ? whole : `${whole}.${text.slice(text.length - some)}${'0'.repeat(digits - some)}`;
}

/** |x| as `d.ddd` × 10^exponent with so many digits behind the point: all its digits, without the point. */
export function scientificDigits(x: number, digits: number): { text: string; exponent: number } {
  const some = Math.min(digits, MOST_DIGITS);
  if (x === 0) return { text: '0'.repeat(digits + 1), exponent: 0 };
  // From below, for the logarithm may be rounded up.
  for (let exponent = Math.floor(Math.log10(Math.abs(x))) - 1; ; exponent++) {
    const text = scaled(x, some - exponent).toString();
    if (text.length === some + 1) return { text: text + '0'.repeat(digits - some), exponent };
  }
}
