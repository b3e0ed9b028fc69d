// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { parseDurationMs, parseMib } from './quantities.ts';

test.each([
  ['2', 2048],
  ['0.5', 512],
  ['512MB', 512],
  ['512MiB', 512],
  ['512m', 512],
  ['2GiB', 2048],
  ['2 GB', 2048],
  ['1.5g', 1536],
  ['1T', 1_048_576],
  ['100K', 1],
  ['0', null],
  ['-1', null],
  ['2 gigs', null],
  ['', null],
  ['1e3', null],
  ['Infinity', null],
])('a size of %j is %s MiB', (text, mib) => {
  expect(parseMib(text)).toBe(mib);
});

test.each([
  ['30s', 30_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['1.5h', 5_400_000],
  ['1d', 86_400_000],
  ['250ms', 250],
  ['30', null],
  ['0s', null],
  ['-5s', null],
  ['5 minutes', null],
])('a duration of %j is %s ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});
