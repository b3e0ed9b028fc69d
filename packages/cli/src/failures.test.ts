// SPDX-License-Identifier: Apache-2.0
// What a failing provider does to a job, through the whole of it: provider over HTTP, engine, call log, exit code.
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer, StubModelSettings } from '@stint/contracts/stub-model-server';
import { generate, resume } from '@stint/runtime';
import type { JobSummary } from '@stint/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dataset, jobFile, ONE_STEP, TOPICS, TWO_STEPS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

let bench: Workbench;
let stub: StubModelServer;
beforeEach(async () => {
  bench = workbench();
  bench.yaml('template.yaml', TWO_STEPS);
  bench.write('seeds.jsonl', TOPICS);
  stub = await startStubModelServer({ price: { input: 1, output: 2 } });
});
afterEach(async () => {
  await stub.close();
  bench.dispose();
});

async function run(change: Record<string, unknown> = {}, flags: { budgetLimit?: string; numRecords?: number } = {}) {
  const job = bench.yaml('job.yaml', jobFile(stub.url, change));
  const { exitCode, body } = await generate({ jobPath: job, out: 'out', env: {}, cwd: bench.dir, ...flags });
  if ('error' in body) throw new Error(JSON.stringify(body.error));
  return { exitCode, summary: body };
}
const indices = () => dataset(bench.path('out')).map((r) => r.index);

describe('what fails for good ends the job before money is burnt', () => {
  test.each([
    [401, '', 3, 'ACCESS_DENIED'],
    [403, '', 3, 'ACCESS_DENIED'],
    [402, '', 3, 'ACCESS_DENIED'],
    [429, 'insufficient_quota', 3, 'ACCESS_DENIED'],
    [404, 'model_not_found', 2, 'MODEL_UNKNOWN'],
  ])('status %i %s: exit %i %s, nothing spent', async (status, errorCode, exitCode, reason) => {
    stub.set({ status, errorCode });
    const ran = await run({ concurrency: 4 });
    expect(ran).toMatchObject({ exitCode, summary: { status: 'FAILED', reason: { reason } } });
    expect(ran.summary.records).toMatchObject({ ok: 0, failed: 0 });
    expect(ran.summary.cost_usd).toMatchObject({ settled: 0, unknown: 0, held: 0 });
    expect(stub.stats().accepted).toBe(0);
    // No more were tried than could be in flight before the first answer.
    expect(stub.stats().errors + stub.stats().throttled).toBeLessThanOrEqual(4);
  });

  test('a job that failed so goes on with the same command once it is mended', async () => {
    stub.set({ status: 401 });
    await run();
    stub.set({ status: 0 });
    expect(await run()).toMatchObject({ exitCode: 0, summary: { status: 'COMPLETED', records: { ok: 20 } } });
    expect(stub.stats().accepted).toBe(40);
  });

  test('a 400 before any success fails the job; after one, only its record', async () => {
    stub.set({ status: 400 });
    expect(await run({ concurrency: 1 })).toMatchObject({ exitCode: 1, summary: { status: 'FAILED' } });
    expect(stub.stats().accepted).toBe(0);
  });

  test('a template that can’t be rendered fails the job at the first record', async () => {
    bench.yaml('template.yaml', {
      template: { id: 't', steps: [{ id: 'ask', model: 'm', prompt: '{{ topic.missing.deep }}' }] },
    });
    const job = bench.yaml('job.yaml', jobFile(stub.url));
    const { exitCode, body } = await generate({ jobPath: job, out: 'out', env: {}, cwd: bench.dir });
    expect(exitCode).toBe(2);
    expect(JSON.stringify(body)).toMatch(/topic/);
    expect(stub.stats().accepted).toBe(0);
  });
});

