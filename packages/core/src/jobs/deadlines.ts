// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../ports/clock.ts';

/** Deadlines of many items behind one timer. It goes off when the earliest item then known would be due, and looks at all. */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #items: Iterable<T>;
  readonly #dueAtMs: (item: T) => number;
  readonly #expired: (item: T) => void;
  #armedFor = Infinity;
  #cancel: () => void = () => undefined;

  /**
   * @param items - those that may expire, at any moment
   * @param dueAtMs - of the clock's monotonic time; Infinity = not yet
   * @param expired - may be told of the same item again, until it is no longer among the items
   */
  constructor(clock: Clock, items: Iterable<T>, dueAtMs: (item: T) => number, expired: (item: T) => void) {
    this.#clock = clock;
    this.#items = items;
    this.#dueAtMs = dueAtMs;
    this.#expired = expired;
  }

  /** The item has a deadline from now on. */
  watch(item: T): void {
    this.#arm(this.#dueAtMs(item));
  }

  close(): void {
    this.#cancel();
    this.#armedFor = Infinity;
  }

  #arm(atMs: number): void {
    if (atMs >= this.#armedFor) return;
    this.#cancel();
    this.#armedFor = atMs;
    this.#cancel = this.#clock.after(Math.max(1, atMs - this.#clock.monotonic()), () => {
      this.#armedFor = Infinity;
      const now = this.#clock.monotonic();
      let next = Infinity;
      for (const item of this.#items) {
        const at = this.#dueAtMs(item);
        if (at <= now) this.#expired(item);
        else next = Math.min(next, at);
      }
      this.#arm(next);
    });
  }
}
