// SPDX-License-Identifier: Apache-2.0
import { compare, compareText } from './compare.ts';
import { TemplateError, typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { codePoints } from './operations.ts';
import { SPACES } from './space.ts';
import { repr } from './text.ts';
import { linesOf, matchesOf } from './text-parts.ts';
import { entriesOf, Group, isMapping, Tuple, typeName } from './values.ts';

const WIDTH = 80;
const MAX_DEPTH = 100;

/** Python's pprint.pformat: one line where it fits into 80 characters, else one item a line; keys in order. */
export function prettyText(value: unknown, meter: Meter): string {
  const out = new Pretty(meter);
  out.put(value, 0, 0, 0);
  return out.text();
}

class Pretty {
  readonly #out: string[] = [];
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  text(): string {
    this.#meter.chars(this.#out.reduce((n, t) => n + t.length, 0));
    return this.#out.join('');
  }

  #write(text: string): void {
    this.#meter.pieces(1);
    this.#out.push(text);
  }

  /** `allowance`: characters that must fit behind it on its last line. */
  put(v: unknown, indent: number, allowance: number, level: number): void {
    if (level > MAX_DEPTH) throw typeError('the value is nested too deeply to print');
    const line = this.#line(v);
    if (codePoints(line) <= WIDTH - indent - allowance) this.#write(line);
    else if (typeof v === 'string') this.#string(v, line, indent, allowance, level + 1);
    else if (v instanceof Group) this.#write(line);
    else if (v instanceof Tuple) this.#items('(', v, v.length === 1 ? ',)' : ')', indent, allowance, level + 1);
    else if (Array.isArray(v)) this.#items('[', v, ']', indent, allowance, level + 1);
    else if (isMapping(v)) this.#mapping(entriesOf(v), indent, allowance, level + 1);
    else this.#write(line);
  }

  /** All on one line, keys in order. */
  #line(v: unknown, level = 0): string {
    this.#meter.step();
    if (level > MAX_DEPTH) throw typeError('the value is nested too deeply to print');
    const all = (items: readonly string[], open: string, close: string): string => {
      const text = `${open}${items.join(', ')}${close}`;
      this.#meter.pieces(items.length);
      this.#meter.chars(text.length);
      return text;
    };
    if (v instanceof Tuple && !(v instanceof Group)) {
      const close = v.length === 1 ? ',)' : ')';
      return all(
        v.map((x) => this.#line(x, level + 1)),
        '(',
        close,
      );
    }
    if (Array.isArray(v) && !(v instanceof Tuple))
      return all(
        v.map((x) => this.#line(x, level + 1)),
        '[',
        ']',
      );
    if (!isMapping(v)) return repr(v, this.#meter);
    const entries = this.#sorted(entriesOf(v));
    return all(
      entries.map(([k, x]) => `${this.#line(k, level + 1)}: ${this.#line(x, level + 1)}`),
      '{',
      '}',
    );
  }

  /** By key; keys that have no order by the names of their types. */
  #sorted(entries: [unknown, unknown][]): [unknown, unknown][] {
    this.#meter.elements(entries.length);
    return entries.toSorted(([a], [b]) => {
      try {
        return compare(a, b, '<', this.#meter);
      } catch (e) {
        if (e instanceof TemplateError && e.kind === 'limit') throw e;
        return compareText(typeName(a), typeName(b));
      }
    });
  }

  #items(
    open: string,
    items: readonly unknown[],
    close: string,
    indent: number,
    allowance: number,
    level: number,
  ): void {
    this.#write(open);
    for (const [i, x] of items.entries()) {
      if (i > 0) this.#write(`,\n${this.#spaces(indent + 1)}`);
      this.put(x, indent + 1, i === items.length - 1 ? allowance + close.length : 1, level);
    }
    this.#write(close);
  }

  #mapping(entries: [unknown, unknown][], indent: number, allowance: number, level: number): void {
    this.#write('{');
    for (const [i, [k, x]] of this.#sorted(entries).entries()) {
      if (i > 0) this.#write(`,\n${this.#spaces(indent + 1)}`);
      const key = this.#line(k);
      this.#write(`${key}: `);
      this.put(x, indent + 1 + codePoints(key) + 2, i === entries.length - 1 ? allowance + 1 : 1, level);
    }
    this.#write('}');
  }

  /** A long text in pieces, a line of it and so many words at a time; in parentheses where nothing is around it. */
  #string(s: string, line: string, indentBefore: number, allowanceBefore: number, level: number): void {
    const alone = level === 1 ? 1 : 0;
    const [indent, allowance] = [indentBefore + alone, allowanceBefore + alone];
    const chunks: string[] = [];
    let shown = line;
    const lines = linesOf(s, this.#meter, true);
    for (const [i, text] of lines.entries()) {
      const isLast = i === lines.length - 1;
      const room = WIDTH - indent;
      shown = repr(text, this.#meter);
      if (codePoints(shown) <= room - (isLast ? allowance : 0)) chunks.push(shown);
      else chunks.push(...this.#words(text, room, isLast ? allowance : 0));
    }
    if (chunks.length === 1) {
      this.#write(shown);
      return;
    }
    const text = chunks.join(`\n${this.#spaces(indent)}`);
    this.#write(alone === 1 ? `(${text})` : text);
  }

  #words(text: string, room: number, allowance: number): string[] {
    const chunks: string[] = [];
    const words = matchesOf(text, new RegExp(`[^${SPACES}]+[${SPACES}]*|[${SPACES}]+`, 'g'), this.#meter);
    let current = '';
    for (const [j, word] of words.entries()) {
      const candidate = current + word;
      const width = room - (j === words.length - 1 ? allowance : 0);
      if (codePoints(repr(candidate, this.#meter)) <= width) current = candidate;
      else {
        if (current !== '') chunks.push(repr(current, this.#meter));
        current = word;
      }
    }
    if (current !== '') chunks.push(repr(current, this.#meter));
    return chunks;
  }

  #spaces(n: number): string {
    this.#meter.chars(n);
    return ' '.repeat(n);
  }
}
