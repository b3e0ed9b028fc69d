// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeThisProcess, ownerIsAlive } from './process-identity.ts';
import { createSqliteCallLog } from './sqlite-call-log.ts';
import { createSqliteJobStore } from './sqlite-job-store.ts';
import { openStateDatabase } from './state-database.ts';

it('what a process was told to be durable is there after its SIGKILL, and the totals agree', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-kill-'));
  const told = new Map<number, string>();
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'testing/append-calls.ts'), dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      // In the middle of its work, at another point each time.
      if (text.length > 3_000 + 1_771 * round) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
    for (const [state = '', index] of lines.map((line) => line.split(' '))) told.set(Number(index), state);

    const db = openStateDatabase(join(dir, 'state.sqlite'));
    const jobs = createSqliteJobStore(db);
    const log = createSqliteCallLog(db);
    const lease = (await jobs.read())?.lease;
    if (!lease) throw new Error('the dead process left no lease');
    expect(ownerIsAlive(lease.owner, describeThisProcess())).toBe('dead');
    const rows = new Map((await log.calls(0, 1e9)).map((row) => [row.key.index, row]));
    for (const [index, state] of told) {
      const row = rows.get(index);
      const states = state === 'SETTLED' ? ['SETTLED'] : ['SENT', 'SETTLED', 'UNKNOWN'];
      expect(states).toContain(row?.state);
      if (row?.state === 'SETTLED') expect(row.answer?.text).toBe(`answer ${index}`);
    }
    expect(await log.recount()).toEqual(await log.totals());
    await log.close();
    await jobs.close();
  }
  expect([...told.values()].filter((state) => state === 'SETTLED').length).toBeGreaterThan(100);
  rmSync(dir, { recursive: true });
});