describe('what passes is waited for', () => {
  test('throttling never drops a record', async () => {
    stub.set({ rate429: 0.25, retryAfter: '0.02', latencyMs: 2 });
    const { exitCode, summary } = await run({ num_records: 100, concurrency: 64 });
    expect(exitCode).toBe(0);
    expect(summary.records).toEqual({ target: 100, ok: 100, failed: 0, rejected: 0 });
    expect(indices()).toEqual([...Array(100).keys()]);
    expect(stub.stats().throttled).toBeGreaterThan(20);
    expect(summary.cost_usd.settled * 1e9).toBeCloseTo(stub.stats().spendNanoUsd, 3);
    expect(summary.cost_usd.unknown).toBe(0);
  });

  test('a service that is down for good: exit 6 after give_up_after, nothing dropped, and it goes on later', async () => {
    stub.set({ status: 503 });
    const down = await run({ give_up_after: '1s' });
    expect(down).toMatchObject({
      exitCode: 6,
      summary: { status: 'QUEUED', reason: { reason: 'SERVICE_UNAVAILABLE' }, records: { ok: 0, failed: 0 } },
    });
    stub.set({ status: 0 });
    expect(await run({ give_up_after: '1s' })).toMatchObject({ exitCode: 0, summary: { records: { ok: 20 } } });
  });

  test('429 for good is the same', async () => {
    stub.set({ status: 429 });
    expect(await run({ give_up_after: '1s' })).toMatchObject({
      exitCode: 6,
      summary: { status: 'QUEUED', records: { ok: 0, failed: 0, rejected: 0 } },
    });
  });

  test('an outage in the middle is sat out', async () => {
    stub.set({ failCalls: 30, failStatus: 503 });
    expect(await run({ num_records: 40 })).toMatchObject({ exitCode: 0, summary: { records: { ok: 40, failed: 0 } } });
  });
});

describe('money, counted at the stub', () => {
  const chaos: Partial<StubModelSettings>[] = [
    { latencyMs: 5, jitterMs: 20 },
    { rate429: 0.2, rate500: 0.1, malformedRate: 0.1, retryAfter: '0.01' },
    { resetRate: 0.2, emptyRate: 0.1 },
    { omitUsage: true },
    { promptTokens: 20, completionTokens: 40, cachedTokens: 10 },
  ];
  test.each(chaos)('the cap holds under %j', async (settings) => {
    stub.set({ ...settings, seed: 3 });
    const cap = 0.004;
    const { summary } = await run({ num_records: 500, concurrency: 64, budget_limit: cap, max_failures: '90%' });
    const { settled, unknown, held } = summary.cost_usd;
    expect(stub.stats().spendNanoUsd / 1e9).toBeLessThanOrEqual(cap);
    expect(settled + unknown).toBeLessThanOrEqual(cap + 1e-12);
    expect(stub.stats().spendNanoUsd / 1e9).toBeLessThanOrEqual(settled + unknown + 1e-12);
    expect(held).toBe(0);
    expect(stub.stats().accepted).toBeGreaterThan(10);
  });

  test('nothing killed: the log’s sums are the stub’s own', async () => {
    stub.set({ latencyMs: 3, jitterMs: 10 });
    const { summary } = await run({ num_records: 300, concurrency: 64 });
    const s = stub.stats();
    expect(Math.round(summary.cost_usd.settled * 1e9)).toBe(s.spendNanoUsd);
    expect(summary.usage).toEqual({ calls: s.accepted, input_tokens: s.tokensIn, output_tokens: s.tokensOut });
  });

  test('at the cap: exit 5, no half-paid rows, exported; a higher cap goes on without paying twice', async () => {
    const capped = await run({ num_records: 50, budget_limit: 0.003, concurrency: 8 });
    expect(capped).toMatchObject({ exitCode: 5, summary: { status: 'BUDGET_EXCEEDED' } });
    const { ok } = capped.summary.records;
    expect(ok).toBeGreaterThan(5);
    expect(ok).toBeLessThan(50);
    expect(indices()).toHaveLength(ok);
    // Two calls for every record that was begun, none for the others.
    expect(stub.stats().accepted).toBe(2 * ok);
    const more = await run({ num_records: 50, budget_limit: 0.003, concurrency: 8 }, { budgetLimit: '1' });
    expect(more).toMatchObject({ exitCode: 0, summary: { records: { ok: 50 } } });
    expect(stub.stats()).toMatchObject({ accepted: 100, repeatedCalls: 0 });
    expect(indices()).toEqual([...Array(50).keys()]);
  });

  test('time-outs count at their worst case, and late answers don’t pass the cap', async () => {
    stub.set({ hangRate: 0.3, seed: 5 });
    const job = jobFile(stub.url) as { models: { m: Record<string, unknown> } };
    const models = { m: { ...job.models.m, timeout_s: 0.3 } };
    const { summary } = await run({
      num_records: 30,
      concurrency: 16,
      budget_limit: 0.005,
      models,
      max_failures: '90%',
    });
    const { settled, unknown } = summary.cost_usd;
    expect(unknown).toBeGreaterThan(0);
    expect(stub.stats().spendNanoUsd / 1e9).toBeLessThanOrEqual(settled + unknown + 1e-12);
    expect(settled + unknown).toBeLessThanOrEqual(0.005 + 1e-12);
  });
});

