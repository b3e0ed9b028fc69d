// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { withDigest } from '@stint/core';
import type { DatasetRecord, Manifest, ShardCheckpoint } from '@stint/core';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import { generate, verify } from '@stint/runtime';
import type { VerifyResult } from '@stint/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jobFile, TOPICS, TWO_STEPS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = workbench();
  bench.yaml('template.yaml', {
    template: {
      ...TWO_STEPS.template,
      steps: [...TWO_STEPS.template.steps, { id: 'dice', sample: { type: 'integer', low: 1, high: 6 } }],
    },
  });
  bench.write('seeds.jsonl', TOPICS);
  const stub = await startStubModelServer({
    price: { input: 1, output: 2 },
    badFor: [{ pattern: 'topic 3', times: 2, text: '' }],
  });
  const job = bench.yaml(
    'job.yaml',
    jobFile(stub.url, { output_format: ['JSONL', 'PARQUET', 'CSV'], partition_strategy: 'field:topic' }),
  );
  const { exitCode, body } = await generate({ jobPath: job, out: 'whole', env: {}, cwd: bench.dir });
  expect({ exitCode, body }).toMatchObject({ exitCode: 0, body: { status: 'COMPLETED' } });
  await stub.close();
});
afterAll(() => bench.dispose());
beforeEach(() => {
  rmSync(bench.path('copy'), { recursive: true, force: true });
  cpSync(bench.path('whole'), bench.path('copy'), { recursive: true });
});

const file = (...parts: string[]): string => bench.path('copy', ...parts);
const read = (...parts: string[]): string => readFileSync(file(...parts), 'utf8');
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const batch = (): string => `outputs/${readdirSync(file('outputs'))[0]}`;

async function look(): Promise<{ exitCode: number; body: VerifyResult; text: string }> {
  const { exitCode, body } = await verify({ dir: 'copy', env: {}, cwd: bench.dir });
  return { exitCode, body: body as VerifyResult, text: JSON.stringify(body) };
}

/** Rewrites the batch and every hash that knows of it, as a careful forger would. */
function forge(change: (lines: string[]) => string[]): void {
  const key = batch();
  const text = `${change(read(key).trimEnd().split('\n')).join('\n')}\n`;
  writeFileSync(file(key), text);
  const shard = JSON.parse(read('shards/0/checkpoint.json')) as ShardCheckpoint;
  shard.batches = shard.batches.map((b) =>
    b.key === key ? { ...b, bytes: Buffer.byteLength(text), sha256: sha256(text) } : b,
  );
  const { digest: _old, ...rest } = shard;
  const signed = withDigest<ShardCheckpoint>(sha256, rest);
  writeFileSync(file('shards/0/checkpoint.json'), `${JSON.stringify(signed)}\n`);
  const job = JSON.parse(read('checkpoint.json')) as { shards: { digest: string }[] };
  job.shards.forEach((s) => (s.digest = signed.digest));
  writeFileSync(file('checkpoint.json'), `${JSON.stringify(job)}\n`);
  writeFileSync(file('exports/dataset.jsonl'), text);
  const manifest = JSON.parse(read('exports/manifest.json')) as Manifest;
  manifest.files = manifest.files.map((f) =>
    f.path === 'exports/dataset.jsonl' ? { ...f, bytes: Buffer.byteLength(text), sha256: sha256(text) } : f,
  );
  writeFileSync(file('exports/manifest.json'), JSON.stringify(manifest));
}
const edit = (at: number, change: (r: DatasetRecord) => void) =>
  forge((lines) =>
    lines.map((l, i) => {
      const r = JSON.parse(l) as DatasetRecord;
      if (i === at) change(r);
      return JSON.stringify(r);
    }),
  );

const stepOf = (r: DatasetRecord, id: string): object => r.generation_result[id] ?? {};

