// SPDX-License-Identifier: Apache-2.0
// Flips bits all over the folder of a finished job. What `verify` does not find must be nothing that a promise stands on.
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import { generate, verify } from '@stint/runtime';
import type { VerifyResult } from '@stint/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobFile, TOPICS, TWO_STEPS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

const SEED = Number(process.env['STINT_TEST_SEED'] ?? 1);
let bench: Workbench;
let files: string[];

beforeAll(async () => {
  bench = workbench();
  bench.yaml('template.yaml', TWO_STEPS);
  bench.write('seeds.jsonl', TOPICS);
  // Some attempts are rejected, some records are given up, some calls are refused.
  const stub = await startStubModelServer({
    price: { input: 1, output: 2 },
    badFor: [
      { pattern: 'topic 3 ', times: 3, text: '' },
      { pattern: 'topic 4 ', text: '' },
    ],
    rate429: 0.1,
    words: 8,
  });
  const job = bench.yaml(
    'job.yaml',
    jobFile(stub.url, {
      output_format: ['JSONL', 'PARQUET', 'CSV'],
      partition_strategy: 'timestamp',
      checkpoint_interval: 7,
      max_failures: 20,
      num_records: 40,
    }),
  );
  const { exitCode, body } = await generate({ jobPath: job, out: 'whole', env: {}, cwd: bench.dir });
  expect({ exitCode, body }).toMatchObject({ exitCode: 0, body: { records: { ok: 40 } } });
  expect((body as { records: { failed: number } }).records.failed).toBeGreaterThan(0);
  await stub.close();
  files = readdirSync(bench.path('whole'), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => `${e.parentPath}/${e.name}`.slice(bench.path('whole').length + 1))
    .sort();
  cpSync(bench.path('whole'), bench.path('copy'), { recursive: true });
});
afterAll(() => bench.dispose());

