// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolders } from './make-folders.ts';
import { sqliteCodeOf, toDatabaseError } from './storage-errors.ts';

const sqliteBusy = 5;

/**
 * A lock that dies with its process: an exclusive transaction on a file of its own.
 * @returns how to give it back, or null where another process has it.
 * @throws AppError UNAVAILABLE/STORAGE_UNAVAILABLE, PERMISSION_DENIED/ACCESS_DENIED
 */
export function tryLockFile(dir: string, name: string): (() => void) | null {
  const path = join(dir, name);
  let sql: DatabaseSync | undefined;
  try {
    makeFolders(dir, 0o700);
    sql = new DatabaseSync(path, { timeout: 0 });
    sql.exec('BEGIN EXCLUSIVE');
    const held = sql;
    return () => {
      held.exec('ROLLBACK');
      held.close();
    };
  } catch (e) {
    sql?.close();
    if (sqliteCodeOf(e) === sqliteBusy) return null;
    throw toDatabaseError(e, path);
  }
}
