// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldPath, nearest } from '../problems.ts';
import { durationMs, jobFileSchema, parseJobFile } from './job-file.ts';
import type { Problem } from '../problems.ts';

const model = { provider: 'openai', model: 'm' };
const least = { name: 'job', template: 't.yaml', seed_data_path: 's.jsonl', num_records: 1 };
const problemsOf = (change: Record<string, unknown>): Problem[] => parseJobFile({ ...least, ...change }).problems;
const ofModel = (change: Record<string, unknown>): Problem[] => problemsOf({ models: { m: { ...model, ...change } } });

/** Every key with values that it takes and values that it does not. */
const keys: Record<string, { good: unknown[]; bad: unknown[] }> = {
  name: { good: ['a', '0-1_.x', 'A'.repeat(100)], bad: ['', '-a', '.a', 'a/b', 'ä', 'A'.repeat(101), 1, null] },
  template: { good: ['./t.yaml'], bad: ['', 1, null, ['t']] },
  template_id: { good: [], bad: ['', 1] },
  seed_data_path: { good: ['s', 'file:///s.csv'], bad: ['', 1, null] },
  num_records: { good: [1, 100_000_000], bad: [0, -1, 1.5, 100_000_001, '10', Infinity, NaN, null] },
  budget_limit: {
    good: [0, 5, 2.5, '5', '2.50', '$1'],
    bad: [-1, '-1', 'five', '1e3', '', '5 USD', Infinity, NaN, null],
  },
  job_seed: { good: [0, Number.MAX_SAFE_INTEGER], bad: [-1, 0.5, 2 ** 53, 'a'] },
  sampling: {
    good: ['shuffle', 'random', 'sequential', 'weighted(score)'],
    bad: ['sorted', 'weighted', 'weighted()', 'weighted(a)x', ''],
  },
  models: { good: [{}, { 'a.b-c_1': model }], bad: [[], 'm', { '': model }, { '-m': model }, { m: 'gpt' }] },
  max_attempts: { good: [1, 100], bad: [0, 101, 1.5, '3'] },
  on_shortfall: { good: ['replace', 'accept', 'fail'], bad: ['stop', ''] },
  max_failures: {
    good: [0, 10, '10%', '0%', '0.5%', '100%'],
    bad: [-1, 1.5, '10', '10 %', '150%', '100.5%', '999%', '%'],
  },
  give_up_after: {
    good: [30, 0.5, '30s', '2m', '1h', '500ms', '1.5h'],
    bad: [0, -1, '0s', '0.0ms', '30', 's', '1d', 'soon'],
  },
  output_format: {
    good: ['JSONL', 'PARQUET', 'CSV', ['JSONL', 'CSV'], ['CSV', 'CSV']],
    bad: ['XLSX', 'jsonl', [], ['XLSX'], ''],
  },
  export_layout: { good: ['columns', 'json'], bad: ['rows'] },
  partition_strategy: { good: ['none', 'timestamp', 'field:topic', 'field:a.b'], bad: ['field:', 'topic', 'date', ''] },
  checkpoint_interval: { good: ['auto', 1, 10_000], bad: [0, -1, 1.5, 'often'] },
  concurrency: { good: ['auto', 1, 16_384], bad: [0, 16_385, 1.5, 'many'] },
  budget_scope: { good: ['all', 'models'], bad: ['some'] },
  priority: { good: [0, 5, 10], bad: [-1, 11, 1.5] },
  max_workers: { good: [1, 10_000], bad: [0, 10_001, 1.5] },
  task: {
    good: [
      {},
      { cpus: 0.5, memory: '1GiB', spot_policy: 'spotFirst' },
      { memory: '512 MB' },
      { spot_policy: 'onDemand' },
    ],
    bad: [[], { cpus: 0 }, { memory: '1' }, { memory: '1TiB' }, { spot_policy: 'cheap' }, { gpu: 1 }],
  },
};

