// SPDX-License-Identifier: Apache-2.0
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSqliteCallLog } from './sqlite-call-log.ts';
import { createSqliteJobStore } from './sqlite-job-store.ts';
import { openStateDatabase } from './state-database.ts';

const limits = { budgetNanoUsd: 5, numRecords: 1, concurrency: 'auto' } as const;

describe('state database', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stint-db-'));
    path = join(dir, 'state.sqlite');
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it('is one file once its ports are closed, and a copy of it opens', async () => {
    const db = openStateDatabase(path);
    const jobs = createSqliteJobStore(db);
    const log = createSqliteCallLog(db);
    await jobs.create(limits, 1);
    await jobs.close();
    expect(readdirSync(dir)).toContain('state.sqlite-wal');
    await log.close();
    expect(readdirSync(dir)).toEqual(['state.sqlite']);
    const copy = join(dir, 'copy.sqlite');
    copyFileSync(path, copy);
    expect((await createSqliteJobStore(openStateDatabase(copy)).read())?.limits).toEqual(limits);
  });

  it('a newer format is refused', () => {
    openStateDatabase(path).close();
    const raw = new DatabaseSync(path);
    raw.exec('PRAGMA user_version = 2');
    raw.close();
    expect(() => openStateDatabase(path)).toThrow(expect.objectContaining({ reason: 'NEWER_FORMAT' }));
  });

  it('what is no state file is DAMAGED, and stays as it was', () => {
    writeFileSync(path, 'this is text and no database, long enough to be looked at by the one who opens it'.repeat(20));
    expect(() => openStateDatabase(path)).toThrow(expect.objectContaining({ reason: 'DAMAGED' }));
    rmSync(path);
    const raw = new DatabaseSync(path);
    raw.exec('CREATE TABLE mine (x)');
    raw.close();
    expect(() => openStateDatabase(path)).toThrow(expect.objectContaining({ reason: 'DAMAGED' }));
    expect(readdirSync(dir)).toEqual(['state.sqlite']);
  });

  it('forces a durable write to disk, and others only where it was opened so', () => {
    for (const [sync, level] of [
      ['normal', 1],
      ['full', 2],
    ] as const) {
      const db = openStateDatabase(path, { sync });
      const inForce = () => db.prepare('PRAGMA synchronous').get()?.['synchronous'];
      expect(db.write(inForce)).toBe(level);
      expect(db.writeDurably(inForce)).toBe(2);
      expect(() =>
        db.writeDurably(() => {
          throw new Error('no');
        }),
      ).toThrow('no');
      expect(db.write(inForce)).toBe(level);
      db.close();
    }
  });

  it('an empty file is made into one only where it may be made', () => {
    writeFileSync(path, '');
    expect(() => openStateDatabase(path, { create: false })).toThrow(expect.objectContaining({ reason: 'DAMAGED' }));
    openStateDatabase(path).close();
    openStateDatabase(path, { create: false }).close();
  });

  it.each([
    'CREATE TRIGGER t AFTER UPDATE ON job BEGIN DELETE FROM calls; END',
    'CREATE VIEW v AS SELECT * FROM job',
    'DROP TABLE commits; CREATE TABLE commits (shard, seq)',
  ])('one with other tables than ours is DAMAGED: %s', (change) => {
    openStateDatabase(path).close();
    const raw = new DatabaseSync(path);
    raw.exec(change);
    raw.close();
    expect(() => openStateDatabase(path)).toThrow(expect.objectContaining({ reason: 'DAMAGED' }));
  });

  it('a cut off file is DAMAGED when it is opened or read', async () => {
    const db = openStateDatabase(path);
    await createSqliteJobStore(db).create(limits, 1);
    db.close();
    truncateSync(path, 4_096 + 100);
    const read = async (): Promise<unknown> => createSqliteJobStore(openStateDatabase(path)).read();
    await expect(read()).rejects.toMatchObject({ reason: 'DAMAGED' });
  });

  it('a missing file is made only where that is wanted', () => {
    expect(() => openStateDatabase(path, { create: false })).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', reason: 'STATE_NOT_FOUND' }),
    );
    expect(readdirSync(dir)).toEqual([]);
  });

  it('a folder that is missing is no absence of the job', () => {
    expect(() => openStateDatabase(join(dir, 'none', 'state.sqlite'))).toThrow(
      expect.objectContaining({ reason: 'STORAGE_UNAVAILABLE' }),
    );
  });

  describe('a file that may not be written', () => {
    /** As a user whom modes bind: root passes over them. */
    const asNobody = <T>(run: () => T): T => {
      const isRoot = process.getuid?.() === 0;
      if (isRoot) process.seteuid?.(65_534);
      try {
        return run();
      } finally {
        if (isRoot) process.seteuid?.(0);
      }
    };
    const lock = (): void => {
      for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o444);
      chmodSync(dir, 0o555);
    };
    afterEach(() => chmodSync(dir, 0o755));

    it('is opened as it lies there, where only reading is wanted', async () => {
      const db = openStateDatabase(path);
      await createSqliteJobStore(db).create({ budgetNanoUsd: 7, numRecords: 1, concurrency: 'auto' }, 0);
      db.close();
      lock();
      const found = asNobody(() => openStateDatabase(path, { create: false, forReading: true }));
      expect((await createSqliteJobStore(found).read())?.limits.budgetNanoUsd).toBe(7);
      expect(() => found.write(() => found.prepare('INSERT INTO commits VALUES (1, 1)').run())).toThrow(
        expect.objectContaining({ reason: 'STORAGE_DENIED' }),
      );
      found.close();
      expect(readdirSync(dir)).toEqual(['state.sqlite']);
    });

    it('is refused where more is wanted, or where its journal holds part of the data', () => {
      openStateDatabase(path).close();
      const opened = (forReading: boolean) => () =>
        asNobody(() => openStateDatabase(path, { create: false, forReading }));
      lock();
      expect(opened(false)).toThrow(expect.objectContaining({ reason: 'STORAGE_DENIED' }));
      chmodSync(dir, 0o755);
      writeFileSync(`${path}-wal`, 'x');
      lock();
      expect(opened(true)).toThrow(expect.objectContaining({ reason: expect.stringMatching(/^STORAGE_/) as string }));
    });
  });

  it.each([
    ['normal', 1],
    ['full', 2],
  ] as const)('synchronous %s is set, in WAL mode', (sync, value) => {
    const db = openStateDatabase(path, { sync });
    expect(db.prepare('PRAGMA synchronous').get()?.['synchronous']).toBe(value);
    expect(db.prepare('PRAGMA journal_mode').get()?.['journal_mode']).toBe('wal');
    db.close();
  });

  it('a write that throws changes nothing, and the next one goes on', async () => {
    const db = openStateDatabase(path);
    expect(() =>
      db.write(() => {
        db.prepare('INSERT INTO commits VALUES (1, 1)').run();
        throw new Error('no');
      }),
    ).toThrow('no');
    db.write(() => db.prepare('INSERT INTO commits VALUES (2, 1)').run());
    expect(await createSqliteCallLog(db).commits()).toEqual(new Map([[2, 1]]));
    db.close();
  });

  it('after close every use is refused, and a second close does no harm', async () => {
    const db = openStateDatabase(path);
    const jobs = createSqliteJobStore(db);
    db.close();
    db.close();
    await expect(jobs.read()).rejects.toMatchObject({ reason: 'CLOSED' });
    await jobs.close();
  });
});
