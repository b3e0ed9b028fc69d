// SPDX-License-Identifier: Apache-2.0
// What a job froze, what its file may still say later, and what is refused before anything is created.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { withDigest } from '@stint/core';
import { generate, resume, verify } from '@stint/runtime';
import type { CommandResult, JobSummary } from '@stint/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dataset, jobFile, ONE_STEP, runCli, startCli, TOPICS, until, workbench } from '../testing/workbench.ts';
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

const model = (change: Record<string, unknown>) => {
  const { models } = jobFile(stub.url) as { models: { m: Record<string, unknown> } };
  return { models: { m: { ...models.m, ...change } } };
};
const job = (change: Record<string, unknown> = {}) => bench.yaml('job.yaml', jobFile(stub.url, change));
const at = {
  env: {},
  get cwd() {
    return bench.dir;
  },
};
const run = (flags: { concurrency?: number; out?: string } = {}) =>
  generate({ jobPath: bench.path('job.yaml'), out: 'out', ...at, ...flags });
const whole = async () => (await verify({ dir: 'out', ...at })).exitCode === 0;
/** Exit code and what it is about. */
function told({ exitCode, body }: CommandResult<JobSummary>): [number, string, string] {
  if ('error' in body) return [exitCode, body.error.reason, body.error.message];
  return [exitCode, body.reason?.reason ?? body.status, body.reason?.message ?? ''];
}
const read = (...parts: string[]): string => readFileSync(bench.path('out', ...parts), 'utf8');
const capped = { num_records: 20, budget_limit: 0.001 };

