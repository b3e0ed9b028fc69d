// SPDX-License-Identifier: Apache-2.0
// Bad input: one clear message that names file, field or line and what to do, exit 2, and nothing is created or spent.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { generate, plan } from '@stint/runtime';
import type { ErrorBody } from '@stint/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { errorOf, jobFile, runCli, TOPICS, TWO_STEPS, workbench } from '../testing/workbench.ts';
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

async function refused(o: { out?: string; env?: NodeJS.ProcessEnv } = {}): Promise<ErrorBody> {
  const at = { env: o.env ?? {}, cwd: bench.dir };
  const { exitCode, body } = await generate({ jobPath: bench.path('job.yaml'), out: o.out ?? 'out', ...at });
  if (!('error' in body)) throw new Error(`was not refused: ${JSON.stringify(body)}`);
  expect(exitCode).toBe(2);
  expect(stub.stats().accepted + stub.stats().errors).toBe(0);
  if (o.out === undefined) expect(existsSync(bench.path('out/job.json'))).toBe(false);
  expect(body.error.hint ?? '', `${body.error.message}: says what to do`).not.toBe('');
  // What is wrong with the files is known before a job is made, so `plan` says it in the same words.
  if (o.out === undefined) expect(await plan({ jobPath: bench.path('job.yaml'), ...at })).toEqual({ exitCode, body });
  return body.error;
}
const job = (change: Record<string, unknown> = {}) => bench.yaml('job.yaml', jobFile(stub.url, change));
const model = (change: Record<string, unknown>) => {
  const { models } = jobFile(stub.url) as { models: { m: Record<string, unknown> } };
  return {
    models: { m: Object.fromEntries(Object.entries({ ...models.m, ...change }).filter(([, v]) => v !== undefined)) },
  };
};
const part = (path: string) => ({ partition_strategy: `field:generation_result.${path}` });
/** What only `openai` has, taken out. */
const replay = { provider: 'replay', base_url: undefined };
const step = (change: Record<string, unknown>) =>
  bench.yaml('template.yaml', {
    template: { id: 't', steps: [{ id: 'ask', model: 'm', prompt: 'Say {{ topic }}', ...change }] },
  });

