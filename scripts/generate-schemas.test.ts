// SPDX-License-Identifier: Apache-2.0
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { schemas } from './generate-schemas.ts';

type Validator = ((value: unknown) => boolean) & { errors?: unknown };
interface AjvModule {
  Ajv2020: new (options: object) => { compile(schema: object): Validator };
}

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const made = schemas();
// The version that core uses; the root has an older one for its linter.
const { Ajv2020 } = createRequire(join(ROOT, 'packages/core/package.json'))('ajv/dist/2020') as AjvModule;
const validator = (file: string) =>
  new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(made.get(file) ?? '') as object);

test('what is committed is what the sources make', () => {
  expect(readdirSync(join(ROOT, 'schemas')).sort()).toEqual([...made.keys()].sort());
  for (const [file, text] of made) expect(readFileSync(join(ROOT, 'schemas', file), 'utf8'), file).toBe(text);
});

describe('the examples fit', () => {
  const read = (path: string): unknown => parse(readFileSync(join(ROOT, 'examples', path), 'utf8'));
  const [job, template] = [validator('job-file.schema.json'), validator('template.schema.json')];
  test.each(globSync('**/job*.yaml', { cwd: join(ROOT, 'examples') }))('%s', (path) => {
    expect(job(read(path)), JSON.stringify(job.errors)).toBe(true);
  });
  test.each(globSync('*/*/template.yaml', { cwd: join(ROOT, 'examples') }).concat('spam/template.yaml'))(
    '%s',
    (path) => {
      expect(template(read(path)), JSON.stringify(template.errors)).toBe(true);
    },
  );
});

test('what does not fit is refused', () => {
  const job = validator('job-file.schema.json');
  const good = { name: 'a', template: 't.yaml', seed_data_path: 's.jsonl', num_records: 1, budget_limit: 1 };
  expect(job(good)).toBe(true);
  for (const bad of [
    { ...good, num_recods: 1 },
    { ...good, num_records: 0 },
    { ...good, name: '../x' },
    { ...good, output_format: 'XLSX' },
    { name: 'a' },
  ]) {
    expect(job(bad), JSON.stringify(bad)).toBe(false);
  }
});

test('docs/job-file.md names every key of a job file and of a model', () => {
  const text = readFileSync(join(ROOT, 'docs/job-file.md'), 'utf8');
  const schema = JSON.parse(made.get('job-file.schema.json') ?? '') as {
    properties: Record<string, { additionalProperties?: { properties: object } }>;
  };
  const keys = [
    ...Object.keys(schema.properties),
    ...Object.keys(schema.properties['models']?.additionalProperties?.properties ?? {}),
  ];
  expect(keys.length).toBeGreaterThan(35);
  for (const key of keys) expect(text, key).toContain(`\`${key}\``);
});