describe('verify', () => {
  test('a copy of a whole job is whole, and nothing in it changes', async () => {
    const { exitCode, body } = await look();
    expect(body).toMatchObject({ ok: true, damage: [], checked: { shards: 1, records: 20, prompts: 40 } });
    expect(body.checked.exports).toBe(3 + 3 * 10 + 2);
    expect(exitCode).toBe(0);
  });

  test('every file of it: a flipped byte is found', async () => {
    const files = readdirSync(file(), { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile() && !/^state\.sqlite/.test(e.name))
      .map((e) => `${e.parentPath}/${e.name}`);
    expect(files.length).toBeGreaterThan(30);
    for (const path of files) {
      const data = readFileSync(path);
      const flipped = Buffer.from(data);
      const at = Math.floor(data.length / 2);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      writeFileSync(path, flipped);
      const { exitCode } = await look();
      expect(exitCode, path).toBe(1);
      writeFileSync(path, data);
    }
    expect((await look()).exitCode).toBe(0);
  });

  test('a missing batch', async () => {
    rmSync(file(batch()));
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toMatch(/outputs\/batch-[^"]*","message":"is missing/);
  });

  test('a missing checkpoint, though the log knows its commits', async () => {
    rmSync(file('shards/0/checkpoint.json'));
    expect((await look()).exitCode).toBe(1);
  });

  test('an edited checkpoint', async () => {
    writeFileSync(
      file('shards/0/checkpoint.json'),
      read('shards/0/checkpoint.json').replace(/"spend_nano_usd":\d/, '"spend_nano_usd":9'),
    );
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toContain('its digest does not fit');
  });

  test('an older checkpoint put back', async () => {
    const db = new DatabaseSync(file('state.sqlite'));
    const { name } = db
      .prepare("SELECT name FROM sqlite_master WHERE sql LIKE '%shard%' AND sql LIKE '%seq%'")
      .get() as { name: string };
    db.exec(`UPDATE ${name} SET seq = seq + 1`);
    db.close();
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toContain('is older than the last one committed');
  });

  test('a doubled row, with every hash made to fit', async () => {
    forge((lines) => [...lines.slice(0, 5), lines[4] ?? '', ...lines.slice(5)]);
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toMatch(/doubled or out of order/);
  });

  test('an altered prompt, with every hash made to fit', async () => {
    edit(
      3,
      (r) => (r.generation_result['ask'] = { ...r.generation_result['ask'], prompt: 'Ask something else.' } as never),
    );
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toMatch(/record 3: the prompt of step \\"ask\\" is not the one that its seed row makes/);
  });

  test.each<[string, string, (r: DatasetRecord) => void]>([
    [
      'output of an earlier step',
      'answer',
      (r: DatasetRecord) => void Object.assign(stepOf(r, 'ask'), { output: 'x' }),
    ],
    ['sample', 'dice', (r: DatasetRecord) => void Object.assign(stepOf(r, 'dice'), { output: '9' })],
    ['seed row', 'seed_index', (r: DatasetRecord) => void (r.seed_index = (r.seed_index + 1) % 10)],
    ['set of steps', 'dice', (r: DatasetRecord) => void Reflect.deleteProperty(r.generation_result, 'dice')],
  ])('another %s, with every hash made to fit', async (_what, named, change) => {
    edit(2, change);
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toContain('record 2: ');
    expect(text).toContain(named);
  });

  test('an edited job.json, and edited inputs', async () => {
    writeFileSync(file('job.json'), read('job.json').replace('"max_attempts": 3', '"max_attempts": 4'));
    expect((await look()).text).toContain('job.json');
    rmSync(bench.path('copy'), { recursive: true });
    cpSync(bench.path('whole'), bench.path('copy'), { recursive: true });
    writeFileSync(file('inputs/seeds.jsonl'), read('inputs/seeds.jsonl').replace('topic 1', 'tropic'));
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toContain('inputs/seeds.jsonl');
  });

  test('edited sums of the call log', async () => {
    const db = new DatabaseSync(file('state.sqlite'));
    const { name } = db
      .prepare(
        "SELECT name FROM sqlite_master WHERE sql LIKE '%settled%' AND type = 'table' AND sql NOT LIKE '%attempt%'",
      )
      .get() as { name: string };
    const column =
      (db.prepare(`PRAGMA table_info(${name})`).all() as { name: string }[]).find((c) => c.name.includes('settled'))
        ?.name ?? '';
    db.exec(`UPDATE ${name} SET ${column} = ${column} - 1`);
    db.close();
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toContain('the sums of the call log are not those of its rows');
  });

  test('a lost checkpoint of the job', async () => {
    rmSync(file('checkpoint.json'));
    const { exitCode, text } = await look();
    expect(exitCode).toBe(1);
    expect(text).toContain('checkpoint.json');
  });

  test('lost exports', async () => {
    rmSync(file('exports/manifest.json'));
    expect((await look()).text).toContain('exports/manifest.json');
  });
});
