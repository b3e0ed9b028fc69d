// SPDX-License-Identifier: Apache-2.0
// The published JSON Schemas against what a real job leaves behind: every document, every line, no field unnamed.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { generate } from '@stint/runtime';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobFile, TOPICS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

const FOLDER = fileURLToPath(new URL('../../../schemas/', import.meta.url));
let bench: Workbench;
let stub: StubModelServer;

const TEMPLATE = {
  template: {
    id: 'all',
    name: 'All kinds of steps',
    version: 1,
    steps: [
      { id: 'ask', model: 'm', prompt: '{{ topic }}', system: 'Be brief.', expect: { max_length: 10_000 } },
      {
        id: 'facts',
        model: 'm',
        prompt: 'Facts of {{ steps.ask.output }}',
        output: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } },
      },
      { id: 'dice', sample: { type: 'integer', low: 1, high: 6 } },
      { id: 'even', when: 'record.index % 2 == 0', compute: 'record.index' },
      { id: 'again', when: 'record.index % 2 == 1', model: 'm', prompt: 'Again {{ topic }}', temperature: 0 },
    ],
  },
};
const JOB = (url: string) =>
  jobFile(url, {
    output_format: ['JSONL', 'PARQUET', 'CSV'],
    partition_strategy: 'field:topic',
    max_failures: 30,
    task: { cpus: 0.5, memory: '1GiB', spot_policy: 'spotFirst' },
  });

beforeAll(async () => {
  bench = workbench();
  bench.yaml('template.yaml', TEMPLATE);
  bench.write('seeds.jsonl', TOPICS);
  stub = await startStubModelServer({
    price: { input: 1, output: 2 },
    badFor: [
      { pattern: '"topic 3"', times: 3, text: '' },
      { pattern: '"topic 4"', text: '' },
    ],
    cachedTokens: 1,
  });
  const job = bench.yaml('job.yaml', JOB(stub.url));
  const whole = await generate({ jobPath: job, out: 'out', env: {}, cwd: bench.dir });
  expect(whole).toMatchObject({ exitCode: 0 });
  // Without a report of usage a record says so.
  stub.set({ omitUsage: true });
  const more = await generate({ jobPath: job, out: 'out', numRecords: 22, env: {}, cwd: bench.dir });
  expect(more).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await stub.close();
  bench.dispose();
});

/** Objects with named properties have no others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

function check(name: string, documents: unknown[]): void {
  const schema = closed(JSON.parse(readFileSync(`${FOLDER}${name}.schema.json`, 'utf8'))) as object;
  const validate = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    allErrors: true,
    formats: { uri: true },
  }).compile(schema);
  expect(documents.length, name).toBeGreaterThan(0);
  for (const doc of documents)
    expect(validate(doc) ? [] : validate.errors, JSON.stringify(doc).slice(0, 300)).toEqual([]);
}

const json = (path: string): unknown => JSON.parse(readFileSync(bench.path('out', path), 'utf8'));
const lines = (path: string): unknown[] =>
  readFileSync(bench.path('out', path), 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l) as unknown);

test('job file and template', () => {
  check('job-file', [JOB('http://127.0.0.1:1/v1')]);
  check('template', [TEMPLATE]);
});

test('job.json, checkpoints, manifest', () => {
  check('job', [json('job.json')]);
  check('checkpoint', [json('checkpoint.json')]);
  check('shard-checkpoint', [json('shards/0/checkpoint.json')]);
  check('manifest', [json('exports/manifest.json')]);
});

test('records and rejects, line by line', () => {
  const records = lines('exports/dataset.jsonl');
  check('record', records);
  expect(JSON.stringify(records)).toMatch(/"tries":.*"usage_reported":false/s);
  expect(JSON.stringify(records)).toMatch(
    /"cache_read_tokens":1.*"skipped":true|"skipped":true.*"cache_read_tokens":1/s,
  );
  check(
    'reject',
    readdirSync(bench.path('out/rejects')).flatMap((f) => lines(`rejects/${f}`)),
  );
});