describe('the job file on a job that has begun', () => {
  test('how calls travel and how failures are waited for count anew at each run', async () => {
    job({ ...model({ base_url: 'http://127.0.0.1:1/v1', timeout_s: 1 }), give_up_after: '50ms' });
    expect(told(await run())[1]).toBe('SERVICE_UNAVAILABLE');
    job({ ...model({ timeout_s: 0.05 }), give_up_after: '100ms' });
    stub.set({ latencyMs: 300 });
    const late = await run();
    expect(told(late)).toMatchObject([6, 'SERVICE_UNAVAILABLE', expect.stringMatching(/no answer .* within 0\.05 s/)]);
    job({ ...model({ headers: { 'x-tag': 'a' } }), give_up_after: '20s', checkpoint_interval: 3 });
    expect(told(await run())[1]).toBe('COMPLETED');
    expect(await whole()).toBe(true);
  });

  test('concurrency that it changes is in force, a flag goes before it, and connections follow', async () => {
    stub.set({ latencyMs: 30 });
    job({ ...capped, concurrency: 2 });
    await run();
    expect(stub.stats().maxInFlight).toBe(2);
    job({ num_records: 40, concurrency: 2 });
    await run({ concurrency: 9 });
    expect(stub.stats().maxInFlight).toBe(9);
    job({ num_records: 80, concurrency: 12 });
    await run();
    expect(stub.stats().maxInFlight).toBe(12);
  });

  test('a step without calls has run, too, once a record is committed', async () => {
    const withStep = (compute: string, more: object[] = []) =>
      bench.yaml('template.yaml', {
        template: { steps: [...ONE_STEP.template.steps, { id: 'sum', compute }, ...more] },
      });
    withStep('record.index + 1');
    job(capped);
    expect(told(await run())[1]).toBe('BUDGET_EXCEEDED');
    withStep('record.index + 2');
    job({ num_records: 20 });
    expect(told(await run())).toMatchObject([4, 'INPUT_CHANGED', expect.stringContaining('step "sum"')]);
    withStep('record.index + 1', [{ id: 'new', compute: '1' }]);
    expect(told(await run())).toMatchObject([4, 'INPUT_CHANGED', expect.stringContaining('step "new"')]);
    withStep('record.index + 1');
    expect(told(await run())[1]).toBe('COMPLETED');
    expect(await whole()).toBe(true);
  });

  test('a model that no record has asked yet may be corrected', async () => {
    stub.set({ models: ['stub'] });
    job(model({ model: 'stubb' }));
    expect(told(await run()).slice(0, 2)).toEqual([2, 'MODEL_UNKNOWN']);
    job(model({ max_tokens: 40, price: { input: 2, output: 3 } }));
    expect(told(await run())[1]).toBe('COMPLETED');
    expect(await whole()).toBe(true);
    expect(stub.calls()[0]?.maxTokens).toBe(40);
    job(model({ max_tokens: 41, price: { input: 2, output: 3 } }));
    expect(told(await run()).slice(0, 2)).toEqual([4, 'INPUT_CHANGED']);
  });

  test('a template that failed its first record may be mended, even where a death cut the edit off', async () => {
    const prompt = (text: string) =>
      bench.yaml('template.yaml', { template: { steps: [{ id: 'ask', model: 'm', prompt: text }] } });
    prompt('{{ [][record.index] }}');
    job();
    expect(told(await run())[1]).toBe('TEMPLATE_ERROR');
    cpSync(bench.path('out'), bench.path('cut'), { recursive: true });
    prompt('Say {{ topic }}.');
    expect(told(await run())[1]).toBe('COMPLETED');
    expect(await whole()).toBe(true);
    // The checkpoint names what job.json is about to be; then the process dies.
    const checkpoint = JSON.parse(readFileSync(bench.path('cut/checkpoint.json'), 'utf8')) as Record<string, unknown>;
    checkpoint['job_digest'] = createHash('sha256')
      .update(read('job.json').replaceAll(specOf('out').job_id, specOf('cut').job_id))
      .digest('hex');
    writeFileSync(bench.path('cut/checkpoint.json'), JSON.stringify(checkpoint));
    expect(told(await run({ out: 'cut' }))[1]).toBe('COMPLETED');
    expect((await verify({ dir: 'cut', ...at })).exitCode).toBe(0);
  });

  test('an edit that a death cut off, at every moment of it: whole, resumed as it stands, and free to change again', async () => {
    const prompt = (text: string, part: string) => {
      bench.write('part.txt', part);
      bench.yaml('template.yaml', { template: { steps: [{ id: 'ask', model: 'm', prompt: text }] } });
    };
    const old = () => {
      prompt("{% include 'part.txt' %}{{ [][record.index] }}", 'Old.');
    };
    old();
    job();
    expect(told(await run())[1]).toBe('TEMPLATE_ERROR');
    cpSync(bench.path('out'), bench.path('old'), { recursive: true });
    prompt("{% include 'part.txt' %} {{ topic }}", 'New.');
    expect(told(await run())[1]).toBe('COMPLETED');
    cpSync(bench.path('out'), bench.path('new'), { recursive: true });

    const stage = () => {
      cpSync(bench.path('new/job.json'), bench.path('out/inputs/next/job.json'));
      cpSync(bench.path('new/inputs/template'), bench.path('out/inputs/next/template'), { recursive: true });
    };
    const name = () => {
      const { digest: _digest, ...rest } = JSON.parse(read('checkpoint.json')) as Record<string, unknown>;
      const sha256 = (body: Uint8Array | string) => createHash('sha256').update(body).digest('hex');
      const next = withDigest(sha256, { ...rest, job_digest: sha256(readFileSync(bench.path('new/job.json'))) });
      writeFileSync(bench.path('out/checkpoint.json'), JSON.stringify(next));
    };
    const place = () => cpSync(bench.path('new/job.json'), bench.path('out/job.json'));
    const move = (file: string) =>
      renameSync(bench.path('out/inputs/next/template', file), bench.path('out/inputs/template', file));
    const moments = [stage, name, place, () => move('part.txt'), () => move('template.yaml')];
    for (let n = 1; n <= moments.length; n++) {
      const cut = async () => {
        rmSync(bench.path('out'), { recursive: true });
        cpSync(bench.path('old'), bench.path('out'), { recursive: true });
        for (const moment of moments.slice(0, n)) moment();
        expect(await whole(), `moment ${n}`).toBe(true);
      };
      // As soon as the checkpoint names it, it is what the job is.
      const ends = ['TEMPLATE_ERROR', 'COMPLETED'];
      await cut();
      expect(told(await resume({ dir: 'out', ...at }))[1], `moment ${n}`).toBe(ends[n < 2 ? 0 : 1]);
      await cut();
      prompt("{% include 'part.txt' %} {{ topic }}", 'New.');
      expect(told(await run())[1], `moment ${n}`).toBe('COMPLETED');
      expect(dataset(bench.path('out'))[0]?.generation_result['ask']?.prompt).toMatch(/^New\. topic/);
      await cut();
      prompt("{% include 'part.txt' %} {{ topic }}!", 'Newer.');
      expect(told(await run())[1], `moment ${n}`).toBe('COMPLETED');
      expect(dataset(bench.path('out'))[0]?.generation_result['ask']?.prompt).toMatch(/^Newer\. topic \d!/);
      expect([await whole(), existsSync(bench.path('out/inputs/next'))]).toEqual([true, false]);
    }
  });

  test('a command that another process keeps out changes no file of the job', async () => {
    const two = (second: string) =>
      bench.yaml('template.yaml', {
        template: { steps: [...ONE_STEP.template.steps, { id: 'then', model: 'm', prompt: second }] },
      });
    two('Then {{ steps.ask.output }}');
    job({ num_records: 4 });
    stub.set({ latencyMs: 1000 });
    const first = startCli(['generate', 'job.yaml', '--out', 'out', '--json'], { cwd: bench.dir });
    await until(() => stub.stats().inFlight === 4);
    two('THEN {{ steps.ask.output }}');
    const before = read('job.json');
    expect((await runCli(['generate', 'job.yaml', '--out', 'out'], { cwd: bench.dir })).code).toBe(4);
    expect(read('job.json')).toBe(before);
    expect((await first.done).code).toBe(0);
    expect(await whole()).toBe(true);
    expect(dataset(bench.path('out'))[0]?.generation_result['then']?.prompt).toMatch(/^Then/);
  });
});

