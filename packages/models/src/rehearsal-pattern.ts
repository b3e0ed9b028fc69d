// SPDX-License-Identifier: Apache-2.0
// Text that a pattern in RE2 syntax matches: the pattern is read once into a writer, which draws one text at each call.
// What it cannot do (word boundaries, anchors in the middle) it passes over, so whoever asks checks what comes.
import type { Draws } from './rehearsal-words.ts';

interface Pen {
  draws: Draws;
  /** How often a part without an upper bound is repeated beyond its least. */
  spread: number;
  text: string;
}
type Write = (pen: Pen) => void;
type Is = (character: string) => boolean;

/** A pattern that would write more than this writes nothing. */
const MAX_CHARS = 20_000;
const MAX_DEPTH = 100;
const TRIES = 24;

/** Text that matches, of a length within bounds where one is found; null where the pattern is not understood. */
export function textFor(pattern: string, draws: Draws, least: number, most: number): string | null {
  let spread = 4;
  let best: string | null = null;
  try {
    const write = new PatternReader(pattern).read();
    for (let i = 0; i < TRIES; i++) {
      const pen = { draws, spread, text: '' };
      write(pen);
      const length = [...pen.text].length;
      if (length >= least && length <= most) return pen.text;
      best ??= pen.text;
      spread = length < least ? Math.min(MAX_CHARS, spread * 2) : Math.floor(spread / 2);
    }
  } catch (e) {
    if (!(e instanceof Unclear)) throw e;
  }
  return best;
}

class Unclear extends Error {}

const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
/** Readable characters go before the others. */
const PLAIN = PRINTABLE.filter((c) => /[a-z0-9]/.test(c));

const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /[0-9]/,
  w: /[0-9A-Za-z_]/,
  s: /[\t\n\f\r ]/,
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /^[\0-\x7f]$/,
  blank: /[\t ]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07' };

