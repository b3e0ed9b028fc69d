// SPDX-License-Identifier: Apache-2.0
import { fakeClock } from '@stint/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createScheduler } from './scheduler.ts';

test('entries fire in order of time, then of asking, on one timer; cancelled ones never', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 60 }), async (entries) => {
      const clock = fakeClock();
      const scheduler = createScheduler(clock);
      const fired: number[] = [];
      for (const [i, [ms, cancelled]] of entries.entries()) {
        const cancel = scheduler.after(ms, () => void fired.push(i));
        if (cancelled) cancel();
      }
      expect(clock.waiting).toBeLessThanOrEqual(1);
      await clock.advance(25);
      const expected = entries
        .map(([ms, cancelled], i) => ({ ms, cancelled, i }))
        .filter(({ cancelled }) => !cancelled)
        .toSorted((a, b) => a.ms - b.ms || a.i - b.i)
        .map(({ i }) => i);
      expect(fired).toEqual(expected);
      expect(clock.waiting).toBe(0);
    }),
  );
});

test('an entry may ask for others, and closing forgets all', async () => {
  const clock = fakeClock();
  const scheduler = createScheduler(clock);
  const fired: string[] = [];
  scheduler.after(5, () => {
    fired.push('a');
    scheduler.after(0, () => void fired.push('b'));
    scheduler.after(5, () => void fired.push('c'));
  });
  await clock.advance(7);
  expect(fired).toEqual(['a', 'b']);
  scheduler.close();
  scheduler.after(1, () => void fired.push('d'));
  await clock.advance(20);
  expect(fired).toEqual(['a', 'b']);
  expect(clock.waiting).toBe(0);
});
