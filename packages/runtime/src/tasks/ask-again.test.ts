// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { AppError } from '@stint/core';
import { askAgain, tellProblems } from './ask-again.ts';

const full = () => new AppError('UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'disk is full');

test('what fails is done again until it is done, and its reason told once', async () => {
  const told: string[] = [];
  let tries = 0;
  const what = async () => {
    if (++tries < 4) throw full();
  };
  await askAgain(
    what,
    () => false,
    (text) => told.push(text),
    1,
  );
  expect({ tries, told }).toEqual({ tries: 4, told: ['disk is full'] });
});

test('what nobody needs any more is not tried again', async () => {
  let tries = 0;
  const what = async () => {
    tries++;
    throw full();
  };
  await askAgain(
    what,
    () => tries === 2,
    () => undefined,
    1,
  );
  expect(tries).toBe(2);
});

test('a problem is told once, and a slowed call never', () => {
  const told: string[] = [];
  const problem = tellProblems((text) => told.push(text));
  for (let i = 0; i < 3; i++) problem('T1', 'settle', full());
  problem('T1', 'start', new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'slow down'));
  expect(told).toEqual(['task T1: tried again (settle): disk is full']);
});
