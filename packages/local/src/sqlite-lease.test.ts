// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { describeThisProcess } from './process-identity.ts';
import { createSqliteJobStore } from './sqlite-job-store.ts';
import { whileHeld } from './sqlite-lease.ts';
import { openStateDatabase } from './state-database.ts';

const dir = mkdtempSync(join(tmpdir(), 'stint-lease-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

test('what must be done under a lease is not done once another epoch was granted', async () => {
  const db = openStateDatabase(join(dir, 'state.sqlite'));
  const jobs = createSqliteJobStore(db);
  await jobs.create({ budgetNanoUsd: 1, numRecords: 1, concurrency: 'auto' }, 0);
  const self = describeThisProcess();
  const first = await jobs.acquire('job', self, 0, 1, ['QUEUED']);
  const act = vi.fn();
  whileHeld(db, first, act);
  const second = await jobs.acquire('job', self, 1, 2, ['QUEUED']);
  expect(() => {
    whileHeld(db, first, act);
  }).toThrowError(expect.objectContaining({ reason: 'LEASE_LOST' }));
  expect(act).toHaveBeenCalledTimes(1);
  whileHeld(db, second, act);
  whileHeld(db, null, act);
  expect(act).toHaveBeenCalledTimes(3);
  await jobs.close();
});
