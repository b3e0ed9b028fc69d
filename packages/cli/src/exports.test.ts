// SPDX-License-Identifier: Apache-2.0
// The finished files, read back by readers that are not ours: hyparquet and csv-parse always, DuckDB and pandas where
// STINT_TEST_PYTHON names a Python that has them (`.ci/run` does).
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import type { DatasetRecord, Manifest } from '@stint/core';
import { exportDataset, generate, resume, status, verify } from '@stint/runtime';
import type { JobSummary } from '@stint/runtime';
import { parse as parseCsv } from 'csv-parse/sync';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { dataset, jobFile, TOPICS, until, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

const PYTHON = process.env['STINT_TEST_PYTHON'];
const FORMULA = '=HYPERLINK("http://evil","x"), with a comma\nand a line';

const TEMPLATE = {
  template: {
    id: 'wide',
    steps: [
      { id: 'free', model: 'm', prompt: 'Say {{ topic }}' },
      {
        id: 'facts',
        model: 'made',
        prompt: 'Facts on {{ topic }}',
        output: {
          type: 'object',
          additionalProperties: false,
          required: ['title', 'count', 'share', 'sure', 'tags', 'place'],
          properties: {
            title: { type: 'string', maxLength: 20 },
            count: { type: 'integer', minimum: 1, maximum: 9 },
            share: { type: 'number', minimum: 0, maximum: 1 },
            sure: { type: 'boolean' },
            tags: { type: 'array', items: { type: 'string', maxLength: 10 }, minItems: 1, maxItems: 3 },
            place: {
              type: 'object',
              additionalProperties: false,
              required: ['city', 'at'],
              properties: {
                city: { type: ['string', 'null'], maxLength: 9 },
                at: { type: 'array', items: { type: 'number', minimum: 0, maximum: 9 }, minItems: 2, maxItems: 2 },
              },
            },
          },
        },
      },
      { id: 'even', when: 'record.index % 2 == 0', compute: '{"index": record.index, "twice": record.index * 2}' },
      { id: 'dice', sample: { type: 'integer', low: 1, high: 6 } },
      { id: 'when', sample: { type: 'datetime', start: '2026-01-01', end: '2026-12-31' } },
    ],
  },
};
const MODELS = (url: string) => ({
  m: { provider: 'openai', base_url: url, model: 'stub', max_tokens: 50, price: { input: 1, output: 2 } },
  made: { provider: 'rehearsal', model: 'llama-3.1-8b', max_tokens: 200 },
});

let bench: Workbench;
let stub: StubModelServer;
let rows: DatasetRecord[];
let manifest: Manifest;
const out = (...parts: string[]): string => bench.path('out', ...parts);

beforeAll(async () => {
  bench = workbench();
  bench.yaml('template.yaml', TEMPLATE);
  bench.write(
    'seeds.jsonl',
    TOPICS.replace('topic 1"', 'to/pic 1"').replace('"topic 2"', 'null').replace('"topic 3"', '"@x"'),
  );
  stub = await startStubModelServer({ price: { input: 1, output: 2 }, text: FORMULA });
  const job = bench.yaml(
    'job.yaml',
    jobFile(stub.url, {
      models: MODELS(stub.url),
      output_format: ['JSONL', 'PARQUET', 'CSV'],
      partition_strategy: 'field:topic',
      num_records: 25,
    }),
  );
  const { exitCode, body } = await generate({ jobPath: job, out: 'out', env: {}, cwd: bench.dir });
  expect(exitCode, JSON.stringify(body)).toBe(0);
  rows = dataset(out());
  manifest = JSON.parse(readFileSync(out('exports/manifest.json'), 'utf8')) as Manifest;
});
afterAll(async () => {
  await stub.close();
  bench.dispose();
});

const parquet = async (path: string): Promise<Record<string, unknown>[]> =>
  (await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })) as Record<string, unknown>[];
