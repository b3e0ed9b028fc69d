// SPDX-License-Identifier: Apache-2.0
// Exports of many records, from batch files as a busy job leaves them: the records of neighbouring files lie mixed.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryObjectStore } from '@stint/contracts';
import type { JobSpec, JsonObject, Manifest, ShardCheckpoint, StepSpec } from '@stint/core';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DuckDbProcess } from './duckdb-process.ts';
import { exportJob } from './export-job.ts';
import type { ExportOptions } from './export-job.ts';
import { checkManifest } from './check-manifest.ts';

const JOB = 'many-0123456789';
const SHARD = 10_000;
/** More than two pieces. */
const MANY = 45_000;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-export-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

type Result = (index: number) => JsonObject;
const plain: Result = (index) => ({ ask: { prompt: `p ${index}`, output: `say "${index}"`, model: 'm' } });
const ASK: StepSpec = { id: 'ask', model: 'm', prompt: 'x' };

const lineOf = (index: number, result: Result): string =>
  JSON.stringify({
    id: `${JOB}-${index}`,
    job_id: JOB,
    index,
    attempt: 1,
    seed_index: index % 7,
    seed_data_keys: null,
    timestamp: '2026-11-25T00:00:00.000Z',
    generation_result: result(index),
  });

/** Shards of `count` records in files of about 1,500, the last 200 of each file mixed with the next one's first. */
async function committed(count: number, result: Result = plain) {
  const store = memoryObjectStore();
  const shards: ShardCheckpoint[] = [];
  const lines: string[] = [];
  for (let shard = 0; shard * SHARD < count; shard++) {
    const files = new Map<number, number[]>();
    for (let index = shard * SHARD; index < Math.min(count, (shard + 1) * SHARD); index++) {
      lines.push(lineOf(index, result));
      const file = Math.floor((index + ((index * 7_919) % 200)) / 1_500);
      files.set(file, [...(files.get(file) ?? []), index]);
    }
    const batches = [];
    for (const [file, indices] of files) {
      const body = Buffer.from(indices.map((i) => `${lines[i] ?? ''}\n`).join(''));
      const key = `outputs/${shard}-${file}.jsonl`;
      await store.put(key, body, { create: true });
      const ranges = rangesOf(indices);
      batches.push({ key, rows: indices.length, bytes: body.length, sha256: '0'.repeat(64), ranges });
    }
    const ok = rangesOf([...files.values()].flat().sort((a, b) => a - b));
    shards.push({ shard, job_id: JOB, batches, ok } as unknown as ShardCheckpoint);
  }
  return { store, shards, lines };
}

function rangesOf(indices: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const i of indices) {
    const last = ranges.at(-1);
    if (last?.[1] === i - 1) last[1] = i;
    else ranges.push([i, i]);
  }
  return ranges;
}

function options(from: { store: ExportOptions['store']; shards: ShardCheckpoint[] }, steps: StepSpec[] = [ASK]) {
  return {
    dir,
    temporary: join(dir, 'tmp'),
    exclusively: (place: () => void) => {
      place();
    },
    spec: {
      name: 'many',
      job_id: JOB,
      stint_version: '0.1.0',
      engine: { sampling: 1, templates: 1 },
      sampling: 'shuffle',
      export_layout: 'columns',
      partition_strategy: 'none',
      template: { spec: { steps }, files: [] },
      seeds: { rows: 7, sha256: '0'.repeat(64) },
      models: { m: { model: 'm', provider: 'rehearsal' } },
    } as unknown as JobSpec,
    status: 'COMPLETED',
    ...from,
    formats: ['JSONL', 'PARQUET', 'CSV'] as const,
    clockIso: '2026-11-25T00:00:00.000Z',
    signal: new AbortController().signal,
  };
}

const path = (format: string): string => join(dir, 'exports', `dataset.${format}`);
const parquet = async (): Promise<Record<string, unknown>[]> =>
  (await parquetReadObjects({ file: await asyncBufferFromFile(path('parquet')), compressors })) as Record<
    string,
    unknown
  >[];
