// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from './errors.ts';

/** Bounds of one rendering. */
export interface Limits {
  /** Loop rounds, calls, filters and other steps. */
  steps: number;
  /** Bytes of all that is built, counted before it is allocated: 2 a character, 16 an element, 256 a mapping or function. */
  builtBytes: number;
  /** Bytes of the result. */
  outputBytes: number;
  /** Macros, includes and recursive loops within one another. */
  depth: number;
}

export const DEFAULT_LIMITS: Limits = {
  steps: 1_000_000,
  builtBytes: 16 * 1024 * 1024,
  outputBytes: 1024 * 1024,
  depth: 100,
};

/** Counts what a rendering uses and stops it at a limit. */
export class Meter {
  readonly limits: Limits;
  /** Sizes of large objects of the data, which no rendering changes. */
  readonly sizes = new WeakMap<object, number>();
  #steps = 0;
  #built = 0;
  #output = 0;
  #depth = 0;

  constructor(limits: Partial<Limits> | undefined) {
    this.limits = limits ? { ...DEFAULT_LIMITS, ...limits } : DEFAULT_LIMITS;
  }

  step(n = 1): void {
    if (!(n >= 0)) return;
    this.#steps += n;
    if (this.#steps > this.limits.steps) throw over('steps', this.limits.steps);
  }

  /** About to look through so many characters. */
  scan(n: number): void {
    this.step(Math.floor(n / 32));
  }

  /** About to build strings of so many characters in all. */
  chars(n: number): void {
    this.#bytes(n * 2);
  }

  /** About to build a list of so many elements. */
  elements(n: number): void {
    this.step(Math.floor(n / 8));
    this.#bytes(n * 16);
  }

  /** About to build a list of so many short strings or lists. */
  pieces(n: number): void {
    this.step(Math.floor(n / 8));
    this.#bytes(n * 64);
  }

  /** About to make so many functions, mappings or the like. */
  objects(n: number): void {
    this.#bytes(n * 256);
  }

  /** A size that is no number, or negative, counts as nothing: what it asks for is refused elsewhere. */
  #bytes(n: number): void {
    if (!(n >= 0)) return;
    this.#built += n;
    if (this.#built > this.limits.builtBytes) throw over('bytes built', this.limits.builtBytes);
  }

  /** About to print so many characters. */
  output(n: number): void {
    this.#output += n;
    if (this.#output > this.limits.outputBytes) throw over('bytes of output', this.limits.outputBytes);
  }

  enter(): void {
    this.#depth++;
    if (this.#depth > this.limits.depth) throw over('levels of depth', this.limits.depth);
  }

  leave(): void {
    this.#depth--;
  }
}

function over(what: string, limit: number): TemplateError {
  return new TemplateError('limit', `the template needs more than ${String(limit)} ${what}`);
}
