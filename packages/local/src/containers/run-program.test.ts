// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { runProgram } from './run-program.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('a program that is not there, or has ended, leaves no timer that keeps this process alive', async () => {
  const before = timers();
  const missing = await runProgram('stint-no-such-program', [], { timeoutMs: 20_000 });
  expect(missing).toMatchObject({ exitCode: null, stderr: expect.stringContaining('ENOENT') });
  expect(await runProgram('sh', ['-c', 'echo out; exit 3'], { timeoutMs: 20_000 })).toMatchObject({
    exitCode: 3,
    stdout: 'out\n',
  });
  expect(timers()).toBe(before);
});

test('one that takes too long is killed', async () => {
  expect(await runProgram('sleep', ['60'], { timeoutMs: 50 })).toMatchObject({ exitCode: null });
});
