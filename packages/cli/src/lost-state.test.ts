// SPDX-License-Identifier: Apache-2.0
// The call log is the authority on spend. Where it is gone or older than the rest, no command goes on as if it were new.
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { cancel, exportDataset, generate, resume, status, verify } from '@stint/runtime';
import type { JobSummary } from '@stint/runtime';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { jobFile, ONE_STEP, TOPICS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

let bench: Workbench;
let stub: StubModelServer;
const out = (...parts: string[]): string => bench.path('out', ...parts);
const o = () => ({ dir: 'out', env: {}, cwd: bench.dir });
const run = (numRecords: number) =>
  generate({ jobPath: bench.path('job.yaml'), out: 'out', numRecords, env: {}, cwd: bench.dir });

beforeAll(async () => {
  stub = await startStubModelServer({ price: { input: 1, output: 2 } });
});
afterAll(() => stub.close());
beforeEach(async () => {
  bench?.dispose();
  bench = workbench();
  bench.yaml('template.yaml', ONE_STEP);
  bench.write('seeds.jsonl', TOPICS);
  bench.yaml('job.yaml', jobFile(stub.url));
  expect((await run(10)).exitCode).toBe(0);
  cpSync(out(), bench.path('earlier'), { recursive: true });
  expect((await run(15)).exitCode).toBe(0);
  stub.reset();
});
afterAll(() => bench.dispose());

async function allRefuse(pattern: RegExp): Promise<void> {
  for (const [name, command] of Object.entries({
    status: () => status(o()),
    export: () => exportDataset(o()),
    resume: () => resume({ ...o(), numRecords: 20 }),
    generate: () => run(20),
  })) {
    const { exitCode, body } = await command();
    expect(exitCode, `${name} ${JSON.stringify(body)}`).toBe(2);
    expect(body, name).toMatchObject({ error: { reason: 'DAMAGED', message: expect.stringMatching(pattern) } });
  }
  expect(stub.stats().accepted).toBe(0);
}

test('state.sqlite is gone: refused, and no new one is made', async () => {
  rmSync(out('state.sqlite'));
  await allRefuse(/state\.sqlite is gone/);
  expect(existsSync(out('state.sqlite'))).toBe(false);
  expect((await verify(o())).exitCode).toBe(1);
});

test('state.sqlite is empty, or a new one: refused', async () => {
  truncateSync(out('state.sqlite'), 0);
  await allRefuse(/state\.sqlite is not a state file/);
  cpSync(bench.path('earlier/state.sqlite'), out('state.sqlite'));
  const db = new DatabaseSync(out('state.sqlite'));
  db.exec('DELETE FROM job; DELETE FROM limits; DELETE FROM leases; DELETE FROM calls; DELETE FROM commits');
  db.close();
  await allRefuse(/state\.sqlite knows no job/);
});

test('an older state.sqlite: a run is refused, however often it is tried; verify says why', async () => {
  cpSync(bench.path('earlier/state.sqlite'), out('state.sqlite'));
  for (let n = 0; n < 4; n++) {
    for (const { exitCode, body } of [await run(20), await resume({ ...o(), numRecords: 20 })]) {
      expect({ exitCode, body }).toMatchObject({ exitCode: 2, body: { error: { reason: 'DAMAGED' } } });
      expect(JSON.stringify(body)).toContain('state.sqlite is older than checkpoint.json');
    }
  }
  expect(stub.stats().accepted).toBe(0);
  const verified = await verify(o());
  expect(verified.exitCode).toBe(1);
  expect(JSON.stringify(verified.body)).toContain('state.sqlite');
});

test('an older checkpoint of a shard: refused, though its rows are still there', async () => {
  cpSync(bench.path('earlier/shards'), out('shards'), { recursive: true });
  for (const { exitCode, body } of [await run(20), await resume({ ...o(), numRecords: 20 })]) {
    expect(JSON.stringify(body)).toContain('shards/0/checkpoint.json is older than the last one committed');
    expect(exitCode).toBe(2);
  }
  expect(stub.stats().accepted).toBe(0);
});

test('job.json is gone: refused, and no second job begins in the folder', async () => {
  rmSync(out('job.json'));
  const { exitCode, body } = await run(20);
  expect({ exitCode, body }).toMatchObject({ exitCode: 2, body: { error: { reason: 'DAMAGED' } } });
  expect(existsSync(out('job.json'))).toBe(false);
  await allRefuse(/job\.json is gone/);
  expect(await verify(o())).toMatchObject({ exitCode: 1, body: { damage: [{ file: 'job.json' }] } });
});

test('a checkpoint of a shard is gone: said with its name', async () => {
  rmSync(out('shards/0/checkpoint.json'));
  await allRefuse(/shards\/0\/checkpoint\.json is missing/);
  expect(stub.stats().accepted).toBe(0);
});

test('creation that a death cut off is told apart from damage, and finished by the same command', async () => {
  for (const left of [['job.json'], ['job.json', 'state.sqlite'], ['state.sqlite'], ['empty state.sqlite']]) {
    rmSync(bench.path('new'), { recursive: true, force: true });
    const fresh = bench.yaml('fresh.yaml', jobFile(stub.url, { num_records: 3 }));
    const make = () => generate({ jobPath: fresh, out: 'new', env: {}, cwd: bench.dir });
    expect((await make()).exitCode).toBe(0);
    for (const name of ['checkpoint.json', 'shards', 'outputs', 'exports', 'inputs']) {
      rmSync(bench.path('new', name), { recursive: true });
    }
    if (left.includes('state.sqlite')) {
      const db = new DatabaseSync(bench.path('new/state.sqlite'));
      db.exec(`DELETE FROM job; DELETE FROM limits; DELETE FROM leases; DELETE FROM calls; DELETE FROM commits;
        UPDATE totals SET settled = 0, calls = 0, input_tokens = 0, output_tokens = 0`);
      db.close();
    } else rmSync(bench.path('new/state.sqlite'));
    const text = readFileSync(bench.path('new/job.json'), 'utf8');
    if (!left.includes('job.json')) rmSync(bench.path('new/job.json'));
    else writeFileSync(bench.path('new/job.json'), text);
    if (left[0] === 'empty state.sqlite') writeFileSync(bench.path('new/state.sqlite'), '');
    for (const command of [verify, status, exportDataset, resume, cancel]) {
      const told = await command({ dir: 'new', env: {}, cwd: bench.dir });
      expect(told, `${command.name} ${left.join()}`).toMatchObject({
        exitCode: 2,
        body: { error: { reason: 'NOT_BEGUN', hint: expect.stringContaining('stint generate') } },
      });
    }
    const { exitCode, body } = await make();
    expect({ exitCode, left, ok: (body as JobSummary).records?.ok }).toEqual({ exitCode: 0, left, ok: 3 });
    expect((await verify({ dir: 'new', env: {}, cwd: bench.dir })).body).toMatchObject({ ok: true });
  }
});
