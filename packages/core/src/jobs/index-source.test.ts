// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SHARD_SIZE } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import { IndexSource } from './index-source.ts';
import { rangesOf } from './ranges.ts';

const shard = (n: number, ok: number[], failed: number[] = [], retrying: [number, number][] = []): ShardCheckpoint => ({
  schema: 'stint.shard-checkpoint/1',
  job_id: 'j',
  shard: n,
  epoch: 1,
  seq: 1,
  batches: [],
  rejects: [],
  ok: rangesOf(ok),
  failed: failed.map((index) => ({ index, attempts: 3, code: 'EMPTY', reason: '' })),
  retrying: retrying.map(([index, attempts]) => ({ index, attempts })),
  spend_nano_usd: 0,
  input_tokens: 0,
  output_tokens: 0,
  updated_at: '',
  digest: '0'.repeat(64),
});
function drain(source: IndexSource, end: number, most = Infinity): number[] {
  const out: number[] = [];
  for (let i = source.peek(end); i !== null && out.length < most; i = source.peek(end)) {
    out.push(i);
    source.take();
  }
  return out;
}

describe('indices', () => {
  test('come from 0 upward, up to the end', () => {
    const source = new IndexSource();
    expect(drain(source, 3)).toEqual([0, 1, 2]);
    expect(source.peek(3)).toBeNull();
    // The target was raised.
    expect(drain(source, 5)).toEqual([3, 4]);
  });

  test('that are shown are not taken by it', () => {
    const source = new IndexSource();
    expect([source.peek(9), source.peek(9)]).toEqual([0, 0]);
    source.take();
    expect(source.peek(9)).toBe(1);
  });

  test('leave out what is ok or given up, in any shard, and what was given up is not taken again', () => {
    const source = new IndexSource();
    source.learn(shard(0, [0, 1, 4], [2]));
    source.learn(shard(1, [SHARD_SIZE], [SHARD_SIZE + 1]));
    expect(drain(source, 7)).toEqual([3, 5, 6]);
    expect([2, 4, SHARD_SIZE, SHARD_SIZE + 1].map((i) => source.isPending(i))).toEqual([false, false, false, false]);
    expect([3, SHARD_SIZE + 2, 5 * SHARD_SIZE].map((i) => source.isPending(i))).toEqual([true, true, true]);
  });

  test('that get new attempts are numbered onward from the last', () => {
    const source = new IndexSource();
    source.learn(shard(0, [0], [], [[1, 3]]));
    expect([0, 1, 2].map((i) => source.attemptsOf(i))).toEqual([0, 3, 0]);
    expect(drain(source, 3)).toEqual([1, 2]);
  });

  test('are known by the newest checkpoint of their shard', () => {
    const source = new IndexSource();
    source.learn(shard(0, [0, 1], [2]));
    source.learn(shard(0, [0, 1], [], [[2, 3]]));
    expect(drain(source, 4)).toEqual([2, 3]);
  });

  test('are each taken once and all taken, whatever is decided already', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), fc.uniqueArray(fc.nat(40)), fc.nat(45), (ok, given, end) => {
        const failed = given.filter((i) => !ok.includes(i));
        const source = new IndexSource();
        source.learn(
          shard(
            0,
            ok.sort((a, b) => a - b),
            failed,
          ),
        );
        const all = Array.from({ length: end }, (_, i) => i);
        expect(drain(source, end)).toEqual(all.filter((i) => !ok.includes(i) && !failed.includes(i)));
      }),
    );
  });

  test('of a million decided records take no time and no list', () => {
    const source = new IndexSource();
    for (let n = 0; n < 100; n++) source.learn({ ...shard(n, []), ok: [[n * SHARD_SIZE, (n + 1) * SHARD_SIZE - 1]] });
    expect(drain(source, Number.MAX_SAFE_INTEGER, 2)).toEqual([1_000_000, 1_000_001]);
  });
});
