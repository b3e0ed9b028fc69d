// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { callSeed, drawsOf, permute, seedIndexOf } from './sampling.ts';

const take = (n: number, next: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => next(i));

// Sampling version 1. A job that was begun goes on with the same prompts only while these hold: a change of any of them is a
// new version of `engine.sampling`, not a new expectation.
describe('golden vectors of sampling 1', () => {
  test('seed rows', () => {
    expect(take(10, (i) => seedIndexOf(42, 'shuffle', 10, i))).toMatchInlineSnapshot(`
      [
        8,
        1,
        4,
        9,
        5,
        2,
        6,
        0,
        7,
        3,
      ]
    `);
    expect(take(10, (i) => seedIndexOf(42, 'shuffle', 10, 10 + i))).toMatchInlineSnapshot(`
      [
        7,
        4,
        5,
        2,
        3,
        6,
        9,
        8,
        0,
        1,
      ]
    `);
    expect(take(10, (i) => seedIndexOf(42, 'random', 1000, i))).toMatchInlineSnapshot(`
      [
        741,
        633,
        845,
        448,
        526,
        779,
        759,
        8,
        944,
        222,
      ]
    `);
    expect(take(4, (i) => seedIndexOf(2 ** 47 + 5, 'shuffle', 100_000_000, i))).toMatchInlineSnapshot(`
      [
        76541031,
        15395196,
        74054137,
        96895198,
      ]
    `);
    const cumulativeWeights = Float64Array.of(1, 1, 4, 10);
    expect(take(12, (i) => seedIndexOf(42, { cumulativeWeights }, 4, i))).toMatchInlineSnapshot(`
      [
        3,
        3,
        3,
        3,
        3,
        3,
        3,
        0,
        3,
        2,
        3,
        3,
      ]
    `);
  });
  test('draws', () => {
    const d = drawsOf(42, 7, 1, 'ask');
    expect([d.unit(), d.unit(), d.below(6), d.below(1000)]).toMatchInlineSnapshot(`
      [
        0.11506858595120728,
        0.8630624736694306,
        2,
        409,
      ]
    `);
    expect(drawsOf(42, 7, 2, 'ask').unit()).toMatchInlineSnapshot(`0.5827064180281379`);
    expect(callSeed(42, 7, 1, 'ask', 0)).toMatchInlineSnapshot(`531724057`);
  });
});

describe('sampling', () => {
  test.each([1, 2, 3, 7, 64, 1000])(
    'shuffle visits each of %i rows once in a cycle, each cycle in another order',
    (rows) => {
      for (const cycle of [0, 1, 5]) {
        const seen = take(rows, (i) => seedIndexOf(9, 'shuffle', rows, cycle * rows + i));
        expect(seen.toSorted((a, b) => a - b)).toEqual(take(rows, (i) => i));
      }
      if (rows >= 64)
        expect(take(rows, (n) => permute(9, 0, rows, n))).not.toEqual(take(rows, (n) => permute(9, 1, rows, n)));
    },
  );
  test('sequential goes round', () => {
    expect(take(7, (i) => seedIndexOf(1, 'sequential', 3, i))).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });
  test('weighted follows the weights, and never takes a row of weight 0', () => {
    const cumulativeWeights = Float64Array.of(1, 1, 4, 10);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[seedIndexOf(3, { cumulativeWeights }, 4, i)]! += 1;
    expect(counts[1]).toBe(0);
    for (const [row, share] of [
      [0, 0.1],
      [2, 0.3],
      [3, 0.6],
    ] as const)
      expect((counts[row] ?? 0) / 20_000).toBeCloseTo(share, 1);
  });
  test('draws are even, and differ by every part of their key', () => {
    const sum = take(20_000, (i) => drawsOf(1, i, 1, 's').unit()).reduce((a, b) => a + b, 0);
    expect(sum / 20_000).toBeCloseTo(0.5, 2);
    const keys: [number, number, number, string][] = [
      [1, 1, 1, 'a'],
      [2, 1, 1, 'a'],
      [1, 2, 1, 'a'],
      [1, 1, 2, 'a'],
      [1, 1, 1, 'b'],
    ];
    expect(new Set(keys.map((k) => drawsOf(...k).unit())).size).toBe(5);
  });
});
