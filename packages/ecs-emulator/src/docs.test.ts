// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callRuleSchema, checkFaultScript, taskRuleSchema } from './faults/fault-script.ts';
import { NO_CAPACITY, PULL_ERRORS } from './faults/task-event.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/emulator.md'), 'utf8');

test('docs/emulator.md names every member, event and kind of a fault script', () => {
  const words = [
    ...Object.keys(callRuleSchema.shape),
    ...Object.keys(taskRuleSchema.shape),
    ...taskRuleSchema.shape.event.options,
    ...PULL_ERRORS,
    ...NO_CAPACITY,
  ];
  expect(words.filter((word) => !new RegExp(`\`[^\`]*\\b${word}\\b`).test(page))).toEqual([]);
});

test('the script of docs/emulator.md is a good one', () => {
  const [, text = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  expect(checkFaultScript(JSON.parse(text)).rules).toHaveLength(5);
});