const csv = (path: string): Record<string, string>[] =>
  parseCsv<Record<string, string>>(readFileSync(path), { columns: true });
/** BigInt as number, undefined as null: what a reader of Parquet gives, as JSON has it. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_k, v: unknown) => (typeof v === 'bigint' ? Number(v) : v)));

describe('the three formats agree', () => {
  test('Parquet has the rows of JSONL, in order, nested types and all', async () => {
    const read = await parquet(out('exports/dataset.parquet'));
    expect(read).toHaveLength(25);
    for (const [i, row] of read.entries()) {
      const r = rows[i] as DatasetRecord;
      expect(plain([row['id'], row['index'], row['seed_index'], row['seed_data_keys']])).toEqual([
        r.id,
        r.index,
        r.seed_index,
        r.seed_data_keys,
      ]);
      const result = plain(row['generation_result']) as Record<string, Record<string, unknown>>;
      expect(result['free']).toMatchObject({ prompt: r.generation_result['free']?.prompt, output: FORMULA });
      expect(result['facts']?.['json']).toEqual(r.generation_result['facts']?.json);
      expect(Array.isArray((result['facts']?.['json'] as { tags: unknown }).tags)).toBe(true);
      expect(result['facts']?.['usage']).toMatchObject(r.generation_result['facts']?.usage ?? {});
      expect(result['dice']?.['json']).toBe(r.generation_result['dice']?.json);
      expect(result['even']?.['skipped'] ?? false).toBe(i % 2 === 1);
      if (i % 2 === 0) expect(JSON.parse(result['even']?.['json'] as string)).toEqual({ index: i, twice: 2 * i });
    }
  });

  test('CSV has them with dotted columns, JSON text for lists and objects, and no formulas', () => {
    const read = csv(out('exports/dataset.csv'));
    expect(read).toHaveLength(25);
    for (const [i, row] of read.entries()) {
      const r = rows[i] as DatasetRecord;
      expect(row['id']).toBe(r.id);
      expect(Number(row['index'])).toBe(r.index);
      expect(row['generation_result.free.output']).toBe(`'${FORMULA}`);
      expect(row['generation_result.free.prompt']).toBe(r.generation_result['free']?.prompt);
      expect(JSON.parse(row['generation_result.facts.json'] ?? '')).toEqual(r.generation_result['facts']?.json);
      expect(Number(row['generation_result.dice.json'])).toBe(r.generation_result['dice']?.json);
      expect(Number(row['generation_result.free.cost_usd'])).toBeCloseTo(
        r.generation_result['free']?.cost_usd ?? -1,
        12,
      );
    }
    expect(Object.keys(read[0] ?? {}).some((c) => /^[=+\-@]/.test(c))).toBe(false);
    for (const row of read) for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+@\t\r]|^-\D/);
  });

  test('the manifest commits exactly what is there', () => {
    expect(manifest.rows).toBe(25);
    for (const f of manifest.files) expect(statSync(out(f.path)).size).toBe(f.bytes);
    const whole = manifest.files.filter((f) => !f.partition).map((f) => f.path);
    expect(whole).toEqual(
      ['dataset.jsonl', 'dataset.parquet', 'dataset.csv', 'README.md', 'report.html'].map((f) => `exports/${f}`),
    );
  });

  test('partitions by a field: Hive folders, percent-encoded, null apart, together the whole', async () => {
    const parts = manifest.files.filter((f) => f.partition && f.format === 'JSONL');
    const values = parts.map((f) => f.partition?.value ?? null);
    expect(new Set(values).size).toBe(10);
    expect(values).toContain(null);
    const folders = parts.map((f) => f.path.split('/')[2]);
    expect(folders).toContain('topic=__HIVE_DEFAULT_PARTITION__');
    expect(folders).toContain('topic=to%2Fpic%201');
    const all = parts.flatMap((f) => readFileSync(out(f.path), 'utf8').trimEnd().split('\n'));
    expect(all.sort()).toEqual(readFileSync(out('exports/dataset.jsonl'), 'utf8').trimEnd().split('\n').sort());
    for (const f of manifest.files.filter((x) => x.partition)) {
      if (f.format === 'PARQUET') expect(await parquet(out(f.path))).toHaveLength(f.rows);
      if (f.format === 'CSV') expect(csv(out(f.path))).toHaveLength(f.rows);
    }
  });
});

describe.skipIf(PYTHON === undefined)('readers in Python', () => {
  const python = (code: string): string => {
    const ran = spawnSync(PYTHON ?? 'python3', ['-c', code, out('exports')], { encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(ran.stderr);
    return ran.stdout.trim();
  };

  test('pandas reads all three, with the same values', () => {
    const said = python(`
import sys, json, pandas as pd
d = sys.argv[1]
j = pd.read_json(d + '/dataset.jsonl', lines=True)
p = pd.read_parquet(d + '/dataset.parquet')
c = pd.read_csv(d + '/dataset.csv')
assert list(j['id']) == list(p['id']) == list(c['id']), 'ids differ'
assert list(j['index']) == list(p['index']) == list(c['index'])
for a, b in zip(j['generation_result'], p['generation_result']):
    assert a['free']['output'] == b['free']['output']
    assert a['facts']['json']['tags'] == list(b['facts']['json']['tags']), (a, b)
    assert a['facts']['json']['count'] == b['facts']['json']['count']
    assert a['facts']['json']['place']['city'] == b['facts']['json']['place']['city']
assert [x['dice']['json'] for x in j['generation_result']] == list(c['generation_result.dice.json'])
print(len(j), len(p), len(c))
`);
    expect(said).toBe('25 25 25');
  });

  test('DuckDB reads them, and the partitions as one Hive dataset', () => {
    const said = python(`
import sys, duckdb
d = sys.argv[1]
q = lambda s: duckdb.sql(s).fetchone()[0]
print(q(f"select count(*) from read_json('{d}/dataset.jsonl', sample_size=-1)"),
      q(f"select count(*) from '{d}/dataset.parquet'"),
      q(f"select count(*) from read_csv('{d}/dataset.csv')"),
      q(f"select count(distinct topic) from read_parquet('{d}/partitioned/*/*.parquet', hive_partitioning=true)"),
      q(f"select sum(generation_result.facts.json.count) from '{d}/dataset.parquet'"))
