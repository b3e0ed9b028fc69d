// SPDX-License-Identifier: Apache-2.0
// The number of records in force: a flag sets it, the file raises it, and neither takes away a record that is there.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { batchKey } from '@stint/core';
import type { DatasetRecord } from '@stint/core';
import { generate, resume, status } from '@stint/runtime';
import type { CommandResult, JobSummary } from '@stint/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataset, jobFile, ONE_STEP, TOPICS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

let bench: Workbench;
let stub: StubModelServer;
beforeEach(async () => {
  bench = workbench();
  bench.yaml('template.yaml', ONE_STEP);
  bench.write('seeds.jsonl', TOPICS);
  stub = await startStubModelServer({ price: { input: 1, output: 2 } });
});
afterEach(async () => {
  await stub.close();
  bench.dispose();
});

const run = (o: { numRecords?: number; budgetLimit?: string } = {}) =>
  generate({ jobPath: bench.path('job.yaml'), out: 'out', env: {}, cwd: bench.dir, ...o });
const job = (change: Record<string, unknown>) => bench.yaml('job.yaml', jobFile(stub.url, change));
const summary = ({ body }: CommandResult<JobSummary>): JobSummary => {
  if ('error' in body) throw new Error(body.error.message);
  return body;
};
const now = async (): Promise<JobSummary> => summary(await status({ dir: 'out', env: {}, cwd: bench.dir }));

/** A job at its cap, with some of its 20 records made. */
async function stopped(): Promise<number> {
  job({ budget_limit: 0.001, concurrency: 1 });
  const { exitCode, body } = await run();
  expect(exitCode).toBe(5);
  const { ok } = summary({ exitCode, body }).records;
  expect(ok).toBeGreaterThan(2);
  return ok;
}

async function refused(numRecords: number, records: number): Promise<void> {
  const before = await now();
  const { accepted } = stub.stats();
  for (const go of [run, (o: object) => resume({ dir: 'out', env: {}, cwd: bench.dir, ...o })]) {
    const { exitCode, body } = await go({ numRecords });
    expect(exitCode).toBe(4);
    expect(body).toMatchObject({
      error: { code: 'FAILED_PRECONDITION', reason: 'RECORDS_BELOW_OK', details: { ok: records } },
    });
  }
  expect(await now()).toEqual(before);
  expect(stub.stats().accepted).toBe(accepted);
}

test('a flag below the records that are there is refused, and the job stays as it was', async () => {
  const ok = await stopped();
  await refused(ok - 1, ok);
});

test('a flag at the records that are there ends the job with them', async () => {
  const ok = await stopped();
  const { exitCode, body } = await run({ numRecords: ok });
  expect(exitCode).toBe(0);
  expect(summary({ exitCode, body })).toMatchObject({ status: 'COMPLETED', records: { target: ok, ok } });
  expect(dataset(bench.path('out'))).toHaveLength(ok);
});

test('a COMPLETED job is not made smaller, and the same command still prints the same', async () => {
  job({ num_records: 6 });
  const done = summary(await run());
  expect(done.status).toBe('COMPLETED');
  await refused(5, 6);
  expect(summary(await run())).toEqual(done);
});

test('a lower num_records of the file changes nothing', async () => {
  job({ num_records: 6 });
  const done = summary(await run());
  job({ num_records: 3 });
  expect(summary(await run())).toEqual(done);
});

test('rows in a file that no checkpoint names yet count, for the next run adopts them', async () => {
  const ok = await stopped();
  const [name = ''] = readdirSync(bench.path('out/outputs'));
  const [line = ''] = readFileSync(bench.path('out/outputs', name), 'utf8').split('\n');
  const record = JSON.parse(line) as DatasetRecord;
  const orphan = `${JSON.stringify({ ...record, id: `${record.job_id}-${ok}`, index: ok })}\n`;
  bench.write(`out/${batchKey(1, 99, createHash('sha256').update(orphan).digest('hex'))}`, orphan);
  await refused(ok, ok + 1);
  expect(summary(await run({ numRecords: ok + 1 })).records).toMatchObject({ target: ok + 1, ok: ok + 1 });
  expect(stub.stats().repeatedCalls).toBe(0);
});
