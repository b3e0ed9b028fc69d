// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { objectStoreContract } from '@stint/contracts/suites';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileObjectStore } from './file-object-store.ts';
import { createSqliteCallLog } from './sqlite-call-log.ts';
import { createSqliteJobStore } from './sqlite-job-store.ts';
import { openStateDatabase } from './state-database.ts';
import type { StateDatabase } from './state-database.ts';

const script = (name: string): string => join(import.meta.dirname, 'testing', name);

objectStoreContract('files', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-objects-'));
  const open: StateDatabase[] = [];
  return {
    open: async () => {
      const db = openStateDatabase(join(dir, 'state.sqlite'));
      open.push(db);
      return createFileObjectStore({ dir, db });
    },
    close: async () => {
      for (const db of open) db.close();
      rmSync(dir, { recursive: true });
    },
  };
});

describe('file object store', () => {
  let dir: string;
  let db: StateDatabase;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stint-objects-'));
    db = openStateDatabase(join(dir, 'state.sqlite'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    db.close();
    rmSync(dir, { recursive: true });
  });

  const lockedChild = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [script('hold-lock.ts'), dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  };

  it('loses none of two processes x 300 conditional puts', async () => {
    const run = promisify(execFile);
    const both = await Promise.all([1, 2].map(() => run(process.execPath, [script('count-puts.ts'), dir, '300'])));
    expect(readFileSync(join(dir, 'counter'), 'utf8')).toBe('600');
    // They really met.
    expect(both.reduce((sum, { stdout }) => sum + Number(stdout), 0)).toBeGreaterThan(0);
    expect(readdirSync(join(dir, '.tmp'))).toEqual([]);
  });

  it('is not blocked by a process killed inside the lock, and clears what it left', async () => {
    const first = createFileObjectStore({ dir, db });
    const { etag } = await first.put('k', Buffer.from('one'), { create: true });
    const child = await lockedChild();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await first.put('k', Buffer.from('two'), { etag });
    expect(readdirSync(join(dir, '.tmp'))).toHaveLength(1);
    createFileObjectStore({ dir, db });
    expect(readdirSync(join(dir, '.tmp'))).toEqual([]);
  });

  it('waits for a live holder of the lock, up to the busy timeout, and leaves its half-written files', async () => {
    const { etag } = await createFileObjectStore({ dir, db }).put('k', Buffer.from('one'), { create: true });
    await lockedChild();
    const impatient = openStateDatabase(join(dir, 'state.sqlite'), { busyTimeoutMs: 30 });
    const store = createFileObjectStore({ dir, db: impatient });
    await expect(store.put('k', Buffer.from('two'), { etag })).rejects.toMatchObject({ reason: 'STORAGE_UNAVAILABLE' });
    expect((await store.get('k')).etag).toBe(etag);
    expect(readdirSync(join(dir, '.tmp'))).toHaveLength(1);
    impatient.close();
  });

  it('swaps while appends of this process wait in the call log', async () => {
    const log = createSqliteCallLog(db);
    const jobs = createSqliteJobStore(db);
    await jobs.create({ budgetNanoUsd: null, numRecords: 1, concurrency: 'auto' }, 1);
    const owner = { id: 'a', host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: '1' };
    const lease = await jobs.acquire('job', owner, 0, 1, []);
    const store = createFileObjectStore({ dir, db });
    let { etag } = await store.put('k', Buffer.from('0'), { create: true });
    const appends: Promise<void>[] = [];
    for (let i = 0; i < 50; i++) {
      const key = { index: i, attempt: 1, step: 0, try: 1 };
      appends.push(log.append(lease, [{ type: 'hold', key, holdNanoUsd: 1, atMs: 1 }]));
      if (i % 5 === 0) etag = (await store.put('k', Buffer.from(`${i}`), { etag })).etag;
    }
    await Promise.all(appends);
    expect((await log.totals()).heldNanoUsd).toBe(50);
  });

  it('refuses keys that are no place below its folder', async () => {
    const store = createFileObjectStore({ dir, db });
    const bad = [
      '',
      '/etc/passwd',
      '../x',
      'a/../x',
      'a/./x',
      'a//x',
      'a/',
      'a\0b',
      'a b',
      'ä',
      'a\\b',
      '.tmp/x',
      '..',
    ];
    for (const key of [...bad, 'state.sqlite', 'state.sqlite-wal', 'x'.repeat(256)]) {
      const refusal = { code: 'INVALID_ARGUMENT', reason: 'BAD_KEY' };
      await expect(store.put(key, Buffer.from('x'), { create: true })).rejects.toMatchObject(refusal);
      await expect(store.get(key)).rejects.toMatchObject(refusal);
    }
  });

  it('lists neither half-written files, nor the state file, nor what is no object', async () => {
    const store = createFileObjectStore({ dir, db });
    await store.put('shards/0/checkpoint.json', Buffer.from('{}'), { create: true });
    mkdirSync(join(dir, '.tmp'), { recursive: true });
    writeFileSync(join(dir, '.tmp', 'half'), 'x');
    writeFileSync(join(dir, 'with space'), 'x');
    symlinkSync('/etc/hostname', join(dir, 'link'));
    expect(await store.list('')).toEqual(['shards/0/checkpoint.json']);
  });

  it('takes a vanished folder for a failure, not for absence', async () => {
    const store = createFileObjectStore({ dir: join(dir, 'job'), db });
    await store.put('k', Buffer.from('x'), { create: true });
    rmSync(join(dir, 'job'), { recursive: true });
    await expect(store.get('k')).rejects.toMatchObject({ reason: 'STORAGE_UNAVAILABLE' });
    await expect(store.list('')).rejects.toMatchObject({ reason: 'STORAGE_UNAVAILABLE' });
    await expect(store.put('k', Buffer.from('x'), { etag: 'e' })).rejects.toMatchObject({
      reason: 'STORAGE_UNAVAILABLE',
    });
    expect(existsSync(join(dir, 'job', 'k'))).toBe(false);
  });
});
