// SPDX-License-Identifier: Apache-2.0
import { fakeClock } from '@stint/contracts';
import { expect, test } from 'vitest';
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

test('a tick does not ask again for what is still being asked for', async () => {
  const clock = fakeClock();
  let asked = 0;
  const slowly = async (handles: readonly string[]): Promise<Observation[]> => {
    asked += handles.length;
    await new Promise<void>((resolve) => void clock.after(3_000, resolve));
    return handles.map(starting);
  };
  const traits = { pollIntervalMs: 5_000, observeBatch: 100, observePerSecond: 20 };
  const seen: string[] = [];
  const watch = new TaskWatch({
    clock,
    compute: { traits, observe: slowly } as unknown as Compute,
    seen: ({ handle }) => void seen.push(handle),
    problem: (e) => {
      throw e;
    },
  });
  const handles = Array.from({ length: 1_000 }, (_, i) => `h${i}`);
  for (const handle of handles) {
    watch.add(handle, true);
    watch.hint(handle);
  }
  // Four batches at a time, three seconds each: nine seconds, and the tick comes after five.
  await clock.advance(9_100);
  expect(seen.toSorted()).toEqual(handles.toSorted());
  expect(asked).toBe(1_000);
  await clock.advance(10_000);
  expect(asked).toBeGreaterThan(1_000);
  const stopping = watch.stop();
  await clock.advance(10_000);
  await stopping;
});
