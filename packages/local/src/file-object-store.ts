// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '@stint/core/base';
import type { ObjectStore, StoredObject } from '@stint/core';
import { isObjectKey, requireObjectKey } from './object-keys.ts';
import { describeThisProcess } from './process-identity.ts';
import type { StateDatabase } from './state-database.ts';
import { errnoOf, toFileError } from './storage-errors.ts';
import { temporaryFiles } from './temporary-files.ts';

export interface FileObjectStoreOptions {
  /** Folder of the job; made where it is missing, with its parents. */
  dir: string;
  /** Its file is the lock of compare-and-swap; it and its journal files are no objects. */
  db: StateDatabase;
}

const pieceBytes = 256 * 1024;

const etagOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

/** Errors that mean that no file has this name; EISDIR: it names a folder. */
const isAbsence = (e: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errnoOf(e));

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function makeRoot(root: string): void {
  try {
    const first = mkdirSync(root, { recursive: true });
    if (first === undefined) return;
    const top = dirname(first);
    for (let at = dirname(root); ; at = dirname(at)) {
      const folder = openSync(at, 'r');
      fsyncSync(folder);
      closeSync(folder);
      if (at === top || at === dirname(at)) return;
    }
  } catch (e) {
    throw toFileError(e, `make ${root}`);
  }
}

/**
 * Objects as files below a folder. A new object is written to a temporary file, forced to disk and linked to its name, so
 * it is whole or absent. Compare-and-swap compares and renames inside a write transaction of the job's SQLite file: a
 * lock that ends with its process, and that waits for no transaction of this one, as none is open across turns.
 */
export function createFileObjectStore({ dir, db }: FileObjectStoreOptions): ObjectStore {
  const root = resolve(dir);
  makeRoot(root);
  const temporary = temporaryFiles(root, describeThisProcess());
  const state = resolve(db.path);
  const own = new Set(['', '-wal', '-shm', '-journal'].map((suffix) => state + suffix));

  const pathOf = (key: string): string => {
    requireObjectKey(key);
    const path = join(root, key);
    if (own.has(path)) throw new AppError('INVALID_ARGUMENT', 'BAD_KEY', `${key} is the state file, not an object`);
    return path;
  };

  /** A missing object, unless the whole folder is missing: a disk that is not there is no absence. */
  const readError = (e: unknown, key: string): AppError => {
    if (!isAbsence(e) || !existsSync(root)) return toFileError(e, `read ${key}`);
    return new AppError('NOT_FOUND', 'OBJECT_NOT_FOUND', `no object ${key}`, { cause: e, details: { key } });
  };

  /** Makes the folder of an object, durably. */
  const makeFolder = async (path: string): Promise<void> => {
    const folder = dirname(path);
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    // Each new name is an entry of the folder above it.
    const top = dirname(first);
    for (let at = dirname(folder); ; at = dirname(at)) {
      await syncFolder(at);
      if (at === top || at === dirname(at)) return;
    }
  };

  const writeTemporary = async (body: Uint8Array): Promise<string> => {
    const path = temporary.next();
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(body);
      await handle.sync();
    } catch (e) {
      await rm(path, { force: true });
      throw e;
    } finally {
      await handle.close();
    }
    return path;
  };

  const create = async (key: string, path: string, half: string): Promise<void> => {
    await makeFolder(path);
    try {
      await link(half, path);
    } catch (e) {
      if (errnoOf(e) !== 'EEXIST') throw e;
      throw new AppError('ALREADY_EXISTS', 'OBJECT_EXISTS', `object ${key} exists`, { cause: e, details: { key } });
    }
  };

  const swap = (key: string, path: string, half: string, expected: string): void => {
    const changed = (cause?: unknown): AppError =>
      new AppError('FAILED_PRECONDITION', 'ETAG_MISMATCH', `object ${key} changed since it was read`, {
        cause,
        details: { key, expectedEtag: expected },
        hint: 'Another process writes this job; let this one stop.',
      });
    db.write(() => {
      let current: Uint8Array;
      try {
        current = readFileSync(path);
      } catch (e) {
        throw isAbsence(e) ? changed(e) : e;
      }
      if (etagOf(current) !== expected) throw changed();
      renameSync(half, path);
    });
  };

  const walk = async (folder: string, at: string, prefix: string, found: string[]): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const key = at + entry.name;
      if (!isObjectKey(key) || own.has(join(root, key))) continue;
      if (entry.isDirectory()) {
        const inside = `${key}/`;
        if (inside.startsWith(prefix) || prefix.startsWith(inside)) await walk(key, inside, prefix, found);
      } else if (entry.isFile() && key.startsWith(prefix)) found.push(key);
    }
  };

  return {
    async get(key): Promise<StoredObject> {
      const path = pathOf(key);
      try {
        const body = await readFile(path);
        return { body, etag: etagOf(body) };
      } catch (e) {
        throw readError(e, key);
      }
    },

    async put(key, body, condition) {
      const path = pathOf(key);
      const etag = etagOf(body);
      let half: string | undefined;
      try {
        half = await writeTemporary(body);
        if ('create' in condition) await create(key, path, half);
        else swap(key, path, half, condition.etag);
        await syncFolder(dirname(path));
        return { etag };
      } catch (e) {
        throw toFileError(e, `write ${key}`);
      } finally {
        // After a rename it is gone already.
        if (half !== undefined) await rm(half, { force: true }).catch(() => undefined);
      }
    },

    async list(prefix) {
      const found: string[] = [];
      try {
        await walk('', '', prefix, found);
      } catch (e) {
        throw toFileError(e, `list ${prefix}`);
      }
      return found.sort();
    },

    async *stream(key, start = 0) {
      const path = pathOf(key);
      let handle;
      try {
        handle = await open(path, 'r');
      } catch (e) {
        throw readError(e, key);
      }
      try {
        const piece = new Uint8Array(pieceBytes);
        for (let at = start; ;) {
          const { bytesRead } = await handle.read(piece, 0, pieceBytes, at);
          if (bytesRead === 0) return;
          at += bytesRead;
          yield piece.subarray(0, bytesRead);
        }
      } catch (e) {
        throw readError(e, key);
      } finally {
        await handle.close();
      }
    },
  };
}
