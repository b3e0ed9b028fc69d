// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../ports/clock.ts';

/** Deadlines of one fixed length behind one timer: calls of an alias time out in the order they were sent. */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #expired: (item: T) => void;
  readonly #due = new Map<T, number>();
  #armed = false;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, afterMs: number, expired: (item: T) => void) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#expired = expired;
  }

  add(item: T): void {
    this.#due.set(item, this.#clock.monotonic() + this.#afterMs);
    if (!this.#armed) this.#arm(this.#afterMs);
  }

  delete(item: T): void {
    this.#due.delete(item);
  }

  close(): void {
    this.#due.clear();
    this.#cancel();
    this.#armed = false;
  }

  #arm(ms: number): void {
    this.#armed = true;
    this.#cancel = this.#clock.after(Math.max(1, ms), () => {
      this.#armed = false;
      const now = this.#clock.monotonic();
      for (const [item, at] of this.#due) {
        if (at > now) {
          this.#arm(at - now);
          return;
        }
        this.#due.delete(item);
        this.#expired(item);
      }
    });
  }
}