const modelKeys: Record<string, { good: unknown[]; bad: unknown[]; with?: Record<string, unknown> }> = {
  provider: { good: ['openai', 'bedrock', 'llama', 'rehearsal', 'replay'], bad: ['acme', '', null] },
  model: { good: ['gpt-4o', 'a:b/c'], bad: ['', 1, null] },
  max_tokens: { good: [1, 1_000_000], bad: [0, 1_000_001, 1.5] },
  temperature: { good: [0, 0.7, 2], bad: [-0.1, 2.1, 'hot'] },
  timeout_s: { good: [0.1, 3600], bad: [0, -1, 3601, '120s'] },
  base_url: { good: ['http://127.0.0.1:1/v1', 'https://h/v1'], bad: ['ftp://h', 'h:1', ''] },
  api_key_env: { good: ['MY_KEY', '_k1'], bad: ['sk-123', '1K', 'A B', ''] },
  region: { good: ['us-east-1'], bad: ['', 1], with: { provider: 'bedrock' } },
  rpm: { good: [0.5, 60], bad: [0, -1] },
  tpm: { good: [1, 1e9], bad: [0, -1] },
  latency_ms: { good: [0, 600_000], bad: [-1, 600_001], with: { provider: 'rehearsal' } },
  token_field: { good: ['max_tokens', 'max_completion_tokens'], bad: ['tokens'] },
  headers: { good: [{}, { 'x-a': 'b' }], bad: [{ 'x-a': 1 }, ['x'], 'x-a: b'] },
  query: { good: [{}, { a: 'b' }], bad: [{ a: 1 }, 'a=b'] },
  extra_body: { good: [{}, { top_p: 0.5, stop: ['x'] }], bad: ['{}', []] },
  path: { good: ['r.jsonl'], bad: ['', 1], with: { provider: 'replay' } },
  context_size: { good: [128, 131_072], bad: [127, 131_073, 1.5], with: { provider: 'llama' } },
  threads: { good: [1, 256], bad: [0, 257], with: { provider: 'llama' } },
  price: {
    good: [
      { input: 0, output: 0 },
      { input: '0.15', output: 0.6, cache_read: 0, cache_write: '$1' },
    ],
    bad: [{}, { input: 1 }, { input: -1, output: 1 }, { input: 1, output: 'x' }, { input: 1, output: 1, cached: 1 }, 5],
  },
};

describe('every key', () => {
  test('of a job file, and of a model, is in the tables', () => {
    expect(Object.keys(keys).sort()).toEqual(Object.keys(jobFileSchema.shape).sort());
    const of = jobFileSchema.shape.models.unwrap().valueType;
    expect(Object.keys(modelKeys).sort()).toEqual(Object.keys(of.shape).sort());
  });

  test.each(Object.entries(keys))('%s', (key, { good, bad }) => {
    for (const value of good) expect(problemsOf({ [key]: value }), JSON.stringify(value)).toEqual([]);
    for (const value of bad) {
      const [problem] = problemsOf({ [key]: value });
      expect(problem?.path, JSON.stringify(value)).toMatch(new RegExp(`^${key}\\b`));
      expect(problem?.hint).not.toBe('');
    }
  });

  test.each(Object.entries(modelKeys))('models.<alias>.%s', (key, { good, bad, with: more }) => {
    for (const value of good) expect(ofModel({ ...more, [key]: value }), JSON.stringify(value)).toEqual([]);
    for (const value of bad) {
      const [problem] = ofModel({ ...more, [key]: value });
      expect(problem?.path, JSON.stringify(value)).toMatch(new RegExp(`^models\\.m\\.${key}\\b`));
    }
  });
});

describe('what is missing', () => {
  test.each(['name', 'seed_data_path', 'num_records'])('%s is named', (key) => {
    const { [key]: _, ...rest } = least as Record<string, unknown>;
    expect(parseJobFile(rest).problems).toMatchObject([{ path: key, reason: 'MISSING_KEY' }]);
  });

  test.each(['provider', 'model'])('%s of a model is named', (key) => {
    const { [key]: _, ...rest } = model as Record<string, unknown>;
    expect(problemsOf({ models: { m: rest } })[0]).toMatchObject({ path: `models.m.${key}` });
  });

  test('the rest has defaults elsewhere', () => {
    expect(parseJobFile(least)).toEqual({ job: least, problems: [] });
  });
});

