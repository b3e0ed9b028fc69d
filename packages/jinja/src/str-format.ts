// SPDX-License-Identifier: Apache-2.0
import { ownAttribute } from './attributes.ts';
import { lookup } from './compare.ts';
import type { Kwargs } from './environment.ts';
import { typeError } from './errors.ts';
import { formatted } from './format-spec.ts';
import type { Meter } from './meter.ts';
import { characters } from './operations.ts';
import { asciiOnly, repr, toText } from './text.ts';
import { isMapping, Markup, plainText, PyRange, typeName } from './values.ts';

/**
 * Python's `text.format(…)`; a field reads data by own entries only, as expressions do.
 * @param escape - what becomes of fields that are put into HTML.
 */
export function formatText(
  format: string,
  args: readonly unknown[],
  kwargs: Kwargs,
  meter: Meter,
  escape?: (text: string) => string,
): string {
  return new Formatter(args, kwargs, meter, escape).text(format, 2);
}

/** One part of a format: text, then a field where there is one. */
interface Part {
  text: string;
  field: { name: string; conversion: string; spec: string } | null;
}

class Formatter {
  readonly #args: readonly unknown[];
  readonly #kwargs: Kwargs;
  readonly #meter: Meter;
  #auto = 0;
  #numbered: 'by hand' | 'automatically' | null = null;

  readonly #escape: ((text: string) => string) | undefined;

  constructor(args: readonly unknown[], kwargs: Kwargs, meter: Meter, escape?: (text: string) => string) {
    this.#escape = escape;
    this.#args = args;
    this.#kwargs = kwargs;
    this.#meter = meter;
  }

  /** Specs may hold fields, one level deep. */
  text(format: string, levels: number): string {
    if (levels === 0) throw typeError('Max string recursion exceeded');
    const out: string[] = [];
    for (const { text, field } of partsOf(format, this.#meter)) {
      this.#meter.pieces(1);
      this.#meter.chars(text.length);
      out.push(text);
      if (field) {
        const value = this.#converted(this.#value(field.name), field.conversion);
        const spec = /[{}]/.test(field.spec) ? this.text(field.spec, levels - 1) : field.spec;
        const shown = this.#shown(value, spec);
        this.#meter.chars(shown.length);
        out.push(shown);
      }
    }
    return out.join('');
  }

  #shown(value: unknown, spec: string): string {
    if (!this.#escape) return formatted(plainText(value), spec, this.#meter);
    if (!(value instanceof Markup)) return this.#escape(formatted(value, spec, this.#meter));
    if (spec !== '') throw typeError('Unsupported format specification for Markup.');
    return value.text;
  }

  #converted(value: unknown, conversion: string): unknown {
    switch (conversion) {
      case '':
        return value;
      case 's':
        return toText(value, this.#meter);
      case 'r':
        return repr(value, this.#meter);
      case 'a':
        return asciiOnly(repr(value, this.#meter), this.#meter);
      default:
        throw typeError(`Unknown conversion specifier '${conversion}'`);
    }
  }

  #value(name: string): unknown {
    const first = /^[^.[]*/.exec(name)?.[0] ?? '';
    let value = this.#argument(first);
    let at = first.length;
    while (at < name.length) {
      this.#meter.step();
      if (name[at] === '.') {
        const key = /^[^.[]*/.exec(name.slice(at + 1))?.[0] ?? '';
        if (key === '') throw typeError('Empty attribute in format string');
        value = ownAttribute(value, key) ?? noSuch(value, key);
        at += 1 + key.length;
      } else if (name[at] === '[') {
        const close = name.indexOf(']', at);
        if (close < 0) throw typeError("Missing ']' in format string");
        const key = name.slice(at + 1, close);
        if (key === '') throw typeError('Empty attribute in format string');
        value = this.#item(value, key) ?? noSuch(value, key);
        at = close + 1;
      } else throw typeError("Only '.' or '[' may follow ']' in format field specifier");
    }
    return value;
  }

  #argument(key: string): unknown {
    const isNumber = /^\d+$/.test(key);
    if (key !== '' && !isNumber) {
      const value = this.#kwargs.get(key);
      if (value === undefined) throw typeError(`KeyError: '${key.slice(0, 100)}'`);
      return value;
    }
    const way = isNumber ? 'by hand' : 'automatically';
    if (this.#numbered !== null && this.#numbered !== way)
      throw typeError('cannot switch between manual field specification and automatic field numbering');
    this.#numbered = way;
    const at = isNumber ? Number(key) : this.#auto++;
    if (at >= this.#args.length)
      throw typeError(`Replacement index ${String(at)} out of range for positional args tuple`);
    return this.#args[at];
  }

  #item(value: unknown, key: string): unknown {
    const index = /^\d+$/.test(key) ? Number(key) : null;
    if (isMapping(value)) return lookup(value, index ?? key, this.#meter);
    if (index === null) return undefined;
    if (value instanceof PyRange) return index < value.length ? value.at(index) : undefined;
    if (Array.isArray(value)) return value[index] as unknown;
    return typeof value === 'string' ? characters(value, this.#meter)[index] : undefined;
  }
}

const noSuch = (value: unknown, key: string): never => {
  throw typeError(`'${typeName(value)}' object has no '${key.slice(0, 100)}'`);
};

function* partsOf(format: string, meter: Meter): Generator<Part> {
  let at = 0;
  let text = '';
  while (at < format.length) {
    const next = bracketFrom(format, at);
    text += format.slice(at, next);
    const c = format[next];
    if (c === undefined) break;
    if (format[next + 1] === c) {
      text += c;
      at = next + 2;
      continue;
    }
    if (c === '}') throw typeError("Single '}' encountered in format string");
    if (next + 1 >= format.length) throw typeError("Single '{' encountered in format string");
    const end = fieldEnd(format, next + 1);
    meter.scan(end - next);
    yield { text, field: fieldOf(format.slice(next + 1, end)) };
    text = '';
    at = end + 1;
  }
  if (text !== '') yield { text, field: null };
}

function bracketFrom(format: string, from: number): number {
  let at = from;
  while (at < format.length && format[at] !== '{' && format[at] !== '}') at++;
  return at;
}

/** Where the bracket that closes a field stands. */
function fieldEnd(format: string, from: number): number {
  let open = 1;
  let inIndex = false;
  let inSpec = false;
  for (let at = from; at < format.length; at++) {
    const c = format[at];
    if (inIndex) inIndex = c !== ']';
    else if (c === '[' && !inSpec) inIndex = true;
    else if (c === '{') {
      if (!inSpec) throw typeError("unexpected '{' in field name");
      open++;
    } else if (c === '}') {
      if (--open === 0) return at;
    } else if (c === ':' || c === '!') inSpec = true;
  }
  throw typeError("expected '}' before end of string");
}

function fieldOf(source: string): { name: string; conversion: string; spec: string } {
  let at = 0;
  for (let inIndex = false; at < source.length; at++) {
    const c = source[at];
    if (c === '[') inIndex = true;
    else if (c === ']') inIndex = false;
    else if (!inIndex && (c === ':' || c === '!')) break;
  }
  const name = source.slice(0, at);
  if (source[at] !== '!') return { name, conversion: '', spec: source.slice(at + 1) };
  const conversion = String.fromCodePoint(source.codePointAt(at + 1) ?? 0);
  const rest = source.slice(at + 1 + conversion.length);
  if (at + 1 >= source.length) throw typeError("unmatched '{' in format spec");
  if (rest !== '' && !rest.startsWith(':')) throw typeError("expected ':' after conversion specifier");
  return { name, conversion, spec: rest.slice(1) };
}