describe('records that can’t be made: 3 of 150', () => {
  const rows = Array.from({ length: 150 }, (_, i) => `{"topic":"${i % 50 === 7 ? 'BAD' : 'good'} ${i}"}\n`).join('');
  const strict = {
    template: { id: 's', steps: [{ id: 'ask', model: 'm', prompt: 'Say {{ topic }}', expect: { regex: '^[^{]' } }] },
  };
  beforeEach(() => {
    bench.write('seeds.jsonl', rows);
    bench.yaml('template.yaml', strict);
    stub.set({ badFor: [{ pattern: 'BAD' }] });
  });
  const change = { num_records: 150, sampling: 'sequential', concurrency: 16 };

  test('replace: exactly 150 good ones', async () => {
    const { exitCode, summary } = await run({ ...change, on_shortfall: 'replace' });
    expect(exitCode).toBe(0);
    expect(summary).toMatchObject({ status: 'COMPLETED', records: { target: 150, ok: 150, failed: 3 } });
    expect(dataset(bench.path('out'))).toHaveLength(150);
    expect(JSON.stringify(dataset(bench.path('out')))).not.toContain('BAD');
    expect(summary.records.rejected).toBeGreaterThanOrEqual(9);
  });

  test('accept: 147, and it says so', async () => {
    const { exitCode, summary } = await run({ ...change, on_shortfall: 'accept' });
    expect(exitCode).toBe(0);
    expect(summary).toMatchObject({ status: 'COMPLETED', records: { target: 150, ok: 147, failed: 3 } });
    expect(summary.exports[0]?.rows).toBe(147);
  });

  test('fail: FAILED, exit 1, at the first of them; the same command tries it again and goes on', async () => {
    const { exitCode, summary } = await run({ ...change, on_shortfall: 'fail' });
    expect(exitCode).toBe(1);
    expect(summary).toMatchObject({ status: 'FAILED', reason: { reason: 'SHORTFALL' } });
    expect(summary.records.failed).toBeGreaterThan(0);
    expect(summary.records.ok).toBeLessThanOrEqual(147);
    stub.set({ badFor: [] });
    const again = await run({ ...change, on_shortfall: 'fail' });
    expect(again).toMatchObject({ exitCode: 0, summary: { records: { ok: 150, failed: 0 } } });
    expect(stub.stats().repeatedCalls).toBe(0);
    expect(dataset(bench.path('out')).filter((r) => r.attempt === 4)).toHaveLength(summary.records.failed);
  });

  test('--retry-failed reopens a completed job', async () => {
    await run({ ...change, on_shortfall: 'accept' });
    stub.set({ badFor: [] });
    const { exitCode, body } = await resume({ dir: 'out', retryFailed: true, env: {}, cwd: bench.dir });
    expect(exitCode).toBe(0);
    expect((body as JobSummary).records).toMatchObject({ ok: 150, failed: 0 });
  });

  test('too many failures: FAILED, exit 1 RECORDS_FAILED', async () => {
    stub.set({ badFor: [{ pattern: 'good' }] });
    const { exitCode, summary } = await run(change);
    expect(exitCode).toBe(1);
    expect(summary.reason).toMatchObject({ reason: 'RECORDS_FAILED' });
  });
});

describe('a job that is done', () => {
  test('makes no call and prints the same summary; a higher target goes on', async () => {
    bench.yaml('template.yaml', ONE_STEP);
    const first = await run();
    const again = await run();
    expect(again).toEqual(first);
    expect(stub.stats().accepted).toBe(20);
    expect(await run({}, { numRecords: 30 })).toMatchObject({ exitCode: 0, summary: { records: { ok: 30 } } });
    expect(stub.stats()).toMatchObject({ accepted: 30, repeatedCalls: 0 });
  });
});