const specOf = (dir: string) => JSON.parse(readFileSync(bench.path(dir, 'job.json'), 'utf8')) as { job_id: string };

describe('an edited folder is not run', () => {
  beforeEach(async () => {
    job(capped);
    await run();
  });
  test.each([
    ['job.json', '"output": 2000000000', '"output": 2'],
    ['job.json', '"max_attempts": 3', '"max_attempts": 4'],
    ['job.json', '"job_seed": 7', '"job_seed": 8'],
    ['inputs/seeds.jsonl', 'topic 9', 'tapir 9'],
  ])('%s: %s', async (file, from, to) => {
    expect(read(file)).toContain(from);
    writeFileSync(bench.path('out', file), read(file).replace(from, to));
    const { accepted } = stub.stats();
    const resumed = told(await resume({ dir: 'out', budgetLimit: '1', ...at }));
    expect(resumed).toMatchObject([2, 'DAMAGED', expect.stringContaining(file)]);
    job({ ...jobFile(stub.url, { num_records: 20 }), job_seed: undefined });
    expect([2, 4]).toContain(told(await run())[0]);
    expect(stub.stats().accepted).toBe(accepted);
  });
});

describe('what a model needs and this machine lacks', () => {
  const AWS = { provider: 'bedrock', model: 'claude-sonnet', base_url: undefined, price: { input: 1, output: 1 } };
  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ['a header that is not to be set', { headers: { Authorization: 'x' } }, 'BAD_SETTINGS', /models\.m.*Authorization/],
    ['a body field that could cost more', { extra_body: { n: 5 } }, 'BAD_SETTINGS', /models\.m.*extra_body/],
    [
      'a model that is not here',
      { provider: 'llama', model: 'nope', base_url: undefined },
      'MODEL_UNKNOWN',
      /models\.m.*nope/,
    ],
    ['recordings that are none', { provider: 'replay', path: 'template.yaml' }, 'BAD_RECORDINGS', /models\.m.*line 1/],
    ['a region', AWS, 'NO_REGION', /models\.m.*region/],
  ])('%s: exit 2, and nothing is created', async (_name, change, reason, pattern) => {
    job(model(change));
    const result = await run();
    expect(told(result)).toMatchObject([2, reason, expect.stringMatching(pattern)]);
    expect(result.body).toMatchObject({ error: { hint: expect.stringMatching(/./) } });
    expect(existsSync(bench.path('out'))).toBe(false);
  });

  test('a key with a line break, likewise', async () => {
    job(model({ api_key_env: 'KEY' }));
    const result = await generate({
      jobPath: bench.path('job.yaml'),
      out: 'out',
      env: { KEY: 'sk-1\n' },
      cwd: bench.dir,
    });
    expect(told(result)).toMatchObject([2, 'BAD_SETTINGS', expect.stringContaining('models.m')]);
    expect(JSON.stringify(result)).not.toContain('sk-1');
    expect(existsSync(bench.path('out'))).toBe(false);
  });
});

test('a job.json that is no file of ours is left alone, with its folder', async () => {
  bench.yaml('job.json', jobFile(stub.url));
  const before = readdirSync(bench.dir);
  const result = await generate({ jobPath: bench.path('job.json'), out: '.', ...at });
  expect(told(result).slice(0, 2)).toEqual([2, 'BAD_PATH']);
  expect(readdirSync(bench.dir)).toEqual(before);
});
