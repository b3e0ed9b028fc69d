// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { TokenBucket } from '@stint/core/tasks';
import { fakeClock } from './fake-clock.ts';

const spec = { perSecond: 40, burst: 100 };

test('a burst goes at once, the rest at the rate', async () => {
  const clock = fakeClock();
  const bucket = new TokenBucket(spec, clock);
  const wentAt: number[] = [];
  for (let i = 0; i < 180; i++) void bucket.take().then(() => wentAt.push(clock.monotonic()));
  await clock.advance(3_000);
  expect(wentAt.filter((at) => at === 0)).toHaveLength(100);
  expect(wentAt).toHaveLength(180);
  expect(wentAt.at(-1)).toBeCloseTo(2_000, 3);
});

test('a refusal lowers the rate by a third, and a minute without one brings it back', async () => {
  const clock = fakeClock();
  const bucket = new TokenBucket(spec, clock);
  bucket.throttled();
  expect(bucket.perSecond).toBeCloseTo(40 * (2 / 3));
  await clock.advance(30_000);
  expect(bucket.perSecond).toBeCloseTo(40 * (5 / 6));
  await clock.advance(30_000);
  expect(bucket.perSecond).toBe(40);
});

test('calls that were under way together say it once', async () => {
  const clock = fakeClock();
  const bucket = new TokenBucket(spec, clock);
  const sentAtMs = clock.monotonic();
  await clock.advance(100);
  for (let i = 0; i < 8; i++) bucket.throttled(sentAtMs);
  expect(bucket.perSecond).toBeCloseTo(40 * (2 / 3));
  const sentLater = clock.monotonic();
  await clock.advance(100);
  bucket.throttled(sentLater);
  expect(bucket.perSecond).toBeLessThan(40 * 0.45);
});

test('a lower priority number goes first; who gives up goes never', async () => {
  const clock = fakeClock();
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, clock);
  await bucket.take();
  const went: string[] = [];
  const abort = new AbortController();
  void bucket.take().then(() => went.push('start'));
  void bucket.take(abort.signal, 0).catch((e: unknown) => went.push(String(e)));
  void bucket.take(undefined, 0).then(() => went.push('stop'));
  abort.abort();
  await clock.advance(5_000);
  expect(went).toEqual([expect.stringContaining('given up'), 'stop', 'start']);
});
