// SPDX-License-Identifier: Apache-2.0
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, isEnded, isUlid, needsCare } from '@stint/core/tasks';
import type { TaskDocument, TaskFilter, TaskOwner, TaskStore } from '@stint/core';
import { makeFolders } from './make-folders.ts';
import { openStateDatabase } from './state-database.ts';
import type { DatabaseFormat, StateDatabase } from './state-database.ts';
import { toDatabaseError, toFileError } from './storage-errors.ts';

/**
 * One row per task; the columns beside the document are what is searched by. `open`: not ended, or not settled.
 * `wish`: a cancel wish that its owner has not taken up. With rowids two documents share a page; without, each had one.
 */
const tasks = (kind: string, openBy: string): string => `
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
) ${kind};
CREATE UNIQUE INDEX tasks_by_key ON tasks (key) WHERE key IS NOT NULL;
CREATE INDEX open_tasks ON tasks (${openBy}) WHERE open = 1;
CREATE INDEX wishes ON tasks (id) WHERE wish = 1;
`;
const store = (made: string, version: number): string => `
CREATE TABLE store (id TEXT NOT NULL) STRICT;
${made}
INSERT INTO store VALUES (lower(hex(randomblob(16))));
PRAGMA application_id = ${0x53544e4b};
PRAGMA user_version = ${version};
`;
const present = tasks('STRICT', 'owner, id');

const format: DatabaseFormat = {
  applicationId: 0x53544e4b,
  version: 2,
  what: 'a task store of stint',
  schema: store(present, 2),
  older: [
    {
      version: 1,
      schema: store(tasks('STRICT, WITHOUT ROWID', 'id'), 1),
      migrate: `
DROP INDEX tasks_by_key;
DROP INDEX open_tasks;
DROP INDEX wishes;
ALTER TABLE tasks RENAME TO tasks_before;
${present}
INSERT INTO tasks SELECT * FROM tasks_before ORDER BY id;
DROP TABLE tasks_before;
PRAGMA user_version = 2;
`,
    },
  ],
};

export const taskStoreFile = 'tasks.sqlite';

/**
 * Opens the task store of a state folder, which is made where it is missing, for its owner alone (mode 0700).
 * @throws AppError FAILED_PRECONDITION/NEWER_FORMAT, FAILED_PRECONDITION/DAMAGED, UNAVAILABLE/STORAGE_UNAVAILABLE,
 * PERMISSION_DENIED/ACCESS_DENIED
 */
export function openSqliteTaskStore(dir: string, sync: 'normal' | 'full' = 'normal'): TaskStore {
  try {
    makeFolders(dir, 0o700);
    chmodSync(dir, 0o700);
  } catch (e) {
    throw toFileError(e, `make the state folder ${dir}`);
  }
  return new SqliteTaskStore(openStateDatabase(join(dir, taskStoreFile), { format, sync }));
}

type Write = { run: () => unknown; resolve: (value: never) => void; reject: (e: unknown) => void };

class SqliteTaskStore implements TaskStore {
  readonly id: string;
  readonly #db: StateDatabase;
  #waiting: Write[] = [];

  constructor(db: StateDatabase) {
    this.#db = db;
    this.id = this.#reading(() => db.prepare('SELECT id FROM store').get()?.['id'] as string);
  }

