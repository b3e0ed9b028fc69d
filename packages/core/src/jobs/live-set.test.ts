// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiveSet } from './live-set.ts';

test('whatever comes and goes, its members are those of a Set', () => {
  const moves = fc.array(fc.record({ add: fc.boolean(), item: fc.nat(9) }));
  fc.assert(
    fc.property(moves, (all) => {
      const items = Array.from({ length: 10 }, () => ({ place: -1 }));
      const live = new LiveSet<{ place: number }>();
      const model = new Set<object>();
      for (const { add, item } of all) {
        const one = items[item];
        if (!one) throw new Error('no such item');
        if (add) {
          live.add(one);
          model.add(one);
        } else {
          live.delete(one);
          model.delete(one);
        }
        expect(live.size).toBe(model.size);
        expect(new Set(live)).toEqual(model);
      }
    }),
  );
});

test('members may leave while it is walked', () => {
  const live = new LiveSet<{ place: number; n: number }>();
  for (let n = 0; n < 5; n++) live.add({ place: -1, n });
  const seen: number[] = [];
  for (const item of live) {
    seen.push(item.n);
    live.delete(item);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  expect(live.size).toBe(0);
});
