// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import {
  Callable,
  entriesOf,
  Facade,
  isFloat,
  isMapping,
  Markup,
  Namespace,
  PyFloat,
  PyRange,
  Stream,
  Tuple,
  Undefined,
  View,
} from './values.ts';

/** `str(value)` as Python prints it. */
export function toText(v: unknown, meter?: Meter): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number' && Number.isInteger(v)) return String(v);
  if (v instanceof Markup) return v.text;
  if (v instanceof Undefined) return v.lenient ? '' : v.fail();
  return reprOf(v, meter, []);
}

/** `repr(value)`; bounded by the meter where one is given. */
export function repr(v: unknown, meter?: Meter): string {
  return reprOf(v, meter, []);
}

/** `around`: the lists and mappings that it is in; one that holds itself is shown as dots. */
function reprOf(v: unknown, meter: Meter | undefined, around: unknown[]): string {
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
  if (v instanceof PyRange) {
    const step = v.step === 1 ? '' : `, ${String(v.step)}`;
    return `range(${String(v.start)}, ${String(v.stop)}${step})`;
  }
  // Printed on its own it is an error; in a list Python shows what it is.
  if (v instanceof Undefined) return 'Undefined';
  if (v instanceof Markup) return `Markup(${reprOf(v.text, meter, around)})`;
  if (v instanceof Callable) return `<${v.label}>`;
  if (v instanceof Facade) return count(v.text?.() ?? `<${v.label}>`, meter);
  if (around.length > MAX_DEPTH) throw typeError('the value is nested too deeply to print');
  if (around.includes(v)) return v instanceof Map ? '{...}' : v instanceof Tuple ? '(...)' : '[...]';
  around.push(v);
  const text = count(holderText(v, meter, around), meter);
  around.pop();
  return text;
}

const MAX_DEPTH = 100;

function holderText(v: unknown, meter: Meter | undefined, around: unknown[]): string {
  const all = (items: readonly unknown[]): string => {
    meter?.pieces(items.length);
    return items.map((x) => reprOf(x, meter, around)).join(', ');
  };
  if (v instanceof Tuple) return v.length === 1 ? `(${all(v)},)` : `(${all(v)})`;
  if (Array.isArray(v)) return `[${all(v)}]`;
  if (v instanceof Stream) return `[${all(v.look())}]`;
  if (v instanceof View) return `dict_${v.kind}([${all(v.items())}])`;
  if (isMapping(v) || v instanceof Namespace) {
    const entries = v instanceof Namespace ? [...v.attributes] : entriesOf(v);
    meter?.pieces(entries.length);
    const inner = entries.map(([k, x]) => `${reprOf(k, meter, around)}: ${reprOf(x, meter, around)}`).join(', ');
    return v instanceof Namespace ? `<Namespace {${inner}}>` : `{${inner}}`;
  }
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

/** A text with what ASCII lacks written as escapes. */
export function asciiOnly(s: string, meter?: Meter): string {
  meter?.scan(s.length);
  return s.replace(/[^\x00-\x7f]/gu, (c) => {
    meter?.chars(10);
    return escapeCode(c.codePointAt(0) ?? 0);
  });
}

function escapeCode(code: number): string {
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
