// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs, bucketDelayMs, newBuckets, newConcurrency, onSuccess, onThrottle, take } from './pacing.ts';
import type { Concurrency } from './pacing.ts';

describe('buckets of requests and tokens a minute', () => {
  test('without limits nothing waits', () => {
    const b = newBuckets(undefined, undefined, 0);
    take(b, 1, 1e9);
    expect(bucketDelayMs(b, 0)).toBe(0);
  });

  test.each([
    [600, 10, 100],
    [60, 1, 1_000],
    // Less than one a second: still one may go, and then the whole wait.
    [6, 1, 10_000],
  ])('%d requests a minute: %d go at once, the next after %d ms', (rpm, burst, waitMs) => {
    const b = newBuckets(rpm, undefined, 0);
    for (let i = 0; i < burst; i++) {
      expect(bucketDelayMs(b, 0)).toBe(0);
      take(b, 1, 0);
    }
    expect(bucketDelayMs(b, 0)).toBeCloseTo(waitMs, 6);
    expect(bucketDelayMs(b, waitMs - 1)).toBeCloseTo(1, 6);
    expect(bucketDelayMs(b, waitMs)).toBeCloseTo(0, 6);
  });

  test('a large call drives the tokens into debt, which is waited off; what it did not use comes back', () => {
    const b = newBuckets(undefined, 60_000, 0);
    expect(bucketDelayMs(b, 0)).toBe(0);
    take(b, 1, 11_000);
    expect(bucketDelayMs(b, 0)).toBeCloseTo(10_000, 6);
    take(b, 0, -4_000);
    expect(bucketDelayMs(b, 0)).toBeCloseTo(6_000, 6);
    expect(bucketDelayMs(b, 6_000)).toBe(0);
  });

  test('an hour of silence saves up one second, no more', () => {
    const b = newBuckets(600, 60_000, 0);
    expect(bucketDelayMs(b, 3_600_000)).toBe(0);
    expect([b.requests, b.tokens]).toEqual([10, 1_000]);
  });

  test('the slower of the two limits is waited for', () => {
    const b = newBuckets(60, 60_000, 0);
    take(b, 1, 31_000);
    expect(bucketDelayMs(b, 0)).toBeCloseTo(30_000, 6);
  });

  test('a clock that jumps back gives nothing, and takes nothing', () => {
    const b = newBuckets(60, undefined, 10_000);
    take(b, 1, 0);
    expect(bucketDelayMs(b, 5_000)).toBeCloseTo(1_000, 6);
    expect(bucketDelayMs(b, 11_000)).toBe(0);
  });

  test('whoever asks before each call sends no more in any span than the burst and the rate allow', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6_000 }),
        fc.array(fc.nat(5_000), { minLength: 1, maxLength: 40 }),
        (rpm, pauses) => {
          const b = newBuckets(rpm, undefined, 0);
          const sent: number[] = [];
          let now = 0;
          for (const pause of pauses) {
            now += pause;
            while (bucketDelayMs(b, now) === 0 && sent.length < 400) {
              take(b, 1, 0);
              sent.push(now);
            }
          }
          const allowed = (spanMs: number): number => Math.max(1, rpm / 60) + (spanMs / 60_000) * rpm + 1e-6;
          const over = sent.flatMap((to, j) =>
            sent.slice(0, j + 1).filter((from, i) => j - i + 1 > allowed(to - from)),
          );
          expect(over).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('concurrency', () => {
  test('a number is the limit from the start, and a bound of the provider is kept', () => {
    expect(newConcurrency(7, null)).toMatchObject({ limit: 7, ceiling: 7 });
    expect(newConcurrency(7, 2)).toMatchObject({ limit: 2, ceiling: 2 });
    expect(newConcurrency('auto', null)).toMatchObject({ limit: 64, ceiling: 1024 });
    expect(newConcurrency('auto', 4)).toMatchObject({ limit: 4, ceiling: 4 });
  });

  test('grows by one with each success until the first throttle, then by one a round', () => {
    const c = newConcurrency('auto', null);
    for (let i = 0; i < 10; i++) onSuccess(c);
    expect(c.limit).toBe(74);
    onThrottle(c, 0, 1);
    expect(c.limit).toBe(55);
    for (let i = 0; i < 54; i++) onSuccess(c);
    expect(c.limit).toBe(55);
    for (let i = 0; i < 2; i++) onSuccess(c);
    expect(c.limit).toBe(56);
  });

  test('one burst of refusals counts once; a call sent after the decrease causes the next', () => {
    const c = newConcurrency(100, null);
    for (let i = 0; i < 50; i++) onThrottle(c, i / 100, 10);
    expect(c.limit).toBe(75);
    onThrottle(c, 10, 15);
    expect(c.limit).toBe(75);
    onThrottle(c, 11, 20);
    expect(c.limit).toBe(56);
  });

  test('stays within 1 and its ceiling, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 300 })),
        fc.option(fc.integer({ min: 1, max: 300 })),
        fc.array(fc.boolean(), { maxLength: 400 }),
        (asked, bound, events) => {
          const c: Concurrency = newConcurrency(asked, bound);
          for (const [now, good] of events.entries()) {
            if (good) onSuccess(c);
            else onThrottle(c, now, now);
            expect(c.limit).toBeGreaterThanOrEqual(1);
            expect(c.limit).toBeLessThanOrEqual(c.ceiling);
            expect(Number.isInteger(c.limit)).toBe(true);
          }
          expect(c.ceiling).toBeLessThanOrEqual(Math.min(asked === 'auto' ? 1024 : asked, bound ?? Infinity));
        },
      ),
    );
  });
});

test('backoff is uniform from 0 to a bound that doubles with each failure, up to its cap', () => {
  expect([1, 2, 3, 10].map((n) => backoffMs(n, 100, 5_000, 0.5))).toEqual([100, 200, 400, 2_500]);
  expect(backoffMs(1_000, 100, 5_000, 0.999)).toBeLessThan(5_000);
  expect(backoffMs(3, 250, 20_000, 0)).toBe(0);
});
