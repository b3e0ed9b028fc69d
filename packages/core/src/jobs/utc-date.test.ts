// SPDX-License-Identifier: Apache-2.0
import { afterEach, expect, test, vi } from 'vitest';
import { parseUtcDate } from './utc-date.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['2024-01-01T00:00', '2024-01-01T00:00:00.000Z'],
  ['2024-01-01 00:00:00', '2024-01-01T00:00:00.000Z'],
  ['2024-01-01T12:30:15.5', '2024-01-01T12:30:15.500Z'],
  ['2024-01-01T12:30:15.123456Z', '2024-01-01T12:30:15.123Z'],
  ['2024-01-01T00:00:00+02:00', '2023-12-31T22:00:00.000Z'],
  ['2024-01-01 00:00:00 -0530', '2024-01-01T05:30:00.000Z'],
  ['0001-01-01', '0001-01-01T00:00:00.000Z'],
])('%s is %s wherever the machine stands', (text, utc) => {
  for (const zone of ['UTC', 'Asia/Tokyo', 'America/New_York']) {
    vi.stubEnv('TZ', zone);
    expect(new Date(parseUtcDate(text)).toISOString()).toBe(utc);
  }
});

test.each([
  '2024-02-30',
  '2023-02-29',
  '2024-13-01',
  '2024-00-10',
  '2024-1-1',
  '2024-01-01T25:00',
  '2024-01-01T10:61',
  '2024-01-01T10:00+99:99',
  'March 7',
  'yesterday',
  '1',
  '',
  '+012024-01-01',
])('"%s" is no date', (text) => {
  expect(parseUtcDate(text)).toBeNaN();
});
