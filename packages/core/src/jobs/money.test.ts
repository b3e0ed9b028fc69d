// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { costNanoUsd, inputTokenBound, utf8Bytes, worstCaseNanoUsd } from './money.ts';
import { builtInAliases, findPrice, usdToNano } from './prices.ts';

const price = {
  input: 3_000_000_000,
  output: 15_000_000_000,
  cache_read: 300_000_000,
  cache_write: 3_750_000_000,
  source: 't',
};
const usage = (inputTokens: number, outputTokens: number, cacheReadTokens = 0, cacheWriteTokens = 0) => ({
  inputTokens,
  outputTokens,
  cacheReadTokens,
  cacheWriteTokens,
});

test('a call is summed over its directions and rounded up once', () => {
  expect(costNanoUsd(usage(1, 1), price)).toBe(18_000);
  expect(costNanoUsd(usage(10, 5, 100, 20), price)).toBe(30_000 + 75_000 + 30_000 + 75_000);
  const third = { ...price, input: 333_333, output: 333_333 };
  expect(costNanoUsd(usage(1, 1), third)).toBe(1);
  expect(costNanoUsd(usage(0, 0), price)).toBe(0);
});

test('sums beyond 2^53 are exact', () => {
  expect(costNanoUsd(usage(9_999_999, 1_000_001), { ...price, input: 2_999_999_999 })).toBe(
    Number((9_999_999n * 2_999_999_999n + 1_000_001n * 15_000_000_000n + 999_999n) / 1_000_000n),
  );
});

test('the worst case takes the dearest input', () => {
  expect(worstCaseNanoUsd(10, 5, price)).toBe(10 * 3_750 + 5 * 15_000);
});

test('the input bound is the bytes of the request and 16 a message', () => {
  expect(inputTokenBound({ messages: [{ role: 'user', content: 'héllo' }] }, 0)).toBe(6 + 16);
  for (const text of ['', 'abc', 'ä€😀', '\ud800x', 'x\udc00'])
    expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length);
});

test('dollars are read as text, digit by digit', () => {
  expect(['5', '2.50', '0.000000001', 0.1, 1e-9].map(usdToNano)).toEqual([5e9, 2.5e9, 1, 1e8, 1]);
  for (const bad of ['', 'x', '-1', '1e3', '1.0000000001', '99999999999999999'])
    expect(() => usdToNano(bad), bad).toThrow(/USD|more than/);
});

test('every built-in alias has a price with its source; an unknown model has none', () => {
  for (const id of Object.values(builtInAliases)) {
    const found = findPrice('bedrock', id);
    expect(found?.source).toMatch(/\d{4}-\d\d-\d\d/);
    expect(found?.input).toBeGreaterThan(0);
  }
  expect(findPrice('bedrock', 'nobody.model-1')).toBeFalsy();
});
