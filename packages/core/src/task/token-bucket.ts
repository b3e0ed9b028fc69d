// SPDX-License-Identifier: Apache-2.0
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

/** A rate limit of a backend, shared by some of its calls. */
export interface BucketSpec {
  /** Calls a second in the long run. */
  perSecond: number;
  /** Calls at once after a rest. */
  burst: number;
}

const throttledTo = 2 / 3;
const lowestShare = 0.05;
const recoverMs = 60_000;

interface Waiter {
  /** Lower goes first. */
  priority: number;
  order: number;
  go: () => void;
}

/**
 * Spaces the calls that share one rate limit. Each refusal for throttling lowers the rate by a third, and a minute
 * without one brings it back: several processes share an account's limit through that feedback alone.
 */
export class TokenBucket {
  readonly spec: BucketSpec;
  readonly #clock: Clock;
  #tokens: number;
  #share = 1;
  #throttledAtMs = -Infinity;
  #filledAtMs: number;
  #waiting: Waiter[] = [];
  #order = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(spec: BucketSpec, clock: Clock) {
    this.spec = spec;
    this.#clock = clock;
    this.#tokens = spec.burst;
    this.#filledAtMs = clock.monotonic();
  }

  /** Calls a second allowed now. */
  get perSecond(): number {
    const sinceMs = this.#clock.monotonic() - this.#throttledAtMs;
    const recovered = Math.max(0, Math.min(1, sinceMs / recoverMs));
    return this.spec.perSecond * (this.#share + (1 - this.#share) * recovered);
  }

  /** How many calls wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves when a call may go. Lower `priority` first, then in order of asking.
   * @throws AppError CANCELED/NOT_SENT after an abort
   */
  take(signal?: AbortSignal, priority = 1): Promise<void> {
    if (signal?.aborted) return Promise.reject(notSent());
    this.#fill();
    if (this.#waiting.length === 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((w) => w !== waiter);
        reject(notSent());
      };
      const waiter: Waiter = {
        priority,
        order: this.#order++,
        go: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#insert(waiter);
      this.#arm();
    });
  }

  /**
   * The backend said that calls come too fast.
   * @param sentAtMs - when the refused call was let go, on the monotonic clock: several that were under way together say
   * it once, or a handful of answers would bring the rate to nothing
   */
  throttled(sentAtMs = Infinity): void {
    if (sentAtMs < this.#throttledAtMs) return;
    this.#fill();
    this.#share = Math.max(lowestShare, (this.perSecond / this.spec.perSecond) * throttledTo);
    this.#throttledAtMs = this.#clock.monotonic();
    this.#tokens = Math.min(this.#tokens, 0);
    this.#arm();
  }

  #insert(waiter: Waiter): void {
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.priority ?? 0) > waiter.priority) at--;
    this.#waiting.splice(at, 0, waiter);
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.spec.burst, this.#tokens + ((now - this.#filledAtMs) / 1000) * this.perSecond);
    this.#filledAtMs = now;
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#waiting.length === 0) return;
    const missing = Math.max(0, 1 - this.#tokens);
    this.#cancelTimer = this.#clock.after((missing / this.perSecond) * 1000, () => {
      this.#cancelTimer = null;
      this.#fill();
      // A hair below one whole token is one: rounding must not cost a timer.
      while (this.#tokens >= 0.999_999 && this.#waiting.length > 0) {
        this.#tokens -= 1;
        this.#waiting.shift()?.go();
      }
      this.#arm();
    });
  }
}

const notSent = (): AppError => new AppError('CANCELED', 'NOT_SENT', 'given up before it was sent');
