// SPDX-License-Identifier: Apache-2.0

/** Time and timers, so that the engines have none of their own. */
export interface Clock {
  /** Wall time, epoch ms. */
  now(): number;
  /** Never goes back, ms with fractions. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; the returned function cancels it. A waiting timer alone may keep the process alive. */
  after(ms: number, fn: () => void): () => void;
}
