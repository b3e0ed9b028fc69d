// SPDX-License-Identifier: Apache-2.0
import { isMapping, entriesOf, PyFloat, PyRange } from './values.ts';

/** A key that JavaScript would move to the front, or a number that it would round or print as another. */
const NEEDS_CARE =
  /"(?:\d+|__proto__)"\s*:|(?:^|[:,[\s-])\d[\d.]*(?:\.0*(?=[,\]}\s]|$)|\.\d*0(?=[,\]}\s]|$)|[eE])|\d{16}/;

/**
 * JSON as template data: mappings keep the order of their file, `1.0` stays a float and big ints stay exact.
 * @throws SyntaxError that says at which position, counted in characters from 0
 */
export function parseData(text: string): unknown {
  if (NEEDS_CARE.test(text) || isDeep(text)) return new Reader(text).document();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Its messages change with the text's length; ours always say where.
    return new Reader(text).document();
  }
}

const MAX_DEPTH = 500;

/** True where brackets may stand deeper than values may nest. */
function isDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i) | 0x20;
    if (c === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (c === 0x7d && depth > 0) depth--;
  }
  return false;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail();
    return value;
  }

  #fail(): never {
    const what = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'end of text';
    throw new SyntaxError(`unexpected ${what} in JSON at position ${String(this.#at)}`);
  }

  #space(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return;
      this.#at++;
    }
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new SyntaxError(`JSON is nested too deeply at position ${String(this.#at)}`);
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail();
    this.#at += word.length;
    return value;
  }

  #object(depth: number): unknown {
    const map = new Map<string, unknown>();
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === '}') this.#at++;
    else {
      for (;;) {
        this.#space();
        if (this.#text[this.#at] !== '"') this.#fail();
        const key = this.#string();
        this.#space();
        if (this.#text[this.#at++] !== ':') this.#failBack();
        map.set(key, this.#value(depth + 1));
        this.#space();
        const c = this.#text[this.#at++];
        if (c === '}') break;
        if (c !== ',') this.#failBack();
      }
    }
    for (const key of map.keys()) if (/^(?:0|[1-9]\d*)$/.test(key)) return map;
    const plain = Object.create(null) as Record<string, unknown>;
    for (const [key, value] of map) plain[key] = value;
    return plain;
  }

  #failBack(): never {
    this.#at--;
    return this.#fail();
  }

  #array(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.#value(depth + 1));
      this.#space();
      const c = this.#text[this.#at++];
      if (c === ']') return items;
      if (c !== ',') this.#failBack();
    }
  }

  #string(): string {
    const start = this.#at;
    for (let i = start + 1; i < this.#text.length; i++) {
      const c = this.#text[i];
      if (c === '\\') i++;
      else if (c === '"') {
        this.#at = i + 1;
        return JSON.parse(this.#text.slice(start, this.#at)) as string;
      }
    }
    this.#at = this.#text.length;
    return this.#fail();
  }

  #number(): number | bigint | PyFloat {
    const pattern = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
    pattern.lastIndex = this.#at;
    const m = pattern.exec(this.#text);
    if (!m) return this.#fail();
    this.#at += m[0].length;
    const value = Number(m[0]);
    if (m[1] !== undefined || m[2] !== undefined) return Number.isInteger(value) ? new PyFloat(value) : value;
    return Number.isSafeInteger(value) ? value : BigInt(m[0]);
  }
}

/** Template data as JSON text, the inverse of `parseData`; laid out as JSON.stringify does. */
export function toJson(value: unknown): string {
  if (isNative(value)) return JSON.stringify(value);
  return write(value, 0);
}

/** True where JSON.stringify gives the same text: no Map, PyFloat, bigint or odd object within. */
function isNative(v: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  switch (typeof v) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(v);
    case 'object': {
      if (v === null) return true;
      if (Array.isArray(v)) return v.every((x) => isNative(x, depth + 1));
      const p: unknown = Object.getPrototypeOf(v);
      if (p !== null && p !== Object.prototype) return false;
      for (const key in v) if (!isNative((v as Record<string, unknown>)[key], depth + 1)) return false;
      return true;
    }
    default:
      return false;
  }
}

function write(v: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('the value is nested too deeply for JSON');
  if (v === null || v === undefined) return 'null';
  if (v instanceof PyFloat) return Math.abs(v.value) < 1e21 ? `${String(v.value)}.0` : String(v.value);
  if (typeof v === 'bigint') return v.toString();
  if (typeof v === 'number') return Number.isFinite(v) ? String(v) : 'null';
  if (typeof v === 'string' || typeof v === 'boolean') return JSON.stringify(v);
  if (v instanceof PyRange) return write(v.toArray(), depth);
  if (Array.isArray(v)) return `[${v.map((x) => write(x, depth + 1)).join(',')}]`;
  if (isMapping(v)) {
    const parts = entriesOf(v).map(
      ([k, x]) => `${JSON.stringify(typeof k === 'string' ? k : write(k, depth))}:${write(x, depth + 1)}`,
    );
    return `{${parts.join(',')}}`;
  }
  throw new TypeError('a value of this kind has no JSON');
}
