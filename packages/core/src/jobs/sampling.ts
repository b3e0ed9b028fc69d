// SPDX-License-Identifier: Apache-2.0

/**
 * Deterministic sampling, version 1: every draw is a pure function of (job_seed, index, attempt, step, draw), so any
 * number of workers, in any order, after any resume, make the same prompts. No stream state exists.
 * Changing anything here is a new version (`engine.sampling` in job.json); golden vectors in the test pin this one.
 */

/** Two 32-bit lanes, mixed word by word (murmur3's constants), finalised crosswise. */
class Hash {
  #a: number;
  #b: number;

  constructor(a: number, b: number) {
    this.#a = a;
    this.#b = b;
  }

  word(w: number): this {
    let a = this.#a ^ Math.imul(w, 0xcc9e2d51);
    a = Math.imul((a << 13) | (a >>> 19), 0x1b873593) + 0xe6546b64;
    let b = this.#b ^ Math.imul((w << 16) | (w >>> 16), 0x85ebca6b);
    b = Math.imul((b << 15) | (b >>> 17), 0xc2b2ae35) + a;
    this.#a = a | 0;
    this.#b = b | 0;
    return this;
  }

  /** A safe integer as two words. */
  integer(n: number): this {
    return this.word((n % 4294967296) | 0).word(Math.floor(n / 4294967296) | 0);
  }

  text(s: string): this {
    for (let i = 0; i < s.length; i++) this.word(s.charCodeAt(i));
    return this.word(s.length);
  }

  copy(): Hash {
    return new Hash(this.#a, this.#b);
  }

  /** Unsigned 32 bits: the first of `digest`. */
  first(): number {
    return avalanche(this.#a ^ Math.imul(this.#b, 0x9e3779b1));
  }

  /** Both lanes, avalanched: [unsigned 32, unsigned 32]. */
  digest(): [number, number] {
    const a = this.first();
    return [a, avalanche(this.#b ^ Math.imul(a, 0x7feb352d))];
  }
}

function avalanche(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const start = (jobSeed: number, purpose: number): Hash => new Hash(0x53744e54, purpose).integer(jobSeed);
const PURPOSE = { seedRow: 1, draw: 2, shuffle: 3, call: 4 } as const;

const unit = ([a, b]: [number, number]): number => ((a >>> 5) * 67108864 + (b >>> 6)) / 9007199254740992;

/** The random stream of one step of one attempt of one record. */
export interface Draws {
  /** Uniform in [0, 1), 53 bits. */
  unit(): number;
  /** Uniform integer in [0, n); n at least 1. */
  below(n: number): number;
}

export function drawsOf(jobSeed: number, index: number, attempt: number, step: string): Draws {
  const base = start(jobSeed, PURPOSE.draw).integer(index).word(attempt).text(step);
  let draw = 0;
  const next = (): number => unit(base.copy().word(draw++).digest());
  return { unit: next, below: (n) => Math.min(n - 1, Math.floor(next() * n)) };
}

/** Unsigned 32 bits for providers that take a seed; the same for every try of a step of an attempt but the corrective turn. */
export function callSeed(jobSeed: number, index: number, attempt: number, step: string, turn: number): number {
  return start(jobSeed, PURPOSE.call).integer(index).word(attempt).text(step).word(turn).first();
}

/** Position of `n` in a keyed permutation of [0, size): a four-round-per-half Feistel network with cycle walking. */
export function permute(jobSeed: number, cycle: number, size: number, n: number): number {
  if (size <= 1) return 0;
  const bits = Math.max(1, Math.ceil(Math.log2(size) / 2));
  const half = 2 ** bits;
  const base = start(jobSeed, PURPOSE.shuffle).integer(cycle).integer(size);
  let x = n;
  do {
    let left = Math.floor(x / half);
    let right = x % half;
    for (let round = 0; round < 6; round++) {
      const f = base.copy().word(round).word(right).first() % half;
      [left, right] = [right, (left + f) % half];
    }
    x = left * half + right;
  } while (x >= size);
  return x;
}

export type Sampling = 'shuffle' | 'random' | 'sequential' | { cumulativeWeights: Float64Array };

/** Row of record `index`; depends on (job_seed, index) alone, never on the attempt. */
export function seedIndexOf(jobSeed: number, sampling: Sampling, rows: number, index: number): number {
  if (sampling === 'sequential') return index % rows;
  if (sampling === 'shuffle') return permute(jobSeed, Math.floor(index / rows), rows, index % rows);
  const u = unit(start(jobSeed, PURPOSE.seedRow).integer(index).digest());
  if (sampling === 'random') return Math.min(rows - 1, Math.floor(u * rows));
  const sums = sampling.cumulativeWeights;
  const wanted = u * (sums[sums.length - 1] ?? 0);
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
