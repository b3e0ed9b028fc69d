// SPDX-License-Identifier: Apache-2.0
import { compare } from './compare.ts';
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { toText } from './text.ts';
import { entriesOf, isMapping, isNumber, Markup, typeName } from './values.ts';

export interface JsonStyle {
  sortKeys: boolean;
  /** Only ASCII, all else as escapes. */
  ascii: boolean;
  /** White space of one level; null = all on one line. */
  indent: string | null;
}

const MAX_DEPTH = 100;

/** JSON as Python's json.dumps writes it: `, ` and `: `, or one item a line. */
export function pythonJson(v: unknown, style: JsonStyle, meter: Meter, level = 0): string {
  if (level > MAX_DEPTH) throw typeError('the value is nested too deeply for JSON');
  meter.step();
  if (v === null || v === undefined) return 'null';
  if (typeof v === 'boolean') return String(v);
  if (typeof v === 'string') return jsonText(v, style.ascii, meter);
  if (v instanceof Markup) return jsonText(v.text, style.ascii, meter);
  if (isNumber(v)) return numberJson(v);
  if (Array.isArray(v)) {
    const parts = v.map((x) => pythonJson(x, style, meter, level + 1));
    return laidOut('[', parts, ']', style, meter, level);
  }
  if (!isMapping(v)) throw typeError(`Object of type ${typeName(v)} is not JSON serializable`);
  const entries = entriesOf(v);
  meter.elements(entries.length);
  if (style.sortKeys) entries.sort((a, b) => compare(a[0], b[0], '<', meter));
  const parts = entries.map(
    ([k, x]) => `${jsonText(keyText(k), style.ascii, meter)}: ${pythonJson(x, style, meter, level + 1)}`,
  );
  return laidOut('{', parts, '}', style, meter, level);
}

function laidOut(
  open: string,
  parts: readonly string[],
  close: string,
  { indent }: JsonStyle,
  meter: Meter,
  level: number,
): string {
  if (parts.length === 0) return open + close;
  const gap = indent === null ? 0 : 1 + indent.length * (level + 1);
  meter.pieces(parts.length);
  meter.chars(parts.reduce((n, t) => n + t.length, 0) + (parts.length + 1) * (2 + gap));
  if (indent === null) return `${open}${parts.join(', ')}${close}`;
  const line = `\n${indent.repeat(level + 1)}`;
  return `${open}${line}${parts.join(`,${line}`)}\n${indent.repeat(level)}${close}`;
}

function numberJson(v: unknown): string {
  const text = toText(v);
  return { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' }[text] ?? text;
}

function keyText(key: unknown): string {
  if (typeof key === 'string') return key;
  if (key === null) return 'null';
  if (typeof key === 'boolean') return String(key);
  if (isNumber(key)) return numberJson(key);
  throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonText(s: string, ascii: boolean, meter: Meter): string {
  meter.chars(s.length);
  const json = JSON.stringify(s);
  meter.chars(json.length - s.length);
  if (!ascii) return json;
  let wide = 0;
  for (let i = 0; i < json.length; i++) if (json.charCodeAt(i) >= 0x7f) wide++;
  if (wide === 0) return json;
  meter.chars(5 * wide);
  meter.step(wide >> 2);
  return json.replace(/[\u007f-\uffff]/g, unicodeEscape);
}

/** A character as JSON's escape. */
export const unicodeEscape = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