describe('relations', () => {
  test('exactly one of template and template_id', () => {
    const { template: _, ...without } = least;
    for (const file of [{ ...least, template_id: 'poem' }, without]) {
      expect(parseJobFile(file).problems).toMatchObject([{ path: 'template', reason: 'BAD_JOB_FILE' }]);
    }
    expect(parseJobFile({ ...without, template_id: 'poem' }).problems).toEqual([]);
  });

  test.each([
    ['bedrock', { base_url: 'http://h/v1', extra_body: { top_p: 1 } }, ['base_url', 'extra_body']],
    ['openai', { region: 'us-east-1', path: 'x', latency_ms: 1 }, ['region', 'latency_ms', 'path']],
    ['llama', { headers: {}, region: 'x' }, ['headers', 'region']],
  ])('a key that provider %s would do nothing with is refused', (provider, change, refused) => {
    const problems = ofModel({ provider, ...change });
    expect(problems.map((p) => p.path).sort()).toEqual(refused.map((key) => `models.m.${key}`).sort());
    expect(problems.every((p) => p.reason === 'BAD_JOB_FILE')).toBe(true);
  });

  test.each(['rehearsal', 'replay'])('%s stands for any other, and takes all its keys', (provider) => {
    const all = Object.fromEntries(Object.entries(modelKeys).map(([key, { good }]) => [key, good[0]]));
    expect(ofModel({ ...all, provider })).toEqual([]);
  });
});

describe('unknown keys', () => {
  test.each([
    [{ num_recods: 5 }, 'num_recods', 'num_records'],
    [{ Budget_Limit: 5 }, 'Budget_Limit', 'budget_limit'],
    [{ colour: 'red' }, 'colour', null],
    [{ models: { m: { ...model, temprature: 1 } } }, 'models.m.temprature', 'temperature'],
    [
      { models: { m: { ...model, price: { input: 1, output: 1, cache_reads: 1 } } } },
      'models.m.price.cache_reads',
      'cache_read',
    ],
    [{ task: { cpu: 1 } }, 'task.cpu', 'cpus'],
  ])('%j is refused at %s, near %s', (change, path, near) => {
    const found = problemsOf(change);
    expect(found).toMatchObject([{ path, reason: 'UNKNOWN_KEY' }]);
    if (near !== null) expect(found[0]?.hint).toContain(`"${near}"`);
  });

  test('names of the language itself are keys like any other', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const file = JSON.parse(`{"${key}": {"budget_limit": 1}}`) as Record<string, unknown>;
      const value = Object.defineProperty({ ...least }, key, { value: file[key], enumerable: true });
      expect(parseJobFile(value).problems, key).toMatchObject([{ path: key, reason: 'UNKNOWN_KEY' }]);
    }
  });

  test('all problems of a file come at once', () => {
    const found = problemsOf({ num_records: 0, budget_limit: 'x', colour: 1, models: { m: { provider: 'acme' } } });
    expect(found.map((p) => p.path).sort()).toEqual([
      'budget_limit',
      'colour',
      'models.m.model',
      'models.m.provider',
      'num_records',
    ]);
  });
});

test.each([[null], ['text'], [3], [[least]], [undefined]])('%j is no job file', (value) => {
  expect(parseJobFile(value)).toMatchObject({ problems: [{ path: '', reason: 'BAD_JOB_FILE' }] });
});

test('whatever it is given, it answers with a job or with problems that have a path and a hint', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(keys)), fc.string()), fc.jsonValue()),
      (change) => {
        const { job, problems } = parseJobFile({ ...least, ...change });
        expect(job === undefined).toBe(problems.length > 0);
        for (const p of problems) {
          expect(p.path).toBeTypeOf('string');
          expect(p.message).not.toBe('');
          expect(p.hint ?? '').not.toBe('');
        }
      },
    ),
  );
});

test('a value that is refused is shown, but no object', () => {
  expect(problemsOf({ num_records: 'many' })[0]?.message).toContain('"many"');
  expect(problemsOf({ num_records: { key: 'sk-secret' } })[0]?.message).not.toContain('secret');
});

test('durations are in ms; a number is seconds', () => {
  expect(['500ms', '30s', '2m', '1h', '1.5s', 30, 0.25].map(durationMs)).toEqual([
    500, 30_000, 120_000, 3_600_000, 1_500, 30_000, 250,
  ]);
});

test('paths are written as in the file', () => {
  expect(fieldPath(['template', 'steps', 2, 'id'])).toBe('template.steps[2].id');
  expect(fieldPath([])).toBe('');
});

test('the nearest key is at most two edits away', () => {
  expect(nearest('modles', ['models', 'max_workers'])).toBe('models');
  expect(nearest('mdls', ['models'])).toBe('models');
  expect(nearest('mdl', ['models'])).toBeNull();
  expect(nearest('x'.repeat(1_000), ['models'])).toBeNull();
});
