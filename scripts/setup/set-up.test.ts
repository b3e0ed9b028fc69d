// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setUp } from './set-up.js';

// A checkout in miniature and an npm that does what `npm ci` does to the files: remove, install, write the hidden lock
// last. It counts its runs, and fails as npm does without a network where a file says so.
const NPM = `
import { appendFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
const dir = process.argv.find((arg) => arg.startsWith('--prefix=')).slice('--prefix='.length);
appendFileSync(join(dir, 'npm-runs'), process.argv.slice(2).join(' ') + '\\n');
rmSync(join(dir, 'node_modules'), { recursive: true, force: true });
mkdirSync(join(dir, 'node_modules'));
if (existsSync(join(dir, 'no-network'))) {
  writeFileSync(join(dir, 'node_modules/half'), '');
  console.error('npm error code ENOTFOUND');
  process.exit(1);
}
await new Promise((resolve) => setTimeout(resolve, 50));
cpSync(join(dir, 'package-lock.json'), join(dir, 'node_modules/.package-lock.json'));
`;

let root: string;
let said: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stint-setup-'));
  said = [];
  writeFileSync(join(root, 'npm.mjs'), NPM);
  writeLock(root, '1.0.0');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function writeLock(dir: string, version: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, 'node_modules/a': { version } } }),
  );
}
const runSetUp = (more: { llama?: boolean; platform?: string } = {}) =>
  setUp({ root, say: (line) => said.push(line), command: [process.execPath, join(root, 'npm.mjs')], ...more });
const npmRuns = (dir = root) =>
  existsSync(join(dir, 'npm-runs')) ? readFileSync(join(dir, 'npm-runs'), 'utf8').trim().split('\n') : [];

test('a bare clone is installed once, in one try, and then nothing is done', async () => {
  expect(await runSetUp()).toBe(0);
  expect(await runSetUp()).toBe(0);
  expect(npmRuns()).toHaveLength(1);
  expect(npmRuns()[0]).toMatch(/^ci .*--fetch-retries=0/);
});

test('without a network it goes on with the older packages, untouched, and says so in one line', async () => {
  await runSetUp();
  writeFileSync(join(root, 'node_modules/precious'), 'kept');
  writeLock(root, '2.0.0');
  writeFileSync(join(root, 'no-network'), '');
  said = [];
  expect(await runSetUp()).toBe(0);
  expect(npmRuns()).toHaveLength(2);
  expect(readFileSync(join(root, 'node_modules/precious'), 'utf8')).toBe('kept');
  expect(existsSync(join(root, 'node_modules/half'))).toBe(false);
  expect(said.slice(1)).toEqual([
    "the package registry can't be reached (ENOTFOUND); going on with what is installed.",
  ]);
});

test('without a network and with nothing installed it ends with exit code 1', async () => {
  writeFileSync(join(root, 'no-network'), '');
  expect(await runSetUp()).toBe(1);
});

test('a set-up killed half-way is done again, and its half is not taken for an installation', async () => {
  mkdirSync(join(root, 'node_modules'));
  writeFileSync(join(root, 'node_modules/half'), '');
  expect(await runSetUp()).toBe(0);
  expect(npmRuns()).toHaveLength(1);
});

test('set-ups at the same time install once', async () => {
  expect(await Promise.all([runSetUp(), runSetUp(), runSetUp()])).toEqual([0, 0, 0]);
  expect(npmRuns()).toHaveLength(1);
});

test('the lock of a dead process is taken over', async () => {
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  mkdirSync(join(root, '.cache/setup.lock'), { recursive: true });
  writeFileSync(join(root, '.cache/setup.lock/owner.json'), JSON.stringify({ pid: dead.pid, host: hostname() }));
  expect(await Promise.all([runSetUp(), runSetUp()])).toEqual([0, 0]);
  expect(npmRuns()).toHaveLength(1);
});

test('the local model runtime is installed on request, without install scripts', async () => {
  const llamaDir = join(root, 'optional/llama');
  writeLock(llamaDir, '3.22.1');
  await runSetUp();
  expect(npmRuns(llamaDir)).toHaveLength(0);
  await runSetUp({ llama: true, platform: 'linux-x64' });
  await runSetUp({ llama: true, platform: 'linux-x64' });
  expect(npmRuns(llamaDir)).toHaveLength(1);
  expect(npmRuns(llamaDir)[0]).toContain('--ignore-scripts');
});

test('a local model runtime that cannot be had is no error', async () => {
  const llamaDir = join(root, 'optional/llama');
  writeLock(llamaDir, '3.22.1');
  writeFileSync(join(llamaDir, 'no-network'), '');
  expect(await runSetUp({ llama: true, platform: 'linux-x64' })).toBe(0);
  expect(said.at(-1)).toContain('the rehearsal provider will be used');
  expect(await runSetUp({ llama: true, platform: 'darwin-arm64' })).toBe(0);
  expect(npmRuns(llamaDir)).toHaveLength(1);
});
