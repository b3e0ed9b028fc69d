// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contains, countOf, rangesOf, unionOf } from './ranges.ts';
import type { Ranges } from './ranges.ts';

const arbSet = fc.uniqueArray(fc.nat(60)).map((a) => a.sort((x, y) => x - y));
const membersOf = (ranges: Ranges): number[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
/** Ascending, and with a gap between any two. */
const isNormal = (ranges: Ranges): boolean =>
  ranges.every(([from, to], i) => from <= to && (i === 0 || from > (ranges[i - 1]?.[1] ?? Infinity) + 1));

test('numbers become the fewest ranges, and those the same numbers', () => {
  expect(rangesOf([0, 1, 2, 5, 7, 8])).toEqual([
    [0, 2],
    [5, 5],
    [7, 8],
  ]);
  expect(rangesOf([3, 3, 4, 4])).toEqual([[3, 4]]);
  expect(rangesOf([])).toEqual([]);
  fc.assert(
    fc.property(arbSet, (set) => {
      const ranges = rangesOf(set);
      expect(membersOf(ranges)).toEqual(set);
      expect(isNormal(ranges)).toBe(true);
      expect(countOf(ranges)).toBe(set.length);
    }),
  );
});

test('a union has what either has, whether they touch, overlap or enclose each other', () => {
  fc.assert(
    fc.property(arbSet, arbSet, (a, b) => {
      const [left, right] = [rangesOf(a), rangesOf(b)];
      const union = unionOf(left, right);
      expect(membersOf(union)).toEqual([...new Set([...a, ...b])].sort((x, y) => x - y));
      expect(isNormal(union)).toBe(true);
      // Neither is changed: checkpoints are compared with what they were.
      expect([left, right]).toEqual([rangesOf(a), rangesOf(b)]);
    }),
  );
});

test('a number is found where it is, and nowhere else', () => {
  fc.assert(
    fc.property(arbSet, fc.integer({ min: -2, max: 62 }), (set, n) => {
      expect(contains(rangesOf(set), n)).toBe(set.includes(n));
    }),
  );
});
