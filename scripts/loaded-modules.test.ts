// SPDX-License-Identifier: Apache-2.0
// What a command loads is most of the time that it takes to start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const CLI = resolve(import.meta.dirname, '../packages/cli/bin/stint.js');
const dir = mkdtempSync(join(tmpdir(), 'stint-loaded-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function modulesOf(...args: string[]): Promise<string[]> {
  const list = join(dir, 'modules');
  const hook = `
    import { registerHooks } from 'node:module';
    import { writeFileSync } from 'node:fs';
    const seen = [];
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
    process.on('exit', () => writeFileSync(${JSON.stringify(list)}, seen.join('\\n')));`;
  const ran = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, CLI, ...args], {
    cwd: dir,
    env: { PATH: process.env['PATH'], STINT_HOME: join(dir, 'home') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  ran.stderr.on('data', (d: Buffer) => (said += d.toString()));
  expect(await once(ran, 'close'), said).toEqual([0, null]);
  return readFileSync(list, 'utf8').split('\n');
}

test('a task loads nothing of datasets, of AWS, or of checks that it does not need', async () => {
  const loaded = await modulesOf('task', 'run', '--compute', 'process', 'none', '--', 'true');
  expect(loaded.filter((url) => url.includes('/core/src/task/')).length).toBeGreaterThan(5);
  const others =
    /\/(zod|yaml|@aws-sdk|@smithy|undici|@duckdb)\/|\/packages\/(jinja|models|export|aws|ecs-emulator)\/|\/core\/src\/formats\//;
  expect(loaded.filter((url) => others.test(url))).toEqual([]);
});

test('a job loads nothing of tasks, of other commands, of AWS, or of DuckDB, and of undici no more than a pool of connections', async () => {
  const answer = { choices: [{ message: { content: 'An answer.' }, finish_reason: 'stop' }], usage: {} };
  const server = createServer((_, response) => response.end(JSON.stringify({ model: 'one', ...answer })));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const model = {
    provider: 'openai',
    base_url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1`,
    model: 'one',
    price: { input: 0, output: 0 },
  };
  const job = { name: 'one', template: './template.yaml', num_records: 1, models: { m: model } };
  writeFileSync(join(dir, 'job.json'), JSON.stringify({ ...job, seed_data_path: './seeds.jsonl' }));
  writeFileSync(
    join(dir, 'template.yaml'),
    JSON.stringify({ template: { id: 'one', steps: [{ id: 's', model: 'm', prompt: 'Ask about {{ topic }}.' }] } }),
  );
  writeFileSync(join(dir, 'seeds.jsonl'), '{"topic":"birds"}\n');
  const loaded = await modulesOf('generate', 'job.json', '--out', 'made');
  server.close();
  const pool = /\/undici\/lib\/(core|dispatcher|llhttp|util)\//;
  expect(loaded.filter((url) => pool.test(url)).length).toBeGreaterThan(15);
  const others =
    /\/(@aws-sdk|@smithy|@duckdb|csv-parse)\/|\/packages\/(aws|ecs-emulator)\/|\/core\/src\/task\/|\/local\/src\/(containers|tasks|local-compute|sqlite-task)|\/runtime\/src\/(verify|tasks|plan|resume|job-commands|template-commands|models-commands)/;
  expect(loaded.filter((url) => others.test(url) || (url.includes('/undici/') && !pool.test(url)))).toEqual([]);
});
