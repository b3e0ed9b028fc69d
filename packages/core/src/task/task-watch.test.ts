// SPDX-License-Identifier: Apache-2.0
import { fakeClock } from '@stint/contracts';
import type { FakeClock } from '@stint/contracts';
import { expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import type { Compute, Observation } from '../ports/compute.ts';
import { TaskWatch } from './task-watch.ts';

const starting = (handle: string): Observation => ({
  handle,
  phase: 'starting',
  rawStatus: 'PENDING',
  startedAtMs: null,
  stoppedAtMs: null,
  where: null,
  end: null,
});

const traits = { pollIntervalMs: 5_000, observeBatch: 100, observePerSecond: 20 };

interface Call {
  atMs: number;
  handles: readonly string[];
}

/** A watch of so many handles that were seen before, and what it asks for. */
function watchOf(n: number, answer: (call: Call, clock: FakeClock) => Promise<Observation[]>) {
  const clock = fakeClock();
  const calls: Call[] = [];
  const seen: string[] = [];
  const problems: unknown[] = [];
  const observe = (handles: readonly string[]): Promise<Observation[]> => {
    const call = { atMs: clock.monotonic(), handles };
    calls.push(call);
    return answer(call, clock);
  };
  const watch = new TaskWatch({
    clock,
    compute: { traits, observe } as unknown as Compute,
    seen: ({ handle }) => void seen.push(handle),
    problem: (e) => void problems.push(e),
  });
  const handles = Array.from({ length: n }, (_, i) => `h${i}`);
  for (const handle of handles) watch.add(handle, true);
  const asked = (): number => calls.reduce((sum, call) => sum + call.handles.length, 0);
  return { clock, watch, handles, calls, seen, asked, problems };
}

const atOnce = async ({ handles }: Call): Promise<Observation[]> => handles.map(starting);

async function slowly({ handles }: Call, clock: FakeClock): Promise<Observation[]> {
  await new Promise<void>((resolve) => void clock.after(3_000, resolve));
  return handles.map(starting);
}

test('a tick does not ask again for what is still being asked for', async () => {
  const { clock, watch, handles, seen, asked } = watchOf(1_000, slowly);
  for (const handle of handles) watch.hint(handle);
  // Four batches at a time, three seconds each: nine seconds, and the tick comes after five.
  await clock.advance(9_100);
  expect(seen.toSorted()).toEqual(handles.toSorted());
  expect(asked()).toBe(1_000);
  await clock.advance(10_000);
  expect(asked()).toBeGreaterThan(1_000);
  const stopping = watch.stop();
  await clock.advance(10_000);
  await stopping;
});

test.for([
  { n: 50, tickMs: 5_000 },
  { n: 1_000, tickMs: 5_000 },
  { n: 10_000, tickMs: 10_000 },
])('$n handles: each once a tick of $tickMs ms, and never more than half of the rate', async ({ n, tickMs }) => {
  const { clock, watch, calls, asked } = watchOf(n, atOnce);
  const ticks = 4;
  // The first begins after five seconds.
  await clock.advance(5_000 + ticks * tickMs - 50);
  expect(asked()).toBe(ticks * n);
  expect(calls.length).toBe(ticks * Math.ceil(n / 100));
  const times = new Map<string, number[]>();
  for (const { handles, atMs } of calls) for (const h of handles) times.set(h, [...(times.get(h) ?? []), atMs]);
  for (const at of times.values()) {
    for (const [i, ms] of at.slice(1).entries()) expect(ms - (at[i] ?? 0)).toBeCloseTo(tickMs, 3);
  }
  const apart = calls.slice(1).map(({ atMs }, i) => atMs - (calls[i]?.atMs ?? 0));
  if (apart.length > 0) expect(Math.min(...apart)).toBeGreaterThanOrEqual(100 - 1e-6);
  await watch.stop();
  expect(clock.waiting).toBe(0);
});

test('a stop in the middle of a long tick waits for no turn', async () => {
  const { clock, watch, asked } = watchOf(10_000, atOnce);
  await clock.advance(8_000);
  const before = asked();
  await watch.stop();
  await clock.advance(20_000);
  expect(before).toBeGreaterThan(1_000);
  expect(asked()).toBe(before);
});

test('what was throttled is asked for again soon, and what failed otherwise in the next tick', async () => {
  let fails = 3;
  const refuse = async (call: Call): Promise<Observation[]> => {
    if (call.handles.includes('h150') && fails-- > 0) throw new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'slow');
    if (call.handles.includes('h0') && call.atMs < 9_000) throw new AppError('UNAVAILABLE', 'BROKEN', 'broken');
    return await atOnce(call);
  };
  const { clock, watch, calls, problems } = watchOf(200, refuse);
  await clock.advance(9_900);
  const times = (handle: string) => calls.filter((c) => c.handles.includes(handle)).map((c) => Math.round(c.atMs));
  expect(times('h0')).toEqual([5_000]);
  expect(times('h150')).toEqual([5_100, 6_100, 7_100, 8_100]);
  await clock.advance(2_000);
  expect(times('h0')).toEqual([5_000, 10_000]);
  expect(problems).toHaveLength(4);
  await watch.stop();
});