class PatternReader {
  readonly #units: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#units = [...pattern];
  }

  read(): Write {
    const write = this.#either();
    if (this.#at < this.#units.length) throw new Unclear();
    return write;
  }

  #peek(ahead = 0): string {
    return this.#units[this.#at + ahead] ?? '';
  }

  #take(): string {
    const c = this.#units[this.#at++];
    if (c === undefined) throw new Unclear();
    return c;
  }

  /** The text up to `end`, which is passed over. */
  #until(end: string): string {
    let out = '';
    while (this.#peek() !== end) out += this.#take();
    this.#at++;
    return out;
  }

  #either(): Write {
    if (++this.#depth > MAX_DEPTH) throw new Unclear();
    const ways = [this.#sequence()];
    while (this.#peek() === '|') {
      this.#at++;
      ways.push(this.#sequence());
    }
    this.#depth--;
    return (pen) => {
      pen.draws.of(ways)(pen);
    };
  }

  #sequence(): Write {
    const parts: Write[] = [];
    while (this.#at < this.#units.length && this.#peek() !== '|' && this.#peek() !== ')') {
      parts.push(this.#repeated(this.#atom()));
    }
    return (pen) => {
      for (const part of parts) part(pen);
    };
  }

  #atom(): Write {
    const c = this.#take();
    if (c === '(') return this.#group();
    if (c === '[') return oneOf(this.#characterClass());
    if (c === '.') return oneOf((x) => x !== '\n');
    if (c === '^' || c === '$') return () => undefined;
    if (c !== '\\') return literal(c);
    const next = this.#peek();
    if (/[bBAzQE]/.test(next)) {
      this.#at++;
      return next === 'Q' ? this.#quoted() : () => undefined;
    }
    return this.#escape();
  }

  #quoted(): Write {
    let text = '';
    while (this.#at < this.#units.length && !(this.#peek() === '\\' && this.#peek(1) === 'E')) text += this.#take();
    this.#at += 2;
    return literal(text);
  }

  #group(): Write {
    if (this.#peek() === '?') {
      this.#at++;
      if (this.#peek() === 'P' || this.#peek() === '<') this.#until('>');
      else {
        while (/[imsU-]/.test(this.#peek())) this.#at++;
        // Flags for what follows in the group around.
        if (this.#peek() === ')') {
          this.#at++;
          return () => undefined;
        }
        if (this.#take() !== ':') throw new Unclear();
      }
    }
    const write = this.#either();
    if (this.#take() !== ')') throw new Unclear();
    return write;
  }

  #repeated(write: Write): Write {
    const [least, most] = this.#bounds();
    if (least === 1 && most === 1) return write;
    if (this.#peek() === '?') this.#at++;
    return (pen) => {
      const times = pen.draws.between(least, Math.min(most, least + pen.spread));
      for (let i = 0; i < times; i++) {
        write(pen);
        if (pen.text.length > MAX_CHARS) throw new Unclear();
      }
    };
  }

  #bounds(): [number, number] {
    const c = this.#peek();
    const found = c === '*' ? [0, Infinity] : c === '+' ? [1, Infinity] : c === '?' ? [0, 1] : null;
    if (found) {
      this.#at++;
      return found as [number, number];
    }
    if (c !== '{') return [1, 1];
    const counted = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#units.slice(this.#at, this.#at + 12).join(''));
    if (!counted) return [1, 1]; // A brace that counts nothing is a character.
    const [all, least = '', comma, most = ''] = counted;
    this.#at += all.length;
    return [Number(least), comma === undefined ? Number(least) : most === '' ? Infinity : Number(most)];
  }

  /** One character behind a backslash, or a class. */
  #escape(): Write {
    const is = this.#escapedClass();
    return is ? oneOf(is) : literal(this.#escapedCharacter());
  }

  #escapedClass(): Is | null {
    const c = this.#peek();
    if (/[dws]/i.test(c)) {
      this.#at++;
      return named(c.toLowerCase(), c !== c.toLowerCase());
    }
    if (c !== 'p' && c !== 'P') return null;
    this.#at++;
    const brace = this.#peek() === '{';
    if (brace) this.#at++;
    const name = brace ? this.#until('}') : this.#take();
    const not = (c === 'P') !== name.startsWith('^');
    return unicode(name.replace(/^\^/, ''), not);
  }

  #escapedCharacter(): string {
    const c = this.#take();
    if (c === 'x') {
      const hex = this.#peek() === '{' ? (this.#at++, this.#until('}')) : this.#take() + this.#take();
      return fromCode(Number.parseInt(hex, 16));
    }
    if (/[0-7]/.test(c)) {
      let octal = c;
      while (octal.length < 3 && /[0-7]/.test(this.#peek())) octal += this.#take();
      return fromCode(Number.parseInt(octal, 8));
    }
    return ESCAPES[c] ?? c;
  }

  #characterClass(): Is {
    const not = this.#peek() === '^';
    if (not) this.#at++;
    const members: Is[] = [];
    let first = true;
    for (; first || this.#peek() !== ']'; first = false) {
      if (this.#peek() === '[' && this.#peek(1) === ':') {
        this.#at += 2;
        const name = this.#until(':');
        if (this.#take() !== ']') throw new Unclear();
        members.push(named(name.replace(/^\^/, ''), name.startsWith('^')));
        continue;
      }
      const low = this.#member(members);
      if (low === null) continue;
      if (this.#peek() === '-' && this.#peek(1) !== ']') {
        this.#at++;
        const high = this.#member(members);
        if (high === null) throw new Unclear();
        members.push((x) => codeOf(x) >= codeOf(low) && codeOf(x) <= codeOf(high));
      } else members.push((x) => x === low);
    }
    this.#at++;
    return (x) => members.some((is) => is(x)) !== not;
  }

  /** A single character of a class; null where it was a class of its own, which is added. */
  #member(members: Is[]): string | null {
    const c = this.#take();
    if (c !== '\\') return c;
    const is = this.#escapedClass();
    if (!is) return this.#escapedCharacter();
    members.push(is);
    return null;
  }
}

const literal =
  (text: string): Write =>
  (pen) => {
    pen.text += text;
  };

/** One character of a class: a readable one where it has any. */
function oneOf(is: Is): Write {
  let from = PLAIN.filter(is);
  if (from.length === 0) from = PRINTABLE.filter(is);
  for (let code = 0xa0; from.length < 16 && code < 0x3_0000; code++) {
    // Half a surrogate pair is no character.
    if (code === 0xd800) code = 0xe000;
    if (is(String.fromCodePoint(code))) from.push(String.fromCodePoint(code));
  }
  for (let code = 0; from.length === 0 && code < 32; code++)
    if (is(String.fromCharCode(code))) from.push(String.fromCharCode(code));
  if (from.length === 0) throw new Unclear();
  return (pen) => {
    pen.text += pen.draws.of(from);
  };
}

function named(name: string, not: boolean): Is {
  const set = CLASSES[name];
  if (!set) throw new Unclear();
  return (x) => set.test(x) !== not;
}

function unicode(name: string, not: boolean): Is {
  if (!/^\w+$/.test(name)) throw new Unclear();
  for (const property of [name, `Script=${name}`]) {
    try {
      const set = new RegExp(`^\\p{${property}}$`, 'u');
      return (x) => set.test(x) !== not;
    } catch {
      // Not a property of that kind.
    }
  }
  throw new Unclear();
}

const codeOf = (x: string): number => x.codePointAt(0) ?? 0;

function fromCode(code: number): string {
  if (!(code >= 0 && code <= 0x10_ffff)) throw new Unclear();
  return String.fromCodePoint(code);
}
