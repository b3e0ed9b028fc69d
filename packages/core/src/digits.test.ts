// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grouped } from './digits.ts';

test('numbers are grouped as in English', () => {
  const whole = fc.integer({ min: -(10 ** 15), max: 10 ** 15 });
  fc.assert(
    fc.property(whole, (n) => {
      expect(grouped(n)).toBe(n.toLocaleString('en'));
    }),
  );
  expect([grouped(1234.5, 2), grouped(1_000_000, 2), grouped(0.1, 2)]).toEqual(['1,234.50', '1,000,000.00', '0.10']);
});
