// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callLogContract, jobStoreContract } from '@stint/contracts/suites';
import { createSqliteCallLog } from './sqlite-call-log.ts';
import { createSqliteJobStore } from './sqlite-job-store.ts';
import { openStateDatabase } from './state-database.ts';
import type { StateDatabase } from './state-database.ts';

async function makeState() {
  const dir = mkdtempSync(join(tmpdir(), 'stint-state-'));
  const open: StateDatabase[] = [];
  return {
    open: async () => {
      const db = openStateDatabase(join(dir, 'state.sqlite'));
      open.push(db);
      return { log: createSqliteCallLog(db), jobs: createSqliteJobStore(db) };
    },
    close: async () => {
      for (const db of open) db.close();
      rmSync(dir, { recursive: true });
    },
  };
}

callLogContract('SQLite', makeState);
jobStoreContract('SQLite', makeState);
