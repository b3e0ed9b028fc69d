// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';

// A checkout in miniature: the real stint.js beside a main.ts that plays a part. An older Node is played by a preload
// that changes what the first process believes of itself; everything after that is real processes and real signals.
const root = mkdtempSync(join(tmpdir(), 'stint-bin-'));
const bin = join(root, 'packages/cli/bin/stint.js');
const oldNode = join(root, 'old-node.mjs');

const MAIN = `
import { spawnSync } from 'node:child_process';
export async function main(argv: readonly string[]): Promise<number> {
  const say = (value: unknown) => console.log(JSON.stringify(value));
  if (argv[0] === 'env') {
    const inner = spawnSync(process.execPath, ['-p', 'JSON.stringify([process.env.STINT_REEXEC ?? null, typeof process.send])']);
    say({ mark: process.env['STINT_REEXEC'] ?? null, argv, inner: JSON.parse(inner.stdout.toString()) });
    return 0;
  }
  if (argv[0] === 'flood') {
    process.stdout.write('x'.repeat(1_000_000) + '\\n');
    return 7;
  }
  if (argv[0] === 'suicide') process.kill(process.pid, 'SIGUSR2');
  const alive = setInterval(() => {}, 1000);
  const signal = new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => resolve(name));
  });
  say({ pid: process.pid });
  say({ got: await signal });
  clearInterval(alive);
  return 5;
}
`;

beforeAll(() => {
  mkdirSync(join(root, 'packages/cli/bin'), { recursive: true });
  mkdirSync(join(root, 'packages/cli/src'), { recursive: true });
  mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true });
  cpSync(join(import.meta.dirname, 'stint.js'), bin);
  writeFileSync(join(root, 'packages/cli/package.json'), JSON.stringify({ type: 'module', version: '9.8.7' }));
  writeFileSync(join(root, 'packages/cli/src/main.ts'), MAIN);
  symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'));
  writeFileSync(
    oldNode,
    `if (process.env.STINT_REEXEC !== '1')
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });`,
  );
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const OLD = ['--import', oldNode];
const runBin = (nodeArgs: readonly string[], args: readonly string[]) =>
  spawnSync(process.execPath, [...nodeArgs, bin, ...args], { encoding: 'utf8' });

function start(
  nodeArgs: readonly string[],
  args: readonly string[],
): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [...nodeArgs, bin, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, lines };
}
async function nextJson(lines: AsyncIterator<string>): Promise<Record<string, unknown>> {
  const line = await lines.next();
  return JSON.parse(line.value as string) as Record<string, unknown>;
}

test.each(['--version', '-V'])('%s alone answers from package.json without loading the program', (flag) => {
  const started = performance.now();
  const { stdout, status } = runBin(['--no-experimental-strip-types'], [flag]);
  expect([stdout, status]).toEqual(['9.8.7\n', 0]);
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('an older Node runs the program under the one of the workspace, once, and the mark goes no further', () => {
  const { stdout, status } = runBin(OLD, ['env', 'a b', '--flag']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ mark: null, argv: ['env', 'a b', '--flag'], inner: [null, 'undefined'] });
});

test.each([
  ['directly', []],
  ['re-executed', OLD],
] as const)('%s, the exit code is passed on and no output is lost', (_, how) => {
  const { stdout, status } = runBin(how, ['flood']);
  expect([stdout.length, status]).toEqual([1_000_001, 7]);
});

test('without a Node to run under it says what to do and exits 2', () => {
  const bare = mkdtempSync(join(tmpdir(), 'stint-bare-'));
  try {
    cpSync(join(root, 'packages'), join(bare, 'packages'), { recursive: true });
    const { stderr, status } = spawnSync(process.execPath, [...OLD, join(bare, 'packages/cli/bin/stint.js'), 'env'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('npm ci');
  } finally {
    rmSync(bare, { recursive: true, force: true });
  }
});

test('a mark left in the environment by accident cannot make it loop', () => {
  const never = join(root, 'always-old.mjs');
  writeFileSync(
    never,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });`,
  );
  const { stderr, status } = runBin(['--import', never], ['env']);
  expect([status, stderr.includes('npm ci')]).toEqual([2, true]);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s reaches the re-executed program, whose exit code comes back',
  async (signal) => {
    const { child, lines } = start(OLD, ['wait']);
    const exit = once(child, 'exit');
    await nextJson(lines);
    child.kill(signal);
    expect(await nextJson(lines)).toEqual({ got: signal });
    expect(await exit).toEqual([5, null]);
  },
);

test('a program that a signal ended ends the parent by the same signal', async () => {
  const { child } = start(OLD, ['suicide']);
  expect(await once(child, 'exit')).toEqual([null, 'SIGUSR2']);
});

test('when the parent is killed the re-executed program dies with it', async () => {
  const { child, lines } = start(OLD, ['wait']);
  const { pid } = await nextJson(lines);
  expect(pid).not.toBe(child.pid);
  child.kill('SIGKILL');
  // The pipe is held by the program alone now: its end is the program's end.
  expect((await lines.next()).done).toBe(true);
});