const rowGroups = async () => (await parquetMetadataAsync(await asyncBufferFromFile(path('parquet')))).row_groups;
const csvColumn = (n: number): string[] =>
  readFileSync(path('csv'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(',')[n] ?? '');

test('pieces become one file of each format: every record once, in order of index, the same in all three', async () => {
  const from = await committed(MANY);
  const manifest = await exportJob(options(from));
  expect(readFileSync(path('jsonl'), 'utf8')).toBe(from.lines.map((l) => `${l}\n`).join(''));
  const rows = (await parquet()) as { index: bigint; generation_result: { ask: JsonObject } }[];
  expect(rows.map((r) => Number(r.index))).toEqual(from.lines.map((_, i) => i));
  expect(rows.map(({ generation_result: { ask } }) => [ask['prompt'], ask['output'], ask['model']])).toEqual(
    from.lines.map((_, i) => [`p ${i}`, `say "${i}"`, 'm']),
  );
  const groups = await rowGroups();
  expect(groups.length).toBeGreaterThan(2);
  expect(groups.reduce((n, g) => n + Number(g.num_rows), 0)).toBe(MANY);
  expect(csvColumn(2)).toEqual(['index', ...from.lines.map((_, i) => String(i))]);
  expect(manifest.rows).toBe(MANY);
  expect(await checkManifest(dir, manifest)).toEqual([]);
  expect(readdirSync(dir)).toEqual(['exports']);
});

test('DuckDB finds every value of a joined file, by its bloom filters and statistics too', async () => {
  const from = await committed(MANY, (i) => ({
    ask: { prompt: `p ${i}`, output: `one of ${i % 50}`, model: `m${i % 3}` },
  }));
  await exportJob(options(from));
  const duckDb = new DuckDbProcess();
  const ask = (sql: string) => duckDb.run(sql.replace('FILE', `'${path('parquet')}'`), new AbortController().signal);
  try {
    expect(await ask(`SELECT count(*) FROM FILE WHERE job_id = '${JOB}'`)).toEqual([[String(MANY)]]);
    expect(await ask(`SELECT count(*) FROM FILE WHERE job_id = 'other'`)).toEqual([['0']]);
    expect(await ask(`SELECT count(*) FROM FILE WHERE generation_result.ask.output = 'one of 7'`)).toEqual([['900']]);
    expect(await ask(`SELECT index FROM FILE WHERE id = '${JOB}-44321'`)).toEqual([['44321']]);
    const filters = await ask(
      `SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe(FILE, 'job_id', '${JOB}')`,
    );
    expect(filters.length).toBeGreaterThan(2);
    expect(filters.every(([, excludes]) => excludes === false)).toBe(true);
    const others = await ask(`SELECT bloom_filter_excludes FROM parquet_bloom_probe(FILE, 'job_id', 'other')`);
    expect(others.every(([excludes]) => excludes === true)).toBe(true);
  } finally {
    await duckDb.stop();
  }
});

const FACTS: StepSpec = {
  id: 'facts',
  model: 'm',
  prompt: 'x',
  output: { type: 'object', properties: { n: { type: 'integer' } } },
};

test.each([
  ['a key that its schema does not name', { n: 1, more: [1] }],
  ['a value of another type', { n: 'not a number' }],
])('%s in the last of many records: the column is JSON text in all of them', async (_, odd) => {
  const result: Result = (i) => ({ facts: { prompt: 'p', output: '', json: i === MANY - 1 ? odd : { n: i } } });
  const from = await committed(MANY, result);
  const manifest = await exportJob(options(from, [FACTS]));
  const rows = (await parquet()) as { generation_result: { facts: { json: string } } }[];
  expect(rows.map((r) => JSON.parse(r.generation_result.facts.json) as unknown)).toEqual(
    from.lines.map((_line, i) => (i === MANY - 1 ? odd : { n: i })),
  );
  expect(manifest.columns?.['generation_result']).toContain('"json" VARCHAR');
  expect(readFileSync(path('jsonl'), 'utf8')).toBe(from.lines.map((l) => `${l}\n`).join(''));
  expect(csvColumn(2)).toEqual(['index', ...from.lines.map((_line, i) => String(i))]);
});

test('typed columns stay typed where every value fits', async () => {
  const from = await committed(MANY, (i) => ({ facts: { prompt: 'p', output: '', json: { n: i } } }));
  await exportJob(options(from, [FACTS]));
  const rows = (await parquet()) as { generation_result: { facts: { json: { n: bigint } } } }[];
  expect(rows.map((r) => Number(r.generation_result.facts.json.n))).toEqual(from.lines.map((_, i) => i));
});

test('one record of 20 MB among small ones', async () => {
  const huge = 'x'.repeat(20_000_000);
  const from = await committed(3_000, (i) => ({
    ask: { prompt: 'p', output: i === 1_234 ? huge : `o ${i}`, model: 'm' },
  }));
  await exportJob(options(from));
  const rows = (await parquet()) as { generation_result: { ask: { output: string } } }[];
  expect(rows).toHaveLength(3_000);
  expect(rows[1_234]?.generation_result.ask.output === huge).toBe(true);
  expect(rows[2_999]?.generation_result.ask.output).toBe('o 2999');
});

test.each([[1_000], [44_000]])(
  'a batch file that is cut at record %i: DAMAGED, and the earlier export stays',
  async (at) => {
    const whole = await committed(MANY);
    const before = await exportJob(options(whole));
    const cut = await committed(MANY);
    const batch = cut.shards.flatMap((s) => s.batches).find((b) => b.ranges.some(([a, z]) => a <= at && at <= z));
    const key = batch?.key ?? '';
    const { body, etag } = await cut.store.get(key);
    await cut.store.put(key, body.subarray(0, body.length >> 1), { etag });
    await expect(exportJob(options(cut))).rejects.toMatchObject({
      reason: 'DAMAGED',
      info: { details: { file: key } },
    });
    expect(JSON.parse(readFileSync(join(dir, 'exports/manifest.json'), 'utf8')) as Manifest).toEqual(before);
    expect(await checkManifest(dir, before)).toEqual([]);
    expect(existsSync(join(dir, 'tmp'))).toBe(false);
  },
);

test('an export that is aborted half way leaves the earlier one as it was, and nothing else', async () => {
  const from = await committed(MANY);
  mkdirSync(join(dir, 'exports'));
  const before = await exportJob(options(from));
  const stop = new AbortController();
  const reason = new Error('stop');
  const half = exportJob({
    ...options(from),
    signal: stop.signal,
    onProgress: ({ phase, rows }) => {
      if (phase === 'parquet' && rows > 20_000) stop.abort(reason);
    },
  });
  await expect(half).rejects.toBe(reason);
  expect(await checkManifest(dir, before)).toEqual([]);
  expect(readdirSync(dir)).toEqual(['exports']);
});
