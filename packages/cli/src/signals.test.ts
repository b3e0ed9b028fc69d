// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  dataset,
  errorOf,
  jobFile,
  ONE_STEP,
  runCli,
  startCli,
  summaryOf,
  TOPICS,
  TWO_STEPS,
  until,
  workbench,
} from '../testing/workbench.ts';
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

const GENERATE = ['generate', 'job.yaml', '--out', 'out', '--json'];
const inFlight = (n: number) => until(() => stub.stats().inFlight >= n);

describe('signals', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('%s during two-second calls: they finish, are committed, and it exits', async (signal, code) => {
    stub.set({ latencyMs: 2000 });
    bench.yaml('template.yaml', ONE_STEP);
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 4, num_records: 40 }));
    const first = startCli(GENERATE, { cwd: bench.dir });
    await inFlight(4);
    first.child.kill(signal);
    const ran = await first.done;
    expect(ran.code).toBe(code);
    const s = summaryOf(ran);
    expect(s).toMatchObject({ status: 'QUEUED', reason: { reason: 'INTERRUPTED' }, records: { ok: 4, failed: 0 } });
    expect(s.cost_usd).toMatchObject({ unknown: 0, held: 0 });
    expect(stub.stats()).toMatchObject({ accepted: 4, answered: 4 });

    stub.set({ latencyMs: 0 });
    const again = await runCli(GENERATE, { cwd: bench.dir });
    expect(summaryOf(again)).toMatchObject({ status: 'COMPLETED', records: { ok: 40 } });
    expect(stub.stats()).toMatchObject({ accepted: 40, repeatedCalls: 0 });
    expect(dataset(bench.path('out')).map((r) => r.index)).toEqual([...Array(40).keys()]);
  });

  test('the soft limit aborts calls that take too long; they count at their worst case', async () => {
    stub.set({ latencyMs: 60_000 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 3 }));
    const first = startCli(GENERATE, { cwd: bench.dir, env: { STINT_SOFT_LIMIT_S: '1' } });
    await inFlight(3);
    first.child.kill('SIGTERM');
    const ran = await first.done;
    expect(ran.code).toBe(143);
    expect(summaryOf(ran).usage.calls).toBe(3);
    expect(summaryOf(ran).cost_usd.unknown * 1e9).toBeGreaterThanOrEqual(stub.stats().spendNanoUsd);
    expect(summaryOf(ran).cost_usd.held).toBe(0);
  });

  test('a second signal exits at once; the same command goes on', async () => {
    stub.set({ latencyMs: 60_000 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 3 }));
    const first = startCli(GENERATE, { cwd: bench.dir });
    await inFlight(3);
    first.child.kill('SIGTERM');
    await first.stderrSays(/SIGTERM/);
    await new Promise((done) => setTimeout(done, 700));
    first.child.kill('SIGTERM');
    expect((await first.done).code).toBe(143);

    stub.set({ latencyMs: 0 });
    const again = await runCli(GENERATE, { cwd: bench.dir });
    expect(summaryOf(again)).toMatchObject({ status: 'COMPLETED', records: { ok: 20 } });
    // Three calls in flight were lost, and nothing else was paid twice.
    expect(stub.stats().accepted).toBe(43);
  });
});