describe('job file', () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['unknown key', { num_recods: 5 }, /job\.yaml.*num_recods.*num_records/s],
    ['wrong type', { num_records: 'many' }, /num_records/],
    ['out of bounds', { num_records: 0 }, /num_records/],
    ['negative budget', { budget_limit: -1 }, /budget_limit/],
    ['bad name', { name: '../evil' }, /name/],
    ['bad sampling', { sampling: 'sorted' }, /sampling/],
    ['weighted by a field that rows lack', { sampling: 'weighted(score)' }, /score/],
    ['bad format', { output_format: ['XLSX'] }, /output_format/],
    ['template that is not there', { template: './nope.yaml' }, /nope\.yaml/],
    ['both template and id', { template_id: 'poem' }, /template/],
    ['unknown sample', { template: undefined, template_id: 'sonnet' }, /sonnet/],
    ['seeds that are not there', { seed_data_path: './nope.jsonl' }, /nope\.jsonl/],
    ['seeds on another machine', { seed_data_path: 'file://host/x.jsonl' }, /file:\/\/host.*no URL of a file/s],
    ['seeds by a URL that is no path', { seed_data_path: 'file:///x%2Fy.jsonl' }, /file:.*no URL of a file/s],
    ['seeds on the web', { seed_data_path: 'https://example.com/x.jsonl' }, /https:/],
    ['seeds that are a folder', { seed_data_path: '.' }, /not a file.*JSONL/s],
    ['seeds in a bucket', { seed_data_path: 's3://b/x.jsonl' }, /s3:.*not in this version/],
    ['partition by a field that rows lack', { partition_strategy: 'field:nope' }, /nope/],
    ['partition by a step that is none', part('nope.output'), /yaml:\d+: partition.* no "nope", only ask, answer/],
    ['partition by what no step has', part('ask.json.label'), /"generation_result.ask" has no "json", only prompt, o/],
    ['partition by a whole step', part('ask'), /"generation_result.ask" is not one value, but prompt, output/],
    ['partition by a part of a text', part('ask.output.x'), /ask.output" has no parts, so no "x"/],
    ['partition by a part of a number', { partition_strategy: 'field:index.x' }, /no seed row has a field "index.x"/],
    ['give_up_after', { give_up_after: 'soon' }, /give_up_after/],
    ['give_up_after beyond all numbers', { give_up_after: `${'9'.repeat(400)}h` }, /give_up_after/],
    ['an alias that is none', { models: { 'a b': { provider: 'rehearsal', model: 'x' } } }, /letters, digits/],
    ['give_up_after no time at all', { give_up_after: '0s' }, /give_up_after/],
    ['more failures than records', { max_failures: '150%' }, /max_failures/],
    ['no budget, though models cost', { budget_limit: undefined }, /budget_limit/],
  ])('%s', async (_name, change, pattern) => {
    job(change);
    const e = await refused();
    expect(`${e.message} ${e.hint}`).toMatch(pattern);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['no price', { price: undefined }, /price.*models\.m\.price/s],
    ['unknown provider', { provider: 'acme' }, /provider/],
    ['no model', { model: undefined }, /models\.m\.model is missing/],
    ['no provider', { provider: undefined }, /models\.m\.provider is missing/],
    ['half a price', { price: { input: 1 } }, /models\.m\.price\.output is missing/],
    ['unknown key', { temprature: 1 }, /temprature/],
    ['base_url', { base_url: 'ftp://x/v1' }, /base_url/],
    ['base_url with a password', { base_url: 'http://u:secret@127.0.0.1/v1' }, /base_url/],
    ['variable that is not set', { api_key_env: 'NOT_SET_HERE' }, /NOT_SET_HERE/],
    ['AWS variable', { api_key_env: 'AWS_SECRET_ACCESS_KEY' }, /AWS/],
    ['key in the file', { api_key: 'sk-1' }, /api_key/],
    ["a header that can't be sent", { headers: { 'x y': 'z' } }, /models\.m.*headers: "x y" is no header name/],
    ['a header of two lines', { headers: { a: 'b\r\nc: d' } }, /models\.m.*headers: the value of a/],
    ['recordings that are none', { ...replay, path: './template.yaml' }, /models\.m.*template\.yaml/],
    ['recordings that are not there', { ...replay, path: './nope.jsonl' }, /nope\.jsonl/],
    ['a local model that nobody knows', { ...replay, provider: 'llama', model: 'nope' }, /no model is called "nope"/],
    ['key in a header', { headers: { Authorization: 'Bearer secret' } }, /models\.m.*headers: Authorization/],
    ['several answers for one call', { extra_body: { n: 5 } }, /models\.m.*extra_body: n/],
    ['what another provider does', { region: 'us-east-1' }, /region.*only for provider bedrock/],
  ])('model: %s', async (_name, change, pattern) => {
    job(model(change));
    const e = await refused();
    expect(`${e.message} ${e.hint}`).toMatch(pattern);
    expect(JSON.stringify(e)).not.toContain('secret');
  });

  test.each([
    ['job file', 'job.yaml'],
    ['template', 'template.yaml'],
  ])('a %s that is not UTF-8, or no file at all', async (what, name) => {
    job();
    const text = readFileSync(bench.path(name));
    writeFileSync(bench.path(name), Buffer.concat([text, Buffer.from('\n# caf\xe9\n', 'latin1')]));
    const line = text.toString().split('\n').length + 1;
    expect((await refused()).message).toBe(
      `${what} ${bench.path(name)}: line ${line} is not UTF-8, so its text would be changed`,
    );
    rmSync(bench.path(name));
    symlinkSync('/dev/zero', bench.path(name));
    expect((await refused()).message).toBe(`${what} ${bench.path(name)}: this is no file`);
  });

  test('a problem alone says its hint once', async () => {
    job({ num_recods: 5 });
    const e = await refused();
    expect(e.message).not.toContain('Did you mean');
    expect(e.hint).toBe('Did you mean "num_records"?');
  });

  test('a value that is no number is shown as it is', async () => {
    bench.write('job.yaml', JSON.stringify(jobFile(stub.url)).replace('"budget_limit":1', '"budget_limit": .nan'));
    expect((await refused()).message).toMatch(/budget_limit: .*, not NaN/);
  });

  test('merge keys are taken, as many tools write them', async () => {
    const base = `{ provider: openai, base_url: '${stub.url}', model: stub, max_tokens: 50, price: { input: 1, output: 2 } }`;
    bench.write(
      'job.yaml',
      'name: job\ntemplate: ./template.yaml\nseed_data_path: ./seeds.jsonl\nnum_records: 1\nbudget_limit: 1\n' +
        `models:\n  base: &base ${base}\n  m:\n    <<: *base\n    max_tokens: 7\n`,
    );
    const { exitCode } = await generate({ jobPath: bench.path('job.yaml'), out: 'out', env: {}, cwd: bench.dir });
    expect([exitCode, stub.calls()[0]?.maxTokens]).toEqual([0, 7]);
  });

  test('all problems at once, each with its line', async () => {
    bench.write(
      'job.yaml',
      `name: job\ntemplate: ./template.yaml\nseed_data_path: ./seeds.jsonl\nnum_records: -1\nbudget_limit: x\ncolour: red\n`,
    );
    const e = await refused();
    expect(e.message).toMatch(/:4/);
    expect(e.message).toMatch(/:5/);
    expect(e.message).toMatch(/:6/);
    expect(e.message).toMatch(/num_records[\s\S]*budget_limit[\s\S]*colour/);
  });

  test.each<[string, string]>([
    ['no YAML', 'name: [1\n'],
    ['empty', ''],
    ['a list', '- 1\n'],
    ['a key twice', 'name: a\nname: b\n'],
    ['two documents', 'name: a\n---\nname: b\n'],
    [
      'a bomb of aliases',
      `a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefghij'
        .split('')
        .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`)
        .join('\n')}\n`,
    ],
    ['bytes that are no text', '\u0000\u0001\u0002'],
  ])('%s', async (_name, text) => {
    bench.write('job.yaml', text);
    expect((await refused()).message).toContain('job.yaml');
  });
});

describe('template', () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['syntax', { prompt: 'Say {{ topic' }, /template\.yaml:\d+.*prompt/s],
    ['unknown filter', { prompt: '{{ topic | shout }}' }, /shout/],
    ['unknown alias', { model: 'nobody' }, /nobody/],
    ['a step before it ran', { prompt: '{{ steps.later.output }}' }, /later/],
    ['a field that the seeds lack', { prompt: '{{ colour }}' }, /colour.*seeds\.jsonl/s],
    ['unknown key', { promt: 'x' }, /promt.*"prompt"/s],
    ['neither prompt nor sample', { prompt: undefined }, /prompt, sample, compute/],
    ['bad schema', { output: { type: 'strng' } }, /output/],
    ['bad regex', { expect: { regex: '(' } }, /regex/],
    ['an include out of its folder', { prompt: '{% include "../x.txt" %}' }, /\.\.\/x\.txt/],
    ['an absolute include', { prompt: '{% include "/etc/passwd" %}' }, /\/etc\/passwd/],
    ['an include that is not there', { prompt: '{% include "x.txt" %}' }, /x\.txt/],
  ])('%s', async (_name, change, pattern) => {
    step(change);
    job();
    const e = await refused();
    expect(`${e.message} ${e.hint} ${JSON.stringify(e.details)}`).toMatch(pattern);
  });

  test('an include that may be missing is no problem', async () => {
    step({ prompt: '{{ topic }}{% include "x.txt" ignore missing %}{% include ["y.txt", "z.txt"] ignore missing %}' });
    job({ num_records: 2 });
    const { exitCode, body } = await generate({ jobPath: bench.path('job.yaml'), out: 'out', env: {}, cwd: bench.dir });
    expect({ exitCode, body }).toMatchObject({ exitCode: 0 });
  });

  test('a link that leads out of its folder', async () => {
    bench.write('elsewhere/secret.txt', 'secret');
    mkdirSync(bench.path('t'));
    symlinkSync(bench.path('elsewhere/secret.txt'), bench.path('t/link.txt'));
    bench.yaml('t/template.yaml', {
      template: { id: 't', steps: [{ id: 'a', model: 'm', prompt: '{% include "link.txt" %}' }] },
    });
    job({ template: './t/template.yaml' });
    expect((await refused()).message).toContain('link.txt');
  });
});

describe('seeds', () => {
  test.each<[string, string, string, RegExp]>([
    ['broken JSON on a line', 'seeds.jsonl', '{"topic":"a"}\n{"topic":\n', /seeds\.jsonl.*2/s],
    ['a row that is no object', 'seeds.jsonl', '{"topic":"a"}\n[1]\n', /seeds\.jsonl.*2/s],
    ['a row without the field', 'seeds.jsonl', '{"topic":"a"}\n{"subject":"b"}\n', /topic.*2|2.*topic/s],
    ['no row', 'seeds.jsonl', '', /seeds\.jsonl/],
    ['CSV with too few cells', 'seeds.csv', 'topic,b\n"a",1\n"x\n', /seeds\.csv/],
    ['Parquet that is none', 'seeds.parquet', 'PAR1 nothing', /seeds\.parquet/],
  ])('%s', async (_name, file, text, pattern) => {
    bench.write(file, text);
    job({ seed_data_path: `./${file}` });
    const e = await refused();
    expect(`${e.message} ${JSON.stringify(e.details)}`).toMatch(pattern);
  });
});

describe('weights', () => {
  test.each<[string, string, RegExp]>([
    ['that are no numbers', '{"topic":"a","w":1}\n{"topic":"b","w":null}\n', /seeds\.jsonl:2.*"w"/],
    ['of which none is above 0', '{"topic":"a","w":0}\n{"topic":"b","w":0.0}\n', /sum up to 0/],
  ])('%s', async (_name, text, pattern) => {
    bench.write('seeds.jsonl', text);
    job({ sampling: 'weighted(w)' });
    expect((await refused()).message).toMatch(pattern);
  });
});

describe('the folder', () => {
  test('one with other files in it is not written to', async () => {
    bench.write('mine/notes.txt', 'mine');
    job();
    expect((await refused({ out: 'mine' })).message).toContain('mine');
    expect(existsSync(bench.path('mine/state.sqlite'))).toBe(false);
  });

  test.each([['status'], ['verify'], ['resume'], ['export'], ['cancel']])(
    '%s of what is no job: exit 2',
    async (command) => {
      bench.write('mine/notes.txt', 'mine');
      for (const dir of ['mine', 'nowhere']) {
        const ran = await runCli([command, dir, '--json'], { cwd: bench.dir });
        expect(ran.code).toBe(2);
        expect(errorOf(ran)).toMatchObject({ reason: 'NOT_A_JOB' });
      }
      expect(existsSync(bench.path('mine/state.sqlite'))).toBe(false);
      expect(existsSync(bench.path('nowhere'))).toBe(false);
    },
  );
});

describe('a frozen input that changed on resume: exit 4, saying what', () => {
  const again = async (flags: { jobSeed?: number } = {}) => {
    const { exitCode, body } = await generate({
      jobPath: bench.path('job.yaml'),
      out: 'out',
      env: {},
      cwd: bench.dir,
      ...flags,
    });
    return { exitCode, text: 'error' in body ? `${body.error.reason}: ${body.error.message}` : body.status };
  };
  beforeEach(async () => {
    job({ budget_limit: 0.002 });
    expect((await again()).exitCode).toBe(5);
  });

  test.each<[string, () => unknown, RegExp]>([
    ['seeds', () => bench.write('seeds.jsonl', TOPICS.replace('topic 1', 'tropic')), /seed data/],
    ['prompt', () => step({}), /step "ask"/],
    ['price', () => job({ budget_limit: 0.002, ...model({ price: { input: 2, output: 2 } }) }), /price of model "m"/],
    ['model', () => job({ budget_limit: 0.002, ...model({ model: 'other' }) }), /model "m"/],
    ['job_seed', () => job({ budget_limit: 0.002, job_seed: 8 }), /job_seed/],
    ['sampling', () => job({ budget_limit: 0.002, sampling: 'random' }), /sampling/],
  ])('%s', async (_name, change, pattern) => {
    change();
    const { accepted } = stub.stats();
    const { exitCode, text } = await again();
    expect(text).toMatch(/^INPUT_CHANGED/);
    expect(text).toMatch(pattern);
    expect(exitCode).toBe(4);
    expect(stub.stats().accepted).toBe(accepted);
  });

  test('a cap below what is spent', async () => {
    const { exitCode, body } = await generate({
      jobPath: bench.path('job.yaml'),
      out: 'out',
      env: {},
      cwd: bench.dir,
      budgetLimit: '0.0001',
    });
    expect(exitCode).toBe(4);
    expect(body).toMatchObject({
      error: { reason: 'BUDGET_BELOW_SPENT', hint: expect.stringMatching(/ \d+\.\d+\.$/) },
    });
  });

  test('comments, limits, concurrency and other names of the same files are free', async () => {
    job({ budget_limit: 1, concurrency: 3, num_records: 30 });
    expect(await again()).toEqual({ exitCode: 0, text: 'COMPLETED' });
    expect(stub.stats().repeatedCalls).toBe(0);
  });
});

describe('keys', () => {
  const env = { OPENAI_API_KEY: 'sk-openai-secret', OTHER_KEY: 'sk-other-secret', AWS_SECRET_ACCESS_KEY: 'aws-secret' };
  const went = async (change: Record<string, unknown>, o: { baseUrl?: string; env?: NodeJS.ProcessEnv } = {}) => {
    job({ num_records: 1, ...model(change) });
    const result = await generate({
      jobPath: bench.path('job.yaml'),
      out: 'out',
      env: o.env ?? env,
      cwd: bench.dir,
      baseUrl: o.baseUrl,
    });
    expect(JSON.stringify(result)).not.toMatch(/secret/);
    return { ...result, authorized: stub.calls().map((c) => c.authorization) };
  };

  test('OPENAI_API_KEY goes to a loopback address', async () => {
    expect(await went({})).toMatchObject({ exitCode: 0, authorized: [true, true] });
  });
  test('without a key the request goes out without one', async () => {
    expect(await went({}, { env: {} })).toMatchObject({ exitCode: 0, authorized: [false, false] });
  });
  test('OPENAI_API_KEY is not for another host, not even when asked', async () => {
    const { exitCode, body } = await went({ base_url: 'https://example.com/v1', api_key_env: 'OPENAI_API_KEY' });
    expect(exitCode).toBe(2);
    expect(body).toMatchObject({ error: { reason: 'BAD_API_KEY_ENV' } });
  });
  test('--base-url takes no key of another host along', async () => {
    const { exitCode, authorized } = await went(
      { base_url: 'https://models.example.com/v1', api_key_env: 'OTHER_KEY' },
      { baseUrl: stub.url, env: { OTHER_KEY: 'sk-other-secret' } },
    );
    expect({ exitCode, authorized }).toEqual({ exitCode: 0, authorized: [false, false] });
  });
  test('a key is in no file of the job', async () => {
    await went({ api_key_env: 'OTHER_KEY' });
    const { execFileSync } = await import('node:child_process');
    expect(() => execFileSync('grep', ['-r', 'secret', bench.path('out')])).toThrow();
  });
});
