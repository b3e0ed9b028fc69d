// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

/** As the first version made it, word for word. */
const firstVersion = `
CREATE TABLE store (id TEXT NOT NULL) STRICT;
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  open INTEGER NOT NULL,
  wish INTEGER NOT NULL,
  owner TEXT,
  key TEXT,
  name TEXT,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tasks_by_key ON tasks (key) WHERE key IS NOT NULL;
CREATE INDEX open_tasks ON tasks (id) WHERE open = 1;
CREATE INDEX wishes ON tasks (id) WHERE wish = 1;
INSERT INTO store VALUES (lower(hex(randomblob(16))));
PRAGMA application_id = 1398033995;
PRAGMA user_version = 1;
`;

test('a store of the first version is brought forward with its name and tasks, once, by whoever opens it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-tasks-'));
  const sql = new DatabaseSync(join(dir, taskStoreFile));
  sql.exec(firstVersion);
  const task = { id: '01J00000000000000000000001', version: 3, idempotencyKey: 'k', state: 'RUNNING', attempts: [] };
  sql
    .prepare("INSERT INTO tasks VALUES (?, 3, 'RUNNING', 1, 0, 'me', 'k', NULL, ?)")
    .run(task.id, JSON.stringify({ ...task, cancel: null, owner: { id: 'me' } }));
  const name = sql.prepare('SELECT id FROM store').get()?.['id'];
  sql.close();
  for (let i = 0; i < 2; i++) {
    const store = openSqliteTaskStore(dir);
    expect(store.id).toBe(name);
    expect(await store.read(task.id)).toMatchObject(task);
    expect(await store.open('me')).toHaveLength(1);
    expect((await store.create({ ...(await store.read(task.id)), id: 'other' })).created).toBe(false);
    await store.close();
  }
  rmSync(dir, { recursive: true });
});

test('a damaged page is told as damage, with its file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-damaged-'));
  const store = openSqliteTaskStore(dir);
  const path = join(dir, 'tasks.sqlite');
  await store.close();
  const bytes = readFileSync(path);
  // All but the page of the schema.
  bytes.fill(7, 4096);
  writeFileSync(path, bytes);
  const damaged = await (async () => {
    const again = openSqliteTaskStore(dir);
    try {
      return await again.list({}, null, 10);
    } finally {
      await again.close();
    }
  })().catch((e: unknown) => e);
  expect(damaged).toMatchObject({ reason: 'DAMAGED', message: expect.stringContaining(path) });
  rmSync(dir, { recursive: true, force: true });
});
