// SPDX-License-Identifier: Apache-2.0
// A job folder from somebody else: whatever it holds, no command reads or writes outside of it.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { withDigest } from '@stint/core';
import type { Manifest, ShardCheckpoint } from '@stint/core';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { cancel, exportDataset, generate, resume, status, verify } from '@stint/runtime';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jobFile, ONE_STEP, TOPICS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

let bench: Workbench;
let stub: StubModelServer;
let job: string;
beforeAll(async () => {
  bench = workbench();
  bench.yaml('template.yaml', ONE_STEP);
  bench.write('seeds.jsonl', TOPICS);
  stub = await startStubModelServer({ badFor: [{ pattern: 'topic 3', times: 2, text: '' }] });
  job = bench.yaml('job.yaml', jobFile(stub.url, { partition_strategy: 'timestamp' }));
  const { exitCode } = await generate({ jobPath: job, out: 'whole', env: {}, cwd: bench.dir });
  expect(exitCode).toBe(0);
});
afterAll(async () => {
  await stub.close();
  bench.dispose();
});
beforeEach(() => {
  for (const name of ['copy', 'outside']) rmSync(bench.path(name), { recursive: true, force: true });
  cpSync(bench.path('whole'), bench.path('copy'), { recursive: true });
  mkdirSync(bench.path('outside'));
});

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const copy = (...parts: string[]): string => bench.path('copy', ...parts);
const o = () => ({ dir: 'copy', env: {}, cwd: bench.dir });
const commands = {
  status: () => status(o()),
  verify: () => verify(o()),
  resume: () => resume({ ...o(), numRecords: 25 }),
  export: () => exportDataset(o()),
  cancel: () => cancel(o()),
  generate: () => generate({ jobPath: job, out: 'copy', numRecords: 25, env: {}, cwd: bench.dir }),
};

async function allRefuse(naming: string): Promise<void> {
  for (const [name, run] of Object.entries(commands)) {
    const { exitCode, body } = await run();
    expect(exitCode, `${name} ${JSON.stringify(body)}`).toBe(name === 'verify' ? 1 : 2);
    expect(JSON.stringify(body), name).toContain(naming);
  }
}

describe('links', () => {
  const batch = () => `outputs/${readdirSync(bench.path('whole/outputs'))[0] ?? ''}`;
  test.each<[string, () => string]>([
    ['job.json', () => 'job.json'],
    ['the state', () => 'state.sqlite'],
    ['the checkpoint', () => 'checkpoint.json'],
    ['a shard', () => 'shards/0/checkpoint.json'],
    ['the seeds', () => 'inputs/seeds.jsonl'],
    ['the template', () => 'inputs/template/template.yaml'],
    ['a batch', batch],
    ['the dataset', () => 'exports/dataset.jsonl'],
    ['the manifest', () => 'exports/manifest.json'],
    ['the folder of exports', () => 'exports'],
    ['the folder of partitions', () => 'exports/partitioned'],
    ['the folder of shards', () => 'shards'],
    ['the folder of batches', () => 'outputs'],
    ['the folder of rejects', () => 'rejects'],
    ['the folder of inputs', () => 'inputs'],
  ])('%s lies elsewhere: refused, and what it leads to stays as it was', async (_what, of) => {
    const name = of();
    const target = bench.path('outside', basename(name));
    renameSync(copy(name), target);
    symlinkSync(target, copy(name));
    const before = contentOf(bench.path('outside'));
    await allRefuse(`${name} is a link`);
    expect(contentOf(bench.path('outside'))).toEqual(before);
  });

  test('one at a name that is still to be written', async () => {
    for (const name of ['exports', '.tmp']) rmSync(copy(name), { recursive: true });
    symlinkSync(bench.path('outside/new'), copy('exports'));
    symlinkSync(bench.path('outside'), copy('.tmp'));
    await allRefuse(' is a link');
    expect(existsSync(bench.path('outside/new'))).toBe(false);
  });

  test('a pipe, which would hold a reader up for ever', async () => {
    rmSync(copy('exports/README.md'));
    execFileSync('mkfifo', [copy('exports/README.md')]);
    await allRefuse('exports/README.md is neither a file nor a folder');
  });

  test('the folder itself may be one, and so may what is not ours in it', async () => {
    symlinkSync(copy(), bench.path('outside/job'));
    symlinkSync(bench.path('outside'), copy('notes'));
    const { exitCode } = await verify({ dir: 'outside/job', env: {}, cwd: bench.dir });
    expect(exitCode).toBe(0);
  });
});

describe('names that lead out of the folder', () => {
  beforeEach(() => writeFileSync(bench.path('outside/secret'), 'secret'));

  test('of a batch', async () => {
    const doc = JSON.parse(readFileSync(copy('shards/0/checkpoint.json'), 'utf8')) as ShardCheckpoint;
    const { digest: _digest, ...rest } = doc;
    const batches = rest.batches.map((b) => ({ ...b, key: 'outputs/../../outside/secret' }));
    writeFileSync(
      copy('shards/0/checkpoint.json'),
      JSON.stringify(withDigest<ShardCheckpoint>(sha256, { ...rest, batches })),
    );
    for (const [name, run] of Object.entries(commands)) {
      if (name === 'cancel') continue;
      const { exitCode, body } = await run();
      expect(exitCode, `${name} ${JSON.stringify(body)}`).toBe(name === 'verify' ? 1 : 2);
      expect(JSON.stringify(body), name).toContain('shards/0/checkpoint.json');
    }
  });

  test('of a template', async () => {
    const text = readFileSync(copy('job.json'), 'utf8');
    writeFileSync(copy('job.json'), text.replace('"path": "template.yaml"', '"path": "../../../outside/secret"'));
    await allRefuse('job.json');
  });

  test('of an export', async () => {
    const { digest: _digest, ...rest } = JSON.parse(readFileSync(copy('exports/manifest.json'), 'utf8')) as Manifest;
    const files = rest.files.map((f) => ({ ...f, path: 'exports/../../outside/secret' }));
    writeFileSync(copy('exports/manifest.json'), JSON.stringify(withDigest<Manifest>(sha256, { ...rest, files })));
    const { exitCode, body } = await verify(o());
    expect(exitCode).toBe(1);
    expect(JSON.stringify(body)).toContain('exports/manifest.json is not a valid');
  });
});

/** Every file below a folder, with its bytes. */
function contentOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  return new Map(files.map((e) => [`${e.parentPath}/${e.name}`, sha256(readFileSync(`${e.parentPath}/${e.name}`))]));
}
