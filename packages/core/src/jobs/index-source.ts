// SPDX-License-Identifier: Apache-2.0
import { SHARD_SIZE } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import { contains } from './ranges.ts';
import type { Ranges } from './ranges.ts';

/**
 * Hands out the indices that are still pending, from 0 upward: what is neither ok nor given up. Holds ranges only, so
 * its memory does not grow with the job.
 */
export class IndexSource {
  readonly #decided = new Map<number, { ok: Ranges; failed: ReadonlySet<number> }>();
  readonly #retrying = new Map<number, number>();
  #cursor = 0;

  /** Notes what a shard's checkpoint says. */
  learn(doc: ShardCheckpoint): void {
    this.#decided.set(doc.shard, { ok: doc.ok, failed: new Set(doc.failed.map((f) => f.index)) });
    for (const r of doc.retrying) this.#retrying.set(r.index, r.attempts);
  }

  isPending(index: number): boolean {
    const shard = this.#decided.get(Math.floor(index / SHARD_SIZE));
    return !shard || (!contains(shard.ok, index) && !shard.failed.has(index));
  }

  /** Attempts an index already had in earlier runs that gave it up; 0 = none. */
  attemptsOf(index: number): number {
    return this.#retrying.get(index) ?? 0;
  }

  /** The next pending index below `end`, without taking it; null = none. */
  peek(end: number): number | null {
    while (this.#cursor < end && !this.isPending(this.#cursor)) this.#cursor++;
    return this.#cursor < end ? this.#cursor : null;
  }

  /** Takes what `peek` showed. */
  take(): void {
    this.#cursor++;
  }
}
