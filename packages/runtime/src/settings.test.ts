// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('a variable that is set to nothing is not set', () => {
  const unset = readSettings({});
  expect(unset).toEqual({ STINT_SYNC: 'normal', STINT_SOFT_LIMIT_S: 100 });
  expect(readSettings({ STINT_SYNC: '', STINT_SOFT_LIMIT_S: '', STINT_MODELS: '' })).toEqual(unset);
});

test('wrong values are named, all of them', () => {
  expect(() => readSettings({ STINT_SYNC: 'always', STINT_SOFT_LIMIT_S: '-1' })).toThrow(
    /STINT_SYNC: .*; STINT_SOFT_LIMIT_S: /,
  );
});
