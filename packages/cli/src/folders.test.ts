// SPDX-License-Identifier: Apache-2.0
// Folders that can't be written, read or made: said so with what to do, never an internal error.
import { chmodSync, cpSync, readdirSync, symlinkSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import type { StubModelServer } from '@stint/contracts/stub-model-server';
import { cancel, generate, resume, status, verify } from '@stint/runtime';
import type { CommandResult } from '@stint/runtime';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asNobody, jobFile, ONE_STEP, TOPICS, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

let bench: Workbench;
let stub: StubModelServer;
let copies = 0;
let copy: string;
const at = () => ({ env: {}, cwd: bench.dir });
const run = (out: string) => generate({ jobPath: bench.path('job.yaml'), out, ...at() });

beforeAll(async () => {
  bench = workbench();
  chmodSync(bench.dir, 0o755);
  bench.yaml('template.yaml', ONE_STEP);
  bench.write('seeds.jsonl', TOPICS);
  stub = await startStubModelServer({ price: { input: 1, output: 2 } });
  bench.yaml('job.yaml', jobFile(stub.url));
  expect((await run('whole')).exitCode).toBe(0);
  // What these load, they load as the user who owns the checkout.
  expect((await verify({ dir: 'whole', ...at() })).exitCode).toBe(0);
});
afterAll(async () => {
  await stub.close();
  bench.dispose();
});
beforeEach(() => {
  copy = `copy-${++copies}`;
  cpSync(bench.path('whole'), bench.path(copy), { recursive: true });
});

function refusal({ exitCode, body }: CommandResult<object>): [number, string] {
  if (!('error' in body)) throw new Error(`was not refused: ${JSON.stringify(body)}`);
  expect(body.error.hint).toMatch(/./);
  return [exitCode, body.error.reason];
}

test('a copy on a read-only disk tells its status and verifies; nothing else works, and says why', async () => {
  for (const e of readdirSync(bench.path(copy), { recursive: true, withFileTypes: true })) {
    chmodSync(`${e.parentPath}/${e.name}`, e.isDirectory() ? 0o555 : 0o444);
  }
  chmodSync(bench.path(copy), 0o555);
  await asNobody(async () => {
    expect(await status({ dir: copy, ...at() })).toMatchObject({ exitCode: 0, body: { status: 'COMPLETED' } });
    expect(await verify({ dir: copy, ...at() })).toMatchObject({ exitCode: 0, body: { ok: true } });
    expect(refusal(await resume({ dir: copy, numRecords: 30, ...at() }))).toEqual([6, 'STORAGE_DENIED']);
    expect(refusal(await cancel({ dir: copy, ...at() }))).toEqual([6, 'STORAGE_DENIED']);
  });
  for (const e of readdirSync(bench.path(copy), { recursive: true, withFileTypes: true })) {
    if (e.isDirectory()) chmodSync(`${e.parentPath}/${e.name}`, 0o755);
  }
  chmodSync(bench.path(copy), 0o755);
});

test.each(['job.json', 'checkpoint.json', 'inputs/seeds.jsonl', 'inputs/template/template.yaml'])(
  'a %s that may not be read',
  async (file) => {
    for (const e of readdirSync(bench.path(copy), { recursive: true, withFileTypes: true })) {
      chmodSync(`${e.parentPath}/${e.name}`, e.isDirectory() ? 0o777 : 0o666);
    }
    chmodSync(bench.path(copy), 0o777);
    chmodSync(bench.path(copy, file), 0);
    await asNobody(async () => {
      expect(refusal(await resume({ dir: copy, numRecords: 30, ...at() }))).toEqual([6, 'STORAGE_DENIED']);
      expect(refusal(await verify({ dir: copy, ...at() }))).toEqual([6, 'STORAGE_DENIED']);
    });
  },
);

test('a folder that may not be made', async () => {
  chmodSync(bench.dir, 0o555);
  try {
    expect(await asNobody(async () => refusal(await run('new')))).toEqual([6, 'STORAGE_DENIED']);
  } finally {
    chmodSync(bench.dir, 0o755);
  }
});

test.each([
  ['below a file', () => 'job.yaml/out'],
  [
    'at the end of a link that leads nowhere',
    () => {
      symlinkSync('nowhere', bench.path('dangling'));
      return 'dangling';
    },
  ],
  ['with a name that is too long', () => 'x'.repeat(300)],
  // Only Linux has such a place; elsewhere any other that can't be.
  ['below /proc', () => (process.platform === 'linux' ? '/proc/nope/x' : 'job.yaml/x')],
])('a folder that can’t be made, %s', async (_name, out) => {
  expect(refusal(await run(out()))).toEqual([2, 'BAD_PATH']);
});