/** Uniform in [0, 1), from SEED. */
function random(salt: number): () => number {
  let state = (SEED * 7_919 + salt) >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

async function look(): Promise<{ exitCode: number; named: string[]; text: string }> {
  const { exitCode, body } = await verify({ dir: 'copy', env: {}, cwd: bench.dir });
  const damage = (body as Partial<VerifyResult>).damage ?? [];
  return { exitCode, named: damage.map((d) => d.file), text: JSON.stringify(body) };
}

/** One changed file of the copy, which is as it was afterwards. */
async function withChanged<T>(file: string, change: (data: Buffer) => void, see: () => Promise<T>): Promise<T> {
  const data = readFileSync(bench.path('whole', file));
  change(data);
  writeFileSync(bench.path('copy', file), data);
  try {
    return await see();
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(bench.path('copy', `${file}${suffix}`), { force: true });
    cpSync(bench.path('whole', file), bench.path('copy', file));
  }
}

test('a flipped bit anywhere in any file but state.sqlite is found, and the file is named', async () => {
  expect(files.length).toBeGreaterThan(14);
  for (const [i, file] of files.filter((f) => f !== 'state.sqlite').entries()) {
    const next = random(i);
    for (let n = 0; n < 3; n++) {
      const what = { file, at: 0, bit: Math.floor(next() * 8) };
      const change = (data: Buffer): void => {
        what.at = Math.floor(next() * data.length);
        data[what.at] = (data[what.at] ?? 0) ^ (1 << what.bit);
      };
      const { exitCode, named, text } = await withChanged(file, change, look);
      // A bit of the version makes a document of a newer stint of it.
      if (exitCode === 2) expect(text, JSON.stringify(what)).toContain('NEWER_FORMAT');
      else expect({ exitCode, named }, `${JSON.stringify(what)} ${text}`).toMatchObject({ exitCode: 1 });
      if (exitCode === 1) expect(named, JSON.stringify(what)).toContain(file);
    }
  }
});

test('a flipped bit in state.sqlite is found where money, limits, status or a committed record depend on it', async () => {
  const whole = promises(bench.path('whole/state.sqlite'));
  const next = random(999);
  let foundCount = 0;
  for (let n = 0; n < 120; n++) {
    const what = { at: 0, bit: Math.floor(next() * 8) };
    const change = (data: Buffer): void => {
      what.at = Math.floor(next() * data.length);
      data[what.at] = (data[what.at] ?? 0) ^ (1 << what.bit);
    };
    await withChanged('state.sqlite', change, async () => {
      const { exitCode, named, text } = await look();
      if (exitCode === 0) {
        expect(promises(bench.path('copy/state.sqlite')), JSON.stringify(what)).toEqual(whole);
        return;
      }
      foundCount++;
      if (exitCode === 2) expect(text, JSON.stringify(what)).toContain('NEWER_FORMAT');
      else expect({ exitCode, named }, JSON.stringify(what)).toMatchObject({ exitCode: 1 });
      if (exitCode === 1) expect(named, JSON.stringify(what)).toContain('state.sqlite');
    });
  }
  expect(foundCount).toBeGreaterThan(3);
});

/** What the file is the authority on; times, holds that ended, and free pages are not. */
function promises(path: string): unknown {
  const db = new DatabaseSync(path);
  try {
    return [
      'SELECT status FROM job',
      'SELECT budget_nano_usd, num_records, concurrency FROM limits ORDER BY seq',
      'SELECT settled, unknown, held, calls, input_tokens, output_tokens, live FROM totals',
      'SELECT idx, attempt, sum(cost) FROM calls WHERE state = 3 GROUP BY idx, attempt ORDER BY idx, attempt',
      'SELECT state, count(*) FROM calls WHERE state IN (1, 2, 3, 5) GROUP BY state ORDER BY state',
    ].map((sql) => db.prepare(sql).all());
  } finally {
    db.close();
  }
}

test.each([0, 0.4, 0.9])('a file cut to %s of its length is found', async (share) => {
  for (const file of files) {
    const cut = async () => {
      truncateSync(bench.path('copy', file), Math.floor(readFileSync(bench.path('whole', file)).length * share));
      return look();
    };
    const { exitCode, named, text } = await withChanged(file, () => undefined, cut);
    expect({ exitCode, named }, `${file} ${text}`).toMatchObject({ exitCode: 1 });
    expect(named).toContain(file);
  }
  expect((await look()).exitCode).toBe(0);
});

test('rows added to the call log, taken from it or changed, with sums that fit, are found', async () => {
  const row = '(SELECT idx, attempt, step, try FROM calls WHERE state = 3 ORDER BY idx DESC LIMIT 1)';
  const settled = 'settled = (SELECT sum(cost) FROM calls WHERE state = 3)';
  const sums = `UPDATE totals SET ${settled}, calls = (SELECT count(*) FROM calls WHERE state IN (3, 5)),
    input_tokens = (SELECT sum(input_tokens) FROM calls), output_tokens = (SELECT sum(output_tokens) FROM calls)`;
  for (const change of [
    `DELETE FROM calls WHERE (idx, attempt, step, try) IN ${row}`,
    `INSERT INTO calls SELECT idx, attempt, step, try + 1, state, hold, cost, at_ms, input_tokens, output_tokens,
       cache_read_tokens, cache_write_tokens, reported, latency_ms, stop_reason, NULL
       FROM calls WHERE (idx, attempt, step, try) IN ${row}`,
    `UPDATE calls SET cost = cost - 1 WHERE (idx, attempt, step, try) IN ${row}`,
    `UPDATE calls SET input_tokens = input_tokens + 1 WHERE (idx, attempt, step, try) IN ${row}`,
    'UPDATE limits SET budget_nano_usd = budget_nano_usd + 1',
    'UPDATE leases SET epoch = 0',
    "UPDATE job SET status = 'DONE'",
    'CREATE TRIGGER t AFTER UPDATE ON job BEGIN DELETE FROM calls; END',
  ]) {
    const edit = async () => {
      const db = new DatabaseSync(bench.path('copy/state.sqlite'));
      db.exec(change);
      if (change.includes('calls') && !change.startsWith('CREATE')) db.exec(sums);
      db.close();
      return look();
    };
    const { exitCode, named, text } = await withChanged('state.sqlite', () => undefined, edit);
    expect({ exitCode, named: [...new Set(named)] }, `${change} ${text}`).toEqual({
      exitCode: 1,
      named: ['state.sqlite'],
    });
  }
});

test('two batch files in each other’s place are found', async () => {
  const [a = '', b = ''] = files.filter((f) => f.startsWith('outputs/'));
  expect(b).not.toBe('');
  const swapped = () => withChanged(b, (data) => void readFileSync(bench.path('whole', a)).copy(data), look);
  const { exitCode, named } = await withChanged(
    a,
    (data) => void readFileSync(bench.path('whole', b)).copy(data),
    swapped,
  );
  expect(exitCode).toBe(1);
  expect(named).toEqual(expect.arrayContaining([a, b]));
});