`);
    const sum = rows.reduce((n, r) => n + (r.generation_result['facts']?.json as { count: number }).count, 0);
    expect(said).toBe(`25 25 25 10 ${sum}`);
  });
});

describe('other ways', () => {
  const run = async (name: string, change: Record<string, unknown>) => {
    const job = bench.yaml(`${name}.yaml`, jobFile(stub.url, { models: MODELS(stub.url), num_records: 12, ...change }));
    const { body } = await generate({ jobPath: job, out: name, env: {}, cwd: bench.dir });
    return body as JobSummary;
  };
  afterEach(() => stub.set({ text: FORMULA }));

  test('layout json: one JSON text column', async () => {
    await run('json', { export_layout: 'json', output_format: ['JSONL', 'PARQUET', 'CSV'] });
    const read = await parquet(bench.path('json/exports/dataset.parquet'));
    const lines = dataset(bench.path('json'));
    expect(read.map((r) => JSON.parse(r['generation_result'] as string) as unknown)).toEqual(
      lines.map((r) => r.generation_result),
    );
    const cells = csv(bench.path('json/exports/dataset.csv'));
    expect(cells.map((r) => JSON.parse(r['generation_result'] ?? '') as unknown)).toEqual(
      lines.map((r) => r.generation_result),
    );
  });

  test('partitions by date', async () => {
    const s = await run('dated', { partition_strategy: 'timestamp', output_format: ['JSONL', 'CSV'] });
    const m = JSON.parse(readFileSync(bench.path('dated/exports/manifest.json'), 'utf8')) as Manifest;
    const parts = m.files.filter((f) => f.partition);
    expect(parts.every((f) => /^exports\/partitioned\/date=\d{4}-\d\d-\d\d\/records\.(jsonl|csv)$/.test(f.path))).toBe(
      true,
    );
    expect(parts.filter((f) => f.format === 'JSONL').reduce((n, f) => n + f.rows, 0)).toBe(12);
    expect(s.exports).toHaveLength(2);
  });

  test('partitions by a path into the result', async () => {
    await run('path', { partition_strategy: 'field:generation_result.dice.json' });
    const m = JSON.parse(readFileSync(bench.path('path/exports/manifest.json'), 'utf8')) as Manifest;
    const values = new Set(m.files.flatMap((f) => (f.partition ? [f.partition.value] : [])));
    const dice = dataset(bench.path('path')).map((r) => r.generation_result['dice']?.output);
    expect(values).toEqual(new Set(dice));
  });

  test('text that no reader likes: quotes, newlines, NUL, long and right-to-left', async () => {
    const nasty = `"quoted", 'single'\r\n\ttab \u0000 nul \ud83d\ude00 smile \u202e rtl ${'x'.repeat(200_000)}`;
    stub.set({ text: nasty });
    await run('nasty', { output_format: ['JSONL', 'PARQUET', 'CSV'], num_records: 3 });
    const lines = dataset(bench.path('nasty')).map((r) => r.generation_result['free']?.output);
    expect(lines).toEqual([nasty, nasty, nasty]);
    const read = await parquet(bench.path('nasty/exports/dataset.parquet'));
    expect(read.map((r) => (r['generation_result'] as { free: { output: string } }).free.output)).toEqual(lines);
    expect(csv(bench.path('nasty/exports/dataset.csv')).map((r) => r['generation_result.free.output'])).toEqual(lines);
  });

  test('half an emoji and a line separator: all three formats, with U+FFFD where a format is UTF-8', async () => {
    stub.set({ text: 'a\u2028b\u2029 \ud83d' });
    await run('half', { output_format: ['JSONL', 'PARQUET', 'CSV'], num_records: 3 });
    const said = 'a\u2028b\u2029 \ufffd';
    const lines = dataset(bench.path('half')).map((r) => r.generation_result['free']?.output);
    expect(lines).toEqual(Array(3).fill('a\u2028b\u2029 \ud83d'));
    const read = await parquet(bench.path('half/exports/dataset.parquet'));
    expect(read.map((r) => (r['generation_result'] as { free: { output: string } }).free.output)).toEqual(
      Array(3).fill(said),
    );
    expect(csv(bench.path('half/exports/dataset.csv')).map((r) => r['generation_result.free.output'])).toEqual(
      Array(3).fill(said),
    );
  });

  test('a call whose usage was not told says so in every format', async () => {
    stub.set({ omitUsage: true });
    await run('untold', { output_format: ['JSONL', 'PARQUET', 'CSV'], num_records: 1 });
    stub.set({ omitUsage: false });
    expect(dataset(bench.path('untold'))[0]?.generation_result['free']?.usage_reported).toBe(false);
    const [row] = await parquet(bench.path('untold/exports/dataset.parquet'));
    expect(row?.['generation_result']).toMatchObject({
      free: { usage_reported: false },
      facts: { usage_reported: null },
    });
    const [cells] = csv(bench.path('untold/exports/dataset.csv'));
    expect(cells).toMatchObject({
      'generation_result.free.usage_reported': 'false',
      'generation_result.facts.usage_reported': '',
    });
  });

  test('a FAILED job is exported on demand, whatever its rejected answers hold', async () => {
    stub.set({ text: 'no\u2028no' });
    const template = bench.yaml('strict.yaml', {
      template: { id: 's', steps: [{ id: 'free', model: 'm', prompt: '{{ topic }}', expect: { regex: '^yes' } }] },
    });
    expect(await run('failed', { template, max_failures: 2 })).toMatchObject({ status: 'FAILED', records: { ok: 0 } });
    const { exitCode } = await exportDataset({ dir: 'failed', env: {}, cwd: bench.dir });
    expect(exitCode).toBe(0);
    expect(readFileSync(bench.path('failed/exports/report.html'), 'utf8')).toContain('REGEX');
  });

  test('a job without rows writes valid empty files', async () => {
    const s = await run('empty', {
      budget_limit: 0.000000001,
      output_format: ['JSONL', 'PARQUET', 'CSV'],
      partition_strategy: 'timestamp',
    });
    expect(s).toMatchObject({ status: 'BUDGET_EXCEEDED', records: { ok: 0 } });
    expect(s.exports.map((e) => e.rows)).toEqual([0, 0, 0]);
    expect(await parquet(bench.path('empty/exports/dataset.parquet'))).toEqual([]);
    expect(csv(bench.path('empty/exports/dataset.csv'))).toEqual([]);
    expect(readFileSync(bench.path('empty/exports/dataset.csv'), 'utf8')).toContain('generation_result.free.output');
  });

  test('exported again in other formats: the old files go, the manifest says what is there', async () => {
    await run('again', { output_format: ['JSONL', 'CSV'] });
    const { exitCode } = await exportDataset({ dir: 'again', formats: ['parquet'], env: {}, cwd: bench.dir });
    expect(exitCode).toBe(0);
    expect(existsSync(bench.path('again/exports/dataset.csv'))).toBe(false);
    const m = JSON.parse(readFileSync(bench.path('again/exports/manifest.json'), 'utf8')) as Manifest;
    expect(m.files.map((f) => f.format)).toEqual(['PARQUET', 'README', 'REPORT']);
    expect(await exportDataset({ dir: 'again', formats: ['xlsx'], env: {}, cwd: bench.dir })).toMatchObject({
      exitCode: 2,
    });
  });

  test('a death while an export is replaced leaves no manifest: the same command writes it again, and calls nothing', async () => {
    await run('torn', { output_format: ['JSONL', 'CSV'] });
    const before = stub.stats().accepted;
    const resumed = () => resume({ dir: 'torn', env: {}, cwd: bench.dir });
    for (const again of [() => run('torn', { output_format: ['JSONL', 'CSV'] }), resumed]) {
      const manifest = bench.path('torn/exports/manifest.json');
      // Without a loss of power there is none; with one it may be empty.
      if (again === resumed) rmSync(manifest);
      else writeFileSync(manifest, '');
      rmSync(bench.path('torn/exports/dataset.csv'));
      if (again !== resumed)
        expect(await status({ dir: 'torn', env: {}, cwd: bench.dir })).toMatchObject({
          body: { error: { reason: 'DAMAGED', hint: expect.stringContaining('stint export') } },
        });
      await again();
      const { body } = await status({ dir: 'torn', env: {}, cwd: bench.dir });
      expect(body).toMatchObject({ status: 'COMPLETED', exports: [{ format: 'JSONL' }, { format: 'CSV' }] });
      expect(await verify({ dir: 'torn', env: {}, cwd: bench.dir })).toMatchObject({ exitCode: 0 });
    }
    expect(stub.stats().accepted).toBe(before);
  });

  test('many exports of one job at a time: each ends well, and what is there in the end is one of them, whole', async () => {
    await run('crowd', { output_format: ['JSONL', 'CSV'], partition_strategy: 'field:topic' });
    const begin = (format: string) => exportDataset({ dir: 'crowd', formats: [format], env: {}, cwd: bench.dir });
    const first = begin('csv');
    await until(() => readdirSync(bench.path('crowd/.tmp')).length > 0);
    const all = await Promise.all([first, begin('jsonl'), begin('jsonl')]);
    expect(all.map((r) => r.exitCode)).toEqual([0, 0, 0]);
    expect((await verify({ dir: 'crowd', env: {}, cwd: bench.dir })).body).toMatchObject({ ok: true });
    const m = JSON.parse(readFileSync(bench.path('crowd/exports/manifest.json'), 'utf8')) as Manifest;
    const there = readdirSync(bench.path('crowd/exports'), { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile() && e.name !== 'manifest.json')
      .map((e) => `${e.parentPath}/${e.name}`);
    expect(there.sort()).toEqual(m.files.map((f) => bench.path('crowd', f.path)).sort());
    expect(readdirSync(bench.path('crowd/.tmp'))).toEqual([]);
  });

  test('an export that another one overtook is made again, so the newest state wins', async () => {
    await run('late', { output_format: ['JSONL'] });
    const path = bench.path('late/exports/manifest.json');
    const whole = readFileSync(path, 'utf8');
    let begun = 0;
    const overtaken = () => {
      if (begun++ > 0) return;
      // Its temporary folder is made after the look at the old manifest, and long before the look at the new one.
      const whenAtWork = (): unknown =>
        readdirSync(bench.path('late/.tmp')).length === 0
          ? setImmediate(whenAtWork)
          : writeFileSync(path, whole.replace('12', '11'));
      whenAtWork();
    };
    const { exitCode } = await exportDataset({
      dir: 'late',
      env: {},
      cwd: bench.dir,
      events: { exporting: overtaken },
    });
    expect({ exitCode, begun }).toEqual({ exitCode: 0, begun: 2 });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ rows: 12 });
  });

  const many = Array.from({ length: 1_001 }, (_, i) => `{"topic":${i}}`);
  const wide = { num_records: 1_001, sampling: 'sequential', output_format: ['JSONL'], seed_data_path: './many.jsonl' };

  test('too many values of a seed field, the missing one counted, are refused before anything is spent', async () => {
    bench.write('many.jsonl', [...many.slice(1), '{"other":1}'].join('\n'));
    const template = bench.yaml('any.yaml', { template: { id: 'a', steps: [{ id: 'n', compute: 'record.index' }] } });
    const job = { ...wide, template, models: {}, partition_strategy: 'field:topic' };
    const ran = await generate({ jobPath: bench.yaml('m.yaml', jobFile('', job)), out: 'm', env: {}, cwd: bench.dir });
    expect(ran).toMatchObject({ exitCode: 2, body: { error: { reason: 'BAD_PARTITION' } } });
    expect(existsSync(bench.path('m'))).toBe(false);
  });

  test('too many values that only the records show: another strategy in the job file, and the same command exports', async () => {
    bench.write('many.jsonl', many.join('\n'));
    const template = bench.yaml('any.yaml', { template: { id: 'a', steps: [{ id: 'n', compute: 'topic' }] } });
    const change = {
      ...wide,
      template,
      models: {},
      budget_limit: 0,
      partition_strategy: 'field:generation_result.n.json',
    };
    expect(await run('toomany', change)).toMatchObject({
      status: 'QUEUED',
      reason: { reason: 'TOO_MANY_PARTITIONS' },
      records: { ok: 1_001 },
    });
    const once = await run('toomany', { ...change, partition_strategy: 'none' });
    expect(once).toMatchObject({ status: 'COMPLETED', exports: [{ format: 'JSONL', rows: 1_001 }] });
    // A job that is done is exported anew when its formats change.
    const again = await run('toomany', { ...change, partition_strategy: 'none', output_format: ['CSV'] });
    expect(again).toMatchObject({ status: 'COMPLETED', exports: [{ format: 'CSV', rows: 1_001 }] });
    expect(await verify({ dir: 'toomany', env: {}, cwd: bench.dir })).toMatchObject({ exitCode: 0 });
  });
});
