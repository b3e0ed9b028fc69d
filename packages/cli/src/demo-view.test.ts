// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { firstRows, mailTable } from './demo-view.ts';

const mail = {
  index: 3,
  label: 'spam',
  reason: 'it sells a watch',
  summary: 'A shop offers\nwatches at half price. '.repeat(9),
};

test.each([60, 80, 120, 200])('no line of the table is wider than %i columns', (width) => {
  const lines = mailTable([mail, { ...mail, index: 11, label: 'ham', reason: 'r'.repeat(300) }], width);
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
  expect(lines[1]).toMatch(/^ 3 {2}spam {3}it sells a wat.*A shop o/);
});

test('what a model writes cannot steer the terminal', () => {
  const [, line] = mailTable([{ ...mail, summary: 'before\u001b[2J\u0007after\u202e' }], 100);
  expect(line).toContain('before[2Jafter');
});

test('the first rows of a dataset are read without the rest', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-demo-'));
  const file = join(dir, 'dataset.jsonl');
  const row = (index: number) => ({
    index,
    generation_result: { summary: { output: `mail ${index}` }, label: { json: { label: 'ham', reason: 'why not' } } },
  });
  writeFileSync(file, `${[0, 1, 2].map((i) => JSON.stringify(row(i))).join('\n')}\nnot read`);
  expect(await firstRows(file, 2)).toEqual([
    { index: 0, label: 'ham', reason: 'why not', summary: 'mail 0' },
    { index: 1, label: 'ham', reason: 'why not', summary: 'mail 1' },
  ]);
  rmSync(dir, { recursive: true });
});
