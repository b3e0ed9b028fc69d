// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import {
  Callable,
  entriesOf,
  Facade,
  isFloat,
  isMapping,
  Namespace,
  PyFloat,
  PyRange,
  Tuple,
  Undefined,
} from './values.ts';

/** `str(value)` as Python prints it. */
export function toText(v: unknown, meter?: Meter): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number' && Number.isInteger(v)) return String(v);
  if (v instanceof Undefined) return v.lenient ? '' : v.fail();
  return repr(v, meter);
}

/** `repr(value)`; bounded by the meter where one is given. */
export function repr(v: unknown, meter?: Meter, depth = 0): string {
  if (depth > 100) throw typeError('the value is nested too deeply to print');
  meter?.step();
  if (v === null || v === undefined) return 'None';
  if (v === true) return 'True';
  if (v === false) return 'False';
  if (typeof v === 'string') {
    meter?.scan(v.length);
    meter?.chars(v.length);
    return count(reprText(v, meter), meter);
  }
  if (isFloat(v)) return floatText(v instanceof PyFloat ? v.value : (v as number));
  if (typeof v === 'number') return String(v);
  if (typeof v === 'bigint') return count(v.toString(), meter);
  if (v instanceof Tuple) {
    meter?.pieces(v.length);
    const inner = v.map((x) => repr(x, meter, depth + 1)).join(', ');
    return count(v.length === 1 ? `(${inner},)` : `(${inner})`, meter);
  }
  if (Array.isArray(v)) {
    meter?.pieces(v.length);
    return count(`[${v.map((x) => repr(x, meter, depth + 1)).join(', ')}]`, meter);
  }
  if (isMapping(v)) {
    const inner = entriesOf(v).map(([k, x]) => `${repr(k, meter, depth + 1)}: ${repr(x, meter, depth + 1)}`);
    return count(`{${inner.join(', ')}}`, meter);
  }
  if (v instanceof PyRange) {
    const step = v.step === 1 ? '' : `, ${String(v.step)}`;
    return `range(${String(v.start)}, ${String(v.stop)}${step})`;
  }
  // Printed on its own it is an error; in a list Python shows what it is.
  if (v instanceof Undefined) return depth > 0 ? 'Undefined' : v.fail();
  if (v instanceof Callable) return `<${v.label}>`;
  if (v instanceof Facade) return count(v.text?.() ?? `<${v.label}>`, meter);
  if (v instanceof Namespace) return '<Namespace>';
  throw typeError('a value of this kind cannot be printed');
}

function count(text: string, meter: Meter | undefined): string {
  meter?.chars(text.length);
  return text;
}

/** Python's shortest float text: `1e+20`, `1e-07`, `0.1`, `100000.0`. */
export function floatText(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (Object.is(x, -0)) return '-0.0';
  const exponential = x.toExponential();
  const at = exponential.indexOf('e');
  const exponent = Number(exponential.slice(at + 1));
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? '-' : '+';
    return `${exponential.slice(0, at)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain = plainDecimal(x, exponential.slice(0, at), exponent);
  return plain.includes('.') ? plain : `${plain}.0`;
}

function plainDecimal(x: number, mantissa: string, exponent: number): string {
  const sign = x < 0 ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

const SPECIAL: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
// What str.isprintable() refuses (separators but the space, control, format, surrogate, private use, unassigned),
// and what a quoted text escapes.
const ESCAPED = /(?! )[\p{Z}\p{C}\\'"]/gu;

function reprText(s: string, meter: Meter | undefined): string {
  const quote = s.includes("'") && !s.includes('"') ? '"' : "'";
  const text = s.replace(ESCAPED, (c) => {
    meter?.pieces(1);
    if (c === '"' || c === "'") return c === quote ? `\\${c}` : c;
    return SPECIAL[c] ?? escapeCode(c.codePointAt(0) ?? 0);
  });
  return quote + text + quote;
}

function escapeCode(code: number): string {
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
