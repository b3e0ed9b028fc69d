// SPDX-License-Identifier: Apache-2.0

/** A small seeded generator: same seed, same draws. */
export class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= draw < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from low to high, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  of<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }
}

/** FNV-1a over UTF-16 units. */
export function hash32(text: string, seed: number): number {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

const COMMON = new Set(
  (
    'about above after again against answer asked because been before being below between both cannot could describe does doing ' +
    'down during each either else every exactly following from further give given have having here however into itself ' +
    'just like list made make many more most must need never nothing once only other over please prompt question record reply ' +
    'same sentence sentences shall should since some such text than that their them then there these they this those three ' +
    'through time under until upon very want what when where which while will with without word words would write ' +
    'written your yours json schema'
  ).split(' '),
);
const FALLBACK = ['harbour', 'morning', 'garden', 'letter', 'market'];
/** Keywords are looked for in this much of the prompt. */
const READ_CHARS = 4_000;
const MAX_KEYWORDS = 24;

/** Words of the prompt worth writing about, in order of appearance; never empty. */
export function keywordsOf(prompt: string): readonly string[] {
  const found = new Set<string>();
  for (const [word] of prompt.slice(0, READ_CHARS).matchAll(/\p{L}[\p{L}'’-]{3,24}/gu)) {
    const lower = word.toLowerCase();
    if (!COMMON.has(lower)) found.add(lower);
    if (found.size === MAX_KEYWORDS) break;
  }
  return found.size > 0 ? [...found] : FALLBACK;
}

const SENTENCES: readonly ((a: string, b: string) => string)[] = [
  (a, b) => `Anyone who looks at ${a} soon comes to ${b}.`,
  (a, b) => `The usual account of ${a} leaves out ${b}.`,
  (a, b) => `With ${a}, the first thing to settle is ${b}.`,
  (a, b) => `It helps to keep ${a} apart from ${b}.`,
  (a, b) => `Most of what is said here turns on ${a} and a little on ${b}.`,
  (a, b) => `Where ${a} is plain, ${b} needs a second look.`,
  (a, b) => `There is more to ${a} than ${b} alone would suggest.`,
  (a, b) => `A short note on ${a}: it rarely comes without ${b}.`,
  (a, b) => `Consider ${a} first, then weigh it against ${b}.`,
  (a, b) => `One example is ${a}; another, less often named, is ${b}.`,
];

/** One plain sentence about the keywords. */
export function sentence(draws: Draws, keywords: readonly string[]): string {
  return draws.of(SENTENCES)(draws.of(keywords), draws.of(keywords));
}

/** Whole sentences up to about `bytes` UTF-8 bytes; at least one. */
export function sentences(draws: Draws, keywords: readonly string[], bytes: number): string {
  let text = sentence(draws, keywords);
  for (let size = Buffer.byteLength(text); size < bytes;) {
    const more = ` ${sentence(draws, keywords)}`;
    text += more;
    size += Buffer.byteLength(more);
  }
  return text;
}
