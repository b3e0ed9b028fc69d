// SPDX-License-Identifier: Apache-2.0
import type { JobSpec } from '@stint/core';
import { expect, test } from 'vitest';
import { renderCard } from './card.ts';
import type { CardData } from './card.ts';

const HOSTILE =
  'x\n---\nlicense: mit\n# Title | `code` <script>alert(1)</script> [link](http://evil) ![i](http://evil)';
const card = (change: Partial<CardData> = {}, name = 'mine'): string =>
  renderCard({
    spec: {
      name,
      job_id: 'mine-abcdefghij',
      stint_version: '0.1.0',
      engine: { sampling: 1, templates: 1 },
      job_seed: 7,
      sampling: 'shuffle',
      template: {
        spec: {
          description: HOSTILE,
          steps: [
            { id: 'ask', model: 'm', prompt: 'x' },
            { id: 'dice', sample: { type: 'uuid' } },
          ],
        },
        files: [{ path: 'template.yaml', sha256: 'a'.repeat(64) }],
      },
      seeds: { rows: 5, sha256: 'b'.repeat(64) },
      models: { m: { model: HOSTILE, provider: 'openai' } },
    } as unknown as JobSpec,
    status: 'COMPLETED',
    rows: 1234,
    files: [
      { format: 'JSONL', path: 'exports/dataset.jsonl', rows: 1234, bytes: 9, sha256: 'c'.repeat(64) },
      {
        format: 'JSONL',
        path: 'exports/partitioned/a=1/records.jsonl',
        rows: 1,
        bytes: 9,
        sha256: 'd'.repeat(64),
        partition: { field: 'a', value: '1' },
      },
    ],
    columns: { id: 'VARCHAR', 'odd|`name': 'BIGINT' },
    clockIso: '2026-11-24T00:00:00.000Z',
    ...change,
  });

test('says what the dataset is, where it came from and how to read it', () => {
  const text = card();
  expect(text).toMatch(/^---\npretty_name: "mine"\nsize_categories:\n {2}- 1K<n<10K\n/);
  expect(text).toContain('data_files: "dataset.jsonl"');
  expect(text).toContain(`| \`dataset.jsonl\` | JSONL | 1,234 | 9 | \`${'c'.repeat(64)}\` |`);
  expect(text).toContain("pd.read_json('dataset.jsonl', lines=True)");
  expect(text).toContain('| `dice` | sampled |');
  expect(text).toContain('job_seed 7');
});

test('text of users adds no front matter, no markup and no cells', () => {
  const text = card({}, HOSTILE);
  expect(text.match(/^---$/gm)).toHaveLength(2);
  expect(text).not.toMatch(/^license:/m);
  const body = text.slice(text.indexOf('\n---\n', 4));
  expect(body).not.toMatch(/(?<!\\)<script/);
  expect(body).not.toMatch(/(?<!\\)\]\(http/);
  for (const row of text.split('\n').filter((l) => l.startsWith('| `odd')))
    expect(row.split(/(?<!\\)\|/)).toHaveLength(4);
});

test('says where a dataset is not whole', () => {
  expect(card({ status: 'BUDGET_EXCEEDED' })).toContain(
    'BUDGET\\_EXCEEDED: this is what was committed, not the whole dataset',
  );
  expect(card()).not.toContain('not the whole dataset');
});
