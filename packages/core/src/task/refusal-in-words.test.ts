// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { refusalInWords } from './refusal-in-words.ts';

test.each([
  ['RESOURCE:MEMORY', 'RESOURCE:MEMORY', 'RESOURCE:MEMORY'],
  ['RESOURCE:MEMORY', 'RESOURCE:MEMORY: of 3 instances', 'RESOURCE:MEMORY: of 3 instances'],
  ['ClientException', 'not now', 'ClientException: not now'],
])('%s, said as "%s", is told once', (code, message, words) => {
  expect(refusalInWords({ code, message })).toBe(words);
});
