// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobSpecSchema } from '@stint/core';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordEnv } from '../record-env.ts';
import { loadJob } from './load-job.ts';

const dir = mkdtempSync(join(tmpdir(), 'stint-intake-'));
const write = (name: string, value: unknown): void => {
  writeFileSync(join(dir, name), JSON.stringify(value));
};
beforeAll(() => {
  write('template.yaml', {
    template: { steps: [{ id: 'a', model: 'm', prompt: 'Tell of {{ topic }}.', output: { type: 'object' } }] },
  });
  write('seeds.json', [{ topic: 'tides', score: 3 }]);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const least = { name: 'job', template: './template.yaml', seed_data_path: './seeds.json', num_records: 5 };
const openai = { provider: 'openai', base_url: 'http://127.0.0.1:1/v1', model: 'x', price: { input: 1, output: 2 } };
const load = (change: Record<string, unknown>): ReturnType<typeof loadJob> => {
  write('job.yaml', { ...least, models: { m: openai }, budget_limit: 1, ...change });
  return loadJob({ jobPath: join(dir, 'job.yaml'), env: {}, cwd: dir });
};

/** One value that is accepted for each key that is optional, or none. */
const optional = (values: Record<string, readonly unknown[]>): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(Object.entries(values).map(([k, v]) => [k, fc.constantFrom(...v)])), {
    requiredKeys: [],
  });

test('every job that is accepted freezes into a job.json that can be read again', async () => {
  const arbJob = optional({
    num_records: [1, 100_000_000],
    budget_limit: ['0.000000001', 9_000_000, '$2.50'],
    job_seed: [0, Number.MAX_SAFE_INTEGER],
    sampling: ['shuffle', 'random', 'sequential', 'weighted(score)'],
    max_attempts: [1, 100],
    on_shortfall: ['replace', 'accept', 'fail'],
    max_failures: [0, 7, '0%', '0.5%', '100%'],
    give_up_after: [0.001, 30, '1ms', '1.5h'],
    output_format: ['CSV', ['CSV', 'JSONL', 'CSV']],
    export_layout: ['columns', 'json'],
    partition_strategy: ['none', 'timestamp', 'field:topic'],
    checkpoint_interval: ['auto', 1],
    concurrency: ['auto', 1, 16_384],
    budget_scope: ['all', 'models'],
    priority: [0, 10],
    max_workers: [1, 10_000],
    task: [{}, { cpus: 0.5, memory: '1GiB', spot_policy: 'spotFirst' }],
  });
  const arbModel = optional({
    max_tokens: [1, 1_000_000],
    temperature: [0, 2],
    timeout_s: [0.1, 3600],
    rpm: [0.5],
    tpm: [1],
    token_field: ['max_completion_tokens'],
    headers: [{}, { 'x-a': 'b' }],
    query: [{ a: 'b' }],
    extra_body: [{}, { top_p: 0.5 }],
    price: [
      { input: 0, output: 0 },
      { input: '0.15', output: 0.6, cache_read: 0.075, cache_write: 0 },
    ],
  });
  await fc.assert(
    fc.asyncProperty(arbJob, arbModel, async (job, model) => {
      const { draft } = await load({ ...job, models: { m: { ...openai, ...model } } });
      const spec = { ...draft, job_id: 'job-abcdefghij', created_at: '2026-01-01', job_seed: draft.job_seed ?? 1 };
      expect(jobSpecSchema.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    }),
    { numRuns: 60 },
  );
});

test('defaults are those of the documentation', async () => {
  const { draft } = await load({});
  expect(draft).toMatchObject({
    job_seed: null,
    sampling: 'shuffle',
    max_attempts: 3,
    on_shortfall: 'replace',
    max_failures: { percent: 10 },
    give_up_after_ms: 30_000,
    output_format: ['JSONL'],
    export_layout: 'columns',
    partition_strategy: 'none',
    checkpoint_interval: 'auto',
    concurrency: 'auto',
    budget_scope: 'all',
    priority: 5,
    max_workers: 4,
  });
  expect(draft.models['m']).toMatchObject({
    max_tokens: 2000,
    temperature: 0.7,
    timeout_s: 120,
    price: { input: 1e9, output: 2e9, cache_read: 1e9, cache_write: 1e9, source: 'job file' },
  });
});

test('what a request carries besides its messages counts for its worst case: schema and extra_body', async () => {
  const bytesOf = async (change: Record<string, unknown>): Promise<number | undefined> => {
    const { draft, compiled } = await load({ models: { m: { ...openai, ...change } } });
    const spec = { ...draft, job_id: 'j', created_at: '', job_seed: 1 };
    const seeds = { rows: 1, row: () => ({}), close: () => undefined };
    return (await recordEnv(spec, compiled, seeds)).extraBytes[0];
  };
  expect(await bytesOf({})).toBe('{"type":"object"}'.length);
  expect(await bytesOf({ extra_body: { stop: ['ä'] } })).toBe('{"type":"object"}'.length + '{"stop":["ä"]}'.length + 1);
});
