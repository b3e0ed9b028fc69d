// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ContainerSpec } from '@stint/core';
import { containerSpec } from '@stint/contracts/specimens';
import { containerEngineContract } from '@stint/contracts/suites';
import { startTimeOf } from '../process-identity.ts';
import { systemClock } from '../system-clock.ts';
import { createProcessEngine } from './process-engine.ts';

const folders: string[] = [];
const makeDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-processes-'));
  folders.push(dir);
  return dir;
};
afterEach(async () => {
  for (const dir of folders.splice(0)) {
    const engine = createProcessEngine({ dir, clock: systemClock() });
    for (const { handle } of await engine.find({})) await engine.remove(handle);
    rmSync(dir, { recursive: true, force: true });
  }
});

containerEngineContract('process', async () => {
  const dir = makeDir();
  return {
    image: 'none',
    open: async () => createProcessEngine({ dir, clock: systemClock() }),
    close: async () => undefined,
  };
});

const spec = (command: string[], change: Partial<ContainerSpec> = {}): ContainerSpec =>
  containerSpec({ name: 'one', command, ...change });
const running = (pid: number): boolean => startTimeOf(pid) !== '';

test('what a command leaves running ends with it', async () => {
  const dir = makeDir();
  const engine = createProcessEngine({ dir, clock: systemClock() });
  await engine.start(spec(['/bin/sh', '-c', 'sleep 600 & echo $!']));
  await engine.wait('one');
  const [line] = (await engine.logs('one', null)).lines;
  await expect.poll(() => running(Number(line?.text))).toBe(false);
});

test('what it left in a process group of its own ends with its container', async () => {
  const dir = makeDir();
  const engine = createProcessEngine({ dir, clock: systemClock() });
  await engine.start(spec(['/bin/sh', '-c', 'set -m; sleep 600 & echo $!']));
  await engine.wait('one');
  const [line] = (await engine.logs('one', null)).lines;
  await engine.remove('one');
  await expect.poll(() => running(Number(line?.text))).toBe(false);
});

test('the exit code is noted whatever PATH the command has', async () => {
  const engine = createProcessEngine({ dir: makeDir(), clock: systemClock() });
  await engine.start(spec(['/bin/sh', '-c', 'exit 3'], { env: { PATH: '/nowhere' } }));
  expect(await engine.wait('one')).toMatchObject({ exitCode: 3 });
});

test('an exit code that could not be written yet is not taken for 0, and comes later', async () => {
  const dir = makeDir();
  const engine = createProcessEngine({ dir, clock: systemClock() });
  const go = join(dir, 'go');
  await engine.start(spec(['/bin/sh', '-c', `while [ ! -e ${go} ]; do sleep 0.02; done; exit 3`]));
  await expect.poll(() => readdirSync(join(dir, 'one'))).toContain('child');
  // Where nothing can be written to: as on a full disk.
  symlinkSync('/dev/full', join(dir, 'one', 'exit.tmp'));
  writeFileSync(go, '');
  await new Promise((resolve) => void setTimeout(resolve, 300));
  expect(await engine.find({})).toMatchObject([{ state: { status: 'running' } }]);
  rmSync(join(dir, 'one', 'exit.tmp'));
  expect(await engine.wait('one')).toMatchObject({ exitCode: 3 });
});

test('an empty note of the exit code is none', async () => {
  const dir = makeDir();
  const engine = createProcessEngine({ dir, clock: systemClock() });
  await engine.start(spec(['/bin/sh', '-c', 'exec sleep 600']));
  await expect.poll(() => readdirSync(join(dir, 'one'))).toContain('child');
  writeFileSync(join(dir, 'one', 'exit'), '');
  process.kill(Number(readFileSync(join(dir, 'one', 'shim'), 'utf8')), 'SIGKILL');
  expect(await engine.wait('one')).toMatchObject({ exitCode: null });
});

test('a process whose pid could not be noted is stopped all the same', async () => {
  const dir = makeDir();
  const engine = createProcessEngine({ dir, clock: systemClock() });
  await engine.start(spec(['/bin/sh', '-c', 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done']));
  await expect.poll(async () => (await engine.logs('one', null)).lines).toHaveLength(1);
  writeFileSync(join(dir, 'one', 'child'), '');
  await engine.stop('one', 5_000);
  expect(await engine.wait('one')).toMatchObject({ exitCode: 9 });
});

test('a variable that a shell would drop is refused', async () => {
  const engine = createProcessEngine({ dir: makeDir(), clock: systemClock() });
  const started = engine.start(spec(['true'], { env: { 'a.b': 'x' } }));
  await expect(started).rejects.toMatchObject({ reason: 'CANNOT_CREATE' });
});

test('a killed watcher leaves an unknown exit code, never 0, and nothing running', async () => {
  const dir = makeDir();
  const engine = createProcessEngine({ dir, clock: systemClock() });
  await engine.start(spec(['/bin/sh', '-c', 'echo $$; exec sleep 600']));
  await expect.poll(() => readdirSync(join(dir, 'one'))).toContain('child');
  process.kill(Number(readFileSync(join(dir, 'one', 'shim'), 'utf8')), 'SIGKILL');
  expect(await engine.wait('one')).toMatchObject({ exitCode: null });
  const child = Number(readFileSync(join(dir, 'one', 'child'), 'utf8'));
  await expect.poll(() => running(child)).toBe(false);
  expect(await createProcessEngine({ dir, clock: systemClock() }).wait('one')).toMatchObject({ exitCode: null });
});

test('of two shims for one container one runs the command', async () => {
  const dir = makeDir();
  const engines = [1, 2, 3, 4].map(() => createProcessEngine({ dir, clock: systemClock() }));
  await Promise.allSettled(engines.map((engine) => engine.start(spec(['/bin/sh', '-c', 'echo once; sleep 0.1']))));
  await engines[0]?.wait('one');
  expect((await engines[0]?.logs('one', null))?.lines).toEqual([{ stream: 'stdout', text: 'once' }]);
});

test.for([
  ['has not written its pid yet', ''],
  ['was noted before another', `${process.pid}\n`],
])('the shim that runs the command %s: it is not taken for dead', async ([, shim = '']) => {
  const dir = makeDir();
  mkdirSync(join(dir, 'one'));
  writeFileSync(join(dir, 'one', 'labels.json'), '{}');
  writeFileSync(join(dir, 'one', 'shim'), shim);
  // The note of one that found `shim` there, and ended.
  writeFileSync(join(dir, 'one', 'started'), JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' }));
  const engine = createProcessEngine({ dir, clock: systemClock() });
  expect(await engine.find({})).toMatchObject([{ handle: 'one', state: { status: 'running' } }]);
});

test('a file that may not be executed is exit code 126', async () => {
  const dir = makeDir();
  const file = join(dir, 'script');
  writeFileSync(file, '#!/bin/sh\n');
  const engine = createProcessEngine({ dir: join(dir, 'engine'), clock: systemClock() });
  await expect(engine.start(spec([file]))).rejects.toMatchObject({ info: { details: { exitCode: 126 } } });
});

test.each(['../up', '', 'a/b', '.hidden', 'x'.repeat(129)])('a name like %j is refused', async (name) => {
  const engine = createProcessEngine({ dir: makeDir(), clock: systemClock() });
  await expect(engine.start(spec(['true'], { name }))).rejects.toMatchObject({ reason: 'BAD_NAME' });
});