describe('two processes on one job folder', () => {
  test('the second is told who holds it, and nothing is paid or written twice', async () => {
    stub.set({ latencyMs: 300 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 4 }));
    const first = startCli(GENERATE, { cwd: bench.dir });
    await inFlight(4);
    const second = await runCli(GENERATE, { cwd: bench.dir });
    expect(second.code).toBe(4);
    expect(errorOf(second)).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'JOB_HELD' });
    const ran = await first.done;
    expect(summaryOf(ran)).toMatchObject({ status: 'COMPLETED', records: { ok: 20 } });
    expect(stub.stats()).toMatchObject({ accepted: 40, repeatedCalls: 0 });
    expect(dataset(bench.path('out')).map((r) => r.index)).toEqual([...Array(20).keys()]);
  });

  test('four that start together: one runs, the others exit 4, every record once', async () => {
    stub.set({ latencyMs: 50 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 4 }));
    const all = await Promise.all(Array.from({ length: 4 }, () => runCli(GENERATE, { cwd: bench.dir })));
    const codes = all.map((r) => r.code);
    expect(codes.filter((c) => c === 0).length).toBeGreaterThanOrEqual(1);
    for (const r of all) {
      if (r.code !== 0) expect(['JOB_HELD', 'LEASE_LOST']).toContain(errorOf(r).reason);
    }
    expect(stub.stats()).toMatchObject({ accepted: 40, repeatedCalls: 0 });
    expect(dataset(bench.path('out')).map((r) => r.index)).toEqual([...Array(20).keys()]);
  });

  test('one that froze beyond its lease is taken over, and says so when it wakes', { timeout: 90_000 }, async () => {
    stub.set({ latencyMs: 200 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 4, num_records: 100 }));
    const first = startCli(GENERATE, { cwd: bench.dir });
    await inFlight(4);
    first.child.kill('SIGSTOP');
    let second = await runCli(GENERATE, { cwd: bench.dir });
    expect(second.code).toBe(4);
    await new Promise((done) => setTimeout(done, 16_000));
    stub.set({ latencyMs: 0 });
    second = await runCli(GENERATE, { cwd: bench.dir });
    expect(summaryOf(second)).toMatchObject({ status: 'COMPLETED', records: { ok: 100 } });
    first.child.kill('SIGCONT');
    const woken = await first.done;
    expect(woken.code).toBe(4);
    expect(JSON.parse(woken.stdout)).toMatchObject({ reason: { reason: 'LEASE_LOST' } });
    expect((await runCli(['verify', 'out'], { cwd: bench.dir })).code).toBe(0);
    expect(stub.stats().spendNanoUsd).toBeLessThanOrEqual(1e9);
  });

  test('a dead holder is taken over at once', async () => {
    stub.set({ latencyMs: 400 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 4 }));
    const first = startCli(GENERATE, { cwd: bench.dir });
    await inFlight(4);
    first.child.kill('SIGKILL');
    await first.done;
    stub.set({ latencyMs: 0 });
    const ran = await runCli(GENERATE, { cwd: bench.dir });
    expect(summaryOf(ran)).toMatchObject({ status: 'COMPLETED', records: { ok: 20 } });
    expect(summaryOf(ran).elapsed_s).toBeLessThan(10);
  });
});

describe('cancel', () => {
  test('reaches the process that holds the job, which exits 4; what is committed stays, and the job is over', async () => {
    stub.set({ latencyMs: 300 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 2, num_records: 1000 }));
    const first = startCli(GENERATE, { cwd: bench.dir });
    await inFlight(2);
    const cancelled = await runCli(['cancel', 'out', '--json'], { cwd: bench.dir });
    expect(cancelled.code).toBe(0);
    expect(summaryOf(cancelled).status).toBe('CANCELLED');
    const ran = await first.done;
    expect(ran.code).toBe(4);
    expect(summaryOf(ran).status).toBe('CANCELLED');
    const again = await runCli(GENERATE, { cwd: bench.dir });
    expect(again.code).toBe(4);
    expect(errorOf(again).reason).toBe('CANCELLED');
    const exported = await runCli(['export', 'out', '--json'], { cwd: bench.dir });
    expect(exported.code).toBe(0);
    expect(summaryOf(exported).exports[0]?.rows).toBe(summaryOf(ran).records.ok);
  });

  test('a holder that was killed: status says so, verify finds nothing, cancel accounts for its calls', async () => {
    stub.set({ latencyMs: 60_000 });
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 3 }));
    const first = startCli(GENERATE, { cwd: bench.dir });
    await inFlight(3);
    expect(summaryOf(await runCli(['status', 'out', '--json'], { cwd: bench.dir })).status).toBe('RUNNING');
    first.child.kill('SIGKILL');
    await first.done;
    const status = summaryOf(await runCli(['status', 'out', '--json'], { cwd: bench.dir }));
    expect(status).toMatchObject({ status: 'QUEUED', reason: { reason: 'INTERRUPTED' } });
    expect((await runCli(['verify', 'out'], { cwd: bench.dir })).code).toBe(0);
    const cancelled = summaryOf(await runCli(['cancel', 'out', '--json'], { cwd: bench.dir }));
    expect(cancelled).toMatchObject({ status: 'CANCELLED', cost_usd: { settled: 0, held: 0 }, usage: { calls: 3 } });
    expect(cancelled.cost_usd.unknown).toBeGreaterThan(0);
    expect(cancelled.cost_usd.unknown).toBeLessThan(status.cost_usd.held);
    expect(summaryOf(await runCli(['cancel', 'out', '--json'], { cwd: bench.dir }))).toEqual(cancelled);
    expect((await runCli(['verify', 'out'], { cwd: bench.dir })).code).toBe(0);
  });

  test('a job that nobody holds is cancelled at once', async () => {
    bench.yaml('job.yaml', jobFile(stub.url, { budget_limit: 0.0003 }));
    expect((await runCli(GENERATE, { cwd: bench.dir })).code).toBe(5);
    rmSync(bench.path('job.yaml'));
    expect(summaryOf(await runCli(['cancel', 'out', '--json'], { cwd: bench.dir })).status).toBe('CANCELLED');
    expect(summaryOf(await runCli(['status', 'out', '--json'], { cwd: bench.dir })).status).toBe('CANCELLED');
  });
});
