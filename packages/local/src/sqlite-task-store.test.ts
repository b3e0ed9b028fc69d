// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { TaskStore } from '@stint/core';
import { taskStoreContract } from '@stint/contracts/suites';
import { openSqliteTaskStore, taskStoreFile } from './sqlite-task-store.ts';

taskStoreContract('SQLite', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-tasks-'));
  const open: TaskStore[] = [];
  return {
    open: async () => {
      const store = openSqliteTaskStore(dir);
      open.push(store);
      return store;
    },
    close: async () => {
      for (const store of open) await store.close();
      rmSync(dir, { recursive: true });
    },
  };
});

test('the folder is for its owner alone, and a store of a newer stint is refused', async () => {
  const dir = join(mkdtempSync(join(tmpdir(), 'stint-tasks-')), 'state');
  await openSqliteTaskStore(dir).close();
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  const sql = new DatabaseSync(join(dir, taskStoreFile));
  sql.exec('PRAGMA user_version = 99');
  sql.close();
  expect(() => openSqliteTaskStore(dir)).toThrow(/newer stint/);
  rmSync(dir, { recursive: true });
});

test('a file that is no task store is refused and left alone', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-tasks-'));
  const sql = new DatabaseSync(join(dir, taskStoreFile));
  sql.exec('CREATE TABLE mine (x)');
  sql.close();
  expect(() => openSqliteTaskStore(dir)).toThrow(/not a task store/);
  rmSync(dir, { recursive: true });
});