  create(task: TaskDocument): Promise<{ task: TaskDocument; created: boolean }> {
    return this.#write(() => {
      const byKey = task.idempotencyKey === null ? undefined : this.#get('key', task.idempotencyKey);
      const there = byKey ?? this.#get('id', task.id);
      if (there) return { task: there, created: false };
      this.#db
        .prepare(
          'INSERT INTO tasks (id, version, state, open, wish, owner, key, name, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(task.id, ...columns(task), task.idempotencyKey, task.spec.name, JSON.stringify(task));
      return { task, created: true };
    });
  }

  async read(id: string): Promise<TaskDocument> {
    const found = this.#get('id', id);
    if (!found) {
      throw new AppError('NOT_FOUND', 'TASK_NOT_FOUND', `no task ${JSON.stringify(id)}`, {
        hint: '`stint task ls` lists the tasks of this state folder.',
      });
    }
    return found;
  }

  replace(task: TaskDocument, expectedVersion: number): Promise<void> {
    return this.#write(() => {
      const { changes } = this.#db
        .prepare(
          'UPDATE tasks SET version = ?, state = ?, open = ?, wish = ?, owner = ?, document = ? WHERE id = ? AND version = ?',
        )
        .run(...columns(task), JSON.stringify(task), task.id, expectedVersion);
      if (changes === 0) throw mismatch(task.id, expectedVersion);
    });
  }

  remove(id: string, expectedVersion: number): Promise<void> {
    return this.#write(() => {
      const { changes } = this.#db.prepare('DELETE FROM tasks WHERE id = ? AND version = ?').run(id, expectedVersion);
      if (changes === 0 && this.#get('id', id)) throw mismatch(id, expectedVersion);
    });
  }

  async list(
    filter: TaskFilter,
    cursor: string | null,
    limit: number,
  ): Promise<{ tasks: TaskDocument[]; cursor: string | null }> {
    if (cursor !== null && !isUlid(cursor)) {
      throw new AppError('INVALID_ARGUMENT', 'BAD_CURSOR', `${JSON.stringify(cursor)} is no cursor of this store`);
    }
    const { where, values } = conditions(filter, cursor);
    const statement = `SELECT document FROM tasks WHERE ${where} ORDER BY id DESC LIMIT ?`;
    const rows = this.#reading(() => this.#db.prepare(statement).all(...values, limit + 1));
    const tasks = rows.slice(0, limit).map((row) => this.#parse(row));
    return { tasks, cursor: rows.length > limit ? (tasks.at(-1)?.id ?? null) : null };
  }

  async open(ownerId?: string | null): Promise<TaskDocument[]> {
    // One row after another: the texts of thousands beside all that is made of them would be twice the memory.
    const where = ownerId === undefined ? '' : 'AND owner IS ?';
    return this.#reading(() => {
      const statement = this.#db.prepare(`SELECT document FROM tasks WHERE open = 1 ${where} ORDER BY id`);
      const rows = ownerId === undefined ? statement.iterate() : statement.iterate(ownerId);
      return Array.from(rows, (row) => this.#parse(row));
    });
  }

  async owners(): Promise<{ owner: TaskOwner; open: number }[]> {
    const statement =
      'SELECT min(id) AS id, count(*) AS open FROM tasks WHERE open = 1 AND owner IS NOT NULL GROUP BY owner ORDER BY owner';
    const rows = this.#reading(() => this.#db.prepare(statement).all());
    return rows.flatMap((row) => {
      const owner = this.#get('id', row['id'] as string)?.owner;
      return owner ? [{ owner, open: row['open'] as number }] : [];
    });
  }

  async cancelWishes(): Promise<string[]> {
    const rows = this.#reading(() => this.#db.prepare('SELECT id FROM tasks WHERE wish = 1 ORDER BY id').all());
    return rows.map((row) => row['id'] as string);
  }

  async close(): Promise<void> {
    this.#flush();
    this.#db.close();
  }

  #get(column: 'id' | 'key', value: string): TaskDocument | undefined {
    const row = this.#reading(() => this.#db.prepare(`SELECT document FROM tasks WHERE ${column} = ?`).get(value));
    return row && this.#parse(row);
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (e) {
      throw toDatabaseError(e, this.#db.path);
    }
  }

  #parse(row: Record<string, unknown>): TaskDocument {
    try {
      return JSON.parse(row['document'] as string) as TaskDocument;
    } catch (e) {
      const info = { hint: 'Restore it from a copy.', cause: e, details: { file: this.#db.path } };
      throw new AppError('FAILED_PRECONDITION', 'DAMAGED', `${this.#db.path}: a document of it is damaged`, info);
    }
  }

  /** Writes that wait at the end of a turn of the event loop share one transaction. One that is refused changes nothing. */
  #write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ run, resolve, reject });
    });
  }

  #flush(): void {
    const writes = this.#waiting;
    this.#waiting = [];
    if (writes.length === 0) return;
    const done: (() => void)[] = [];
    try {
      this.#db.write(() => {
        for (const { run, resolve, reject } of writes) {
          try {
            const value = run();
            done.push(() => resolve(value as never));
          } catch (e) {
            // Only a refusal leaves the transaction whole; what storage says ends it for all.
            if (!(e instanceof AppError)) throw e;
            done.push(() => reject(e));
          }
        }
      });
    } catch (e) {
      for (const { reject } of writes) reject(e);
      return;
    }
    for (const tell of done) tell();
  }
}

/** version, state, open, wish, owner */
function columns(task: TaskDocument): [number, string, number, number, string | null] {
  const ended = isEnded(task.state);
  const wish = task.cancel !== null && task.state !== 'CANCELING' && !ended;
  return [task.version, task.state, Number(needsCare(task)), Number(wish), task.owner?.id ?? null];
}

function mismatch(id: string, expected: number): AppError {
  return new AppError('FAILED_PRECONDITION', 'VERSION_MISMATCH', `task ${id} is no longer at version ${expected}`);
}

function conditions(filter: TaskFilter, cursor: string | null): { where: string; values: (string | number)[] } {
  const where = ['1'];
  const values: (string | number)[] = [];
  const add = (condition: string, ...of: (string | number)[]): void => {
    where.push(condition);
    values.push(...of);
  };
  if (cursor !== null) add('id < ?', cursor);
  if (filter.states) add(`state IN (${filter.states.map(() => '?').join(', ')})`, ...filter.states);
  const { namePrefix } = filter;
  if (namePrefix !== undefined) add("substr(coalesce(name, ''), 1, ?) = ?", [...namePrefix].length, namePrefix);
  for (const [key, value] of Object.entries(filter.labels ?? {})) {
    const label = `EXISTS (SELECT 1 FROM json_each(document, '$.spec.labels') AS l WHERE l.key = ?`;
    if (value === '') add(`${label})`, key);
    else add(`${label} AND l.value = ?)`, key, value);
  }
  return { where: where.join(' AND '), values };
}
