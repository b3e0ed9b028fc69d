// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from './run-program.ts';

/** Ends at all only if nothing keeps it alive. */
function inItsOwnProcess(script: string): { status: number | null; out: string } {
  const whole = `import { runProgram } from ${JSON.stringify(import.meta.resolve('./run-program.ts'))};\n${script}`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', whole], { timeout: 20_000 });
  return { status, out: String(stdout) };
}

test('a program that is not there, or has ended, leaves no timer that keeps this process alive', () => {
  const { status, out } = inItsOwnProcess(`
    const options = { timeoutMs: 600_000 };
    const missing = await runProgram('stint-no-such-program', [], options);
    const ended = await runProgram('sh', ['-c', 'echo out; exit 3'], options);
    console.log(JSON.stringify([missing, ended]));
  `);
  expect(JSON.parse(out)).toEqual([
    { exitCode: null, stdout: '', stderr: expect.stringContaining('ENOENT') },
    { exitCode: 3, stdout: 'out\n', stderr: '' },
  ]);
  expect(status).toBe(0);
});

test('one that takes too long is killed', async () => {
  expect(await runProgram('sleep', ['60'], { timeoutMs: 50 })).toMatchObject({ exitCode: null });
});

test('one that is left goes on, and does not keep this process alive', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-program-'));
  const file = join(dir, 'pid');
  const { status } = inItsOwnProcess(`
    import { existsSync } from 'node:fs';
    const leave = new AbortController();
    void runProgram('sh', ['-c', 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 600', ${JSON.stringify(file)}], { leave: leave.signal });
    while (!existsSync(${JSON.stringify(file)})) await new Promise((resolve) => void setTimeout(resolve, 10));
    leave.abort();
  `);
  const pid = Number(readFileSync(file, 'utf8'));
  expect(process.kill(pid, 0)).toBe(true);
  process.kill(pid, 'SIGKILL');
  expect(status).toBe(0);
  rmSync(dir, { recursive: true, force: true });
});
