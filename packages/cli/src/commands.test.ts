// SPDX-License-Identifier: Apache-2.0
// What commands other than generate print and end with, as processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import type { Plan } from '@stint/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BIN, errorOf, jobFile, ONE_STEP, runCli, startCli, TOPICS, until, workbench } from '../testing/workbench.ts';
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
const cli = (...args: string[]) => runCli(args, { cwd: bench.dir });

describe('a pilot', () => {
  const pilot = (k: number, ...more: string[]) => cli('plan', 'job.yaml', '--pilot', String(k), '--json', ...more);

  test('ends as its job ends: 5 at the cap, 3 where the key is refused', async () => {
    bench.yaml('job.yaml', jobFile(stub.url, { budget_limit: 0.001 }));
    const capped = await pilot(20);
    expect([capped.code, errorOf(capped).reason]).toEqual([5, 'BUDGET_EXCEEDED']);
    stub.set({ status: 401 });
    const denied = await pilot(20, '--budget-limit', '1');
    expect([denied.code, errorOf(denied).reason]).toEqual([3, 'ACCESS_DENIED']);
  });

  test('stops at a signal after a clean commit, and goes on', async () => {
    bench.yaml('job.yaml', jobFile(stub.url, { concurrency: 2 }));
    stub.set({ latencyMs: 500 });
    const first = startCli(['plan', 'job.yaml', '--pilot', '6', '--json'], { cwd: bench.dir });
    await until(() => stub.stats().inFlight === 2);
    first.child.kill('SIGTERM');
    const stopped = await first.done;
    expect([stopped.code, errorOf(stopped).reason]).toEqual([143, 'INTERRUPTED']);
    expect(stub.stats()).toMatchObject({ accepted: 2, answered: 2 });
    stub.set({ latencyMs: 0 });
    expect((JSON.parse((await pilot(6)).stdout) as Plan).pilot).toMatchObject({ records: 6 });
    expect(stub.stats()).toMatchObject({ accepted: 6, repeatedCalls: 0 });
  });

  test('of fewer records than an earlier one tells what that one says, and pays nothing', async () => {
    bench.yaml('job.yaml', jobFile(stub.url));
    const eight = JSON.parse((await pilot(8)).stdout) as Plan;
    expect(JSON.parse((await pilot(3)).stdout)).toEqual(eight);
    expect(stub.stats().accepted).toBe(8);
  });
});

test('a plan says what only this machine lacks, and still tells the price', async () => {
  const price = { input: 1, output: 2 };
  const planned = async (m: Record<string, unknown>) => {
    bench.yaml('job.yaml', jobFile('', { models: { m: { price, ...m } } }));
    const { code, stdout } = await cli('plan', 'job.yaml', '--json');
    const { warnings, worst_case } = JSON.parse(stdout) as Plan;
    expect([code, worst_case.total > 0]).toEqual([0, true]);
    return warnings.join();
  };
  expect(await planned({ provider: 'bedrock', model: 'm' })).toMatch(/refused: models\.m: .*region.* Set AWS_REGION/);
  bench.write('bad.gguf', 'no model');
  expect(await planned({ provider: 'llama', model: './bad.gguf' })).toMatch(
    /refused: models\.m: .*bad\.gguf|node-llama/,
  );
});

test('--concurrency auto takes a number back', async () => {
  bench.yaml('job.yaml', jobFile(stub.url));
  stub.set({ latencyMs: 20 });
  await cli('generate', 'job.yaml', '--out', 'out', '--concurrency', '2');
  expect(stub.stats().maxInFlight).toBe(2);
  await cli('generate', 'job.yaml', '--out', 'out', '--num-records', '60', '--concurrency', 'auto');
  expect(stub.stats().maxInFlight).toBeGreaterThan(8);
});

test('what a step sends goes into a pipe byte for byte', async () => {
  const row = JSON.stringify({ topic: 'a\u001b[31m\r\n\u0007b' });
  const { stdout } = await cli('template', 'render', 'template.yaml', '--seed', row, '--step', 'ask');
  expect(stdout).toBe('Say a\u001b[31m\r\n\u0007b.');
});

test('a field that the given row lacks is said to be one of the row', async () => {
  const ran = await cli('template', 'render', 'template.yaml', '--seed', '{"subject":"x"}', '--json');
  expect(ran.code).toBe(2);
  expect(errorOf(ran).message).toMatch(/template\.yaml: \S+:1: .*topic/);
  expect(errorOf(ran).hint).toContain('The seed row lacks it');
});

test.each(['template', 'models'])('an unknown command of %s is named', async (name) => {
  const ran = await cli(name, 'foo');
  expect([ran.code, ran.stdout]).toEqual([2, '']);
  expect(ran.stderr).toContain(`unknown command '${name} foo'`);
});

test.runIf(existsSync('/dev/full'))(
  'a result that can’t be written is no success; lost progress is no failure',
  async () => {
    bench.yaml('job.yaml', jobFile(stub.url));
    const full = openSync('/dev/full', 'w');
    const run = async (stdio: ('ignore' | number)[], ...args: string[]) => {
      const child = spawn(process.execPath, [BIN, ...args], { cwd: bench.dir, stdio });
      return (await once(child, 'close')) as [number | null, string | null];
    };
    const generate = ['generate', 'job.yaml', '--out', 'out', '--json'];
    expect(await run(['ignore', 'ignore', full], ...generate)).toEqual([0, null]);
    expect(await run(['ignore', full, 'ignore'], ...generate)).toEqual([6, null]);
    expect(await run(['ignore', full, 'ignore'], 'status', 'out')).toEqual([6, null]);
    expect(await run(['ignore', full, 'ignore'], 'status', 'none')).toEqual([2, null]);
    closeSync(full);
  },
);
