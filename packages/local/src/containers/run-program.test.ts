// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('one that is left goes on, and does not keep this process alive', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-program-'));
  const file = join(dir, 'pid');
  const script = `
    import { existsSync } from 'node:fs';
    import { runProgram } from ${JSON.stringify(import.meta.resolve('./run-program.ts'))};
    const leave = new AbortController();
    void runProgram('sh', ['-c', 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 600', ${JSON.stringify(file)}], { leave: leave.signal });
    while (!existsSync(${JSON.stringify(file)})) await new Promise((resolve) => void setTimeout(resolve, 10));
    leave.abort();
  `;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
  const pid = Number(readFileSync(file, 'utf8'));
  expect(process.kill(pid, 0)).toBe(true);
  process.kill(pid, 'SIGKILL');
  expect(status).toBe(0);
  rmSync(dir, { recursive: true, force: true });
});
