// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demo } from './demo.ts';

function terminal() {
  let stdout = '';
  let stderr = '';
  const io = {
    stdout: { write: (text: string) => (stdout += text), columns: 100 },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
    cwd: mkdtempSync(join(tmpdir(), 'stint-demo-')),
  };
  return { io, out: () => stdout, err: () => stderr };
}

test('an unknown flag of the demo is refused with its usage, and nothing runs', async () => {
  const { io, out, err } = terminal();
  expect(await demo(['--fast'], io)).toBe(2);
  expect(err()).toMatch(/--fast[\s\S]*--num-records N/);
  expect(out()).toBe('');
  rmSync(io.cwd, { recursive: true });
});

test.each(['abc', '0', '1e3', '100000000000'])(
  'a number of records of the demo that is none is refused: %s',
  async (n) => {
    const { io, out, err } = terminal();
    expect(await demo(['--num-records', n], io)).toBe(2);
    expect(err()).toBe(
      `stint: --num-records ${n}: not a whole number from 1 to 100000000\n  Give --num-records a whole number.\n`,
    );
    expect(out()).toBe('');
    rmSync(io.cwd, { recursive: true });
  },
);

test('the demo explains itself without running', async () => {
  const { io, out } = terminal();
  expect(await demo(['--help'], io)).toBe(0);
  expect(out()).toContain('--rehearsal');
  rmSync(io.cwd, { recursive: true });
});
