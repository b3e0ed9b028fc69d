// SPDX-License-Identifier: Apache-2.0
import type { SeedRow } from '@stint/core';
import { parseData } from '@stint/jinja';
import { expect, test } from 'vitest';
import { seedWeight } from './seed-weight.ts';

test.each([
  ['0', 0],
  ['3', 3],
  ['1.0', 1],
  ['0.5', 0.5],
  ['12345678901234567890123', 12345678901234567890123],
  ['"2"', 2],
  ['" 2.5 "', 2.5],
])('%s is a weight', (json, weight) => {
  expect(seedWeight(parseData(`{"w":${json}}`) as SeedRow, 'w')).toBe(weight);
});

test.each(['-1', '-0.5', '1e400', 'null', 'true', '""', '" "', '"two"', '[5]', '{"a":1}'])('%s is none', (json) => {
  expect(seedWeight(parseData(`{"w":${json}}`) as SeedRow, 'w')).toBeNull();
});

test.each(['constructor', 'toString', 'x'])('a row without the field has none: %s', (field) => {
  expect(seedWeight({}, field)).toBeNull();
});
