// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AppError,
  JOB_CHECKPOINT_KEY,
  JOB_KEY,
  knownShards,
  parse,
  readJobSpec,
  readShardCheckpoint,
  shardKey,
} from '@stint/core';
import type { CallLog, JobSpec, JobStore, ObjectStore, ShardCheckpoint } from '@stint/core';
import {
  createFileObjectStore,
  createSqliteCallLog,
  createSqliteJobStore,
  openStateDatabase,
  requirePlainFiles,
  toFileError,
} from '@stint/local';
import type { StateDatabase } from '@stint/local';

/** sha256 as lower-case hex. */
export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** The stores of one job's folder on this machine. */
export interface JobFolder {
  dir: string;
  db: StateDatabase;
  log: CallLog;
  jobs: JobStore;
  store: ObjectStore;
  close(): Promise<void>;
}

/** True where a run has left its mark in the folder: then its state can't be missing, but be lost. */
export function hasBegun(dir: string): boolean {
  return existsSync(join(dir, JOB_CHECKPOINT_KEY)) || existsSync(join(dir, 'shards'));
}

/** The authority on spend is gone: going on could pay beyond the cap. */
export function lostState(dir: string, what: string): AppError {
  const file = join(dir, 'state.sqlite');
  const hint = hasBegun(dir)
    ? 'Restore it from a copy of the job folder. What is committed lies in outputs/, one record a line.'
    : 'Run `stint generate` with the job file again to finish creating it.';
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file} ${what}`, { hint, details: { file } });
}

/**
 * @param create - a folder without `state.sqlite` is made into one, but not where a run has been.
 * @param forReading - true: nothing will be written, so a folder on a read-only disk will do.
 */
export function openJobFolder(
  dir: string,
  options: { create: boolean; sync: 'normal' | 'full'; forReading?: boolean },
): JobFolder {
  const create = options.create && !hasBegun(dir);
  if (create) makeFolder(dir);
  else if (!existsSync(join(dir, 'state.sqlite'))) throw lostState(dir, 'is gone');
  const db = openStateDatabase(join(dir, 'state.sqlite'), { ...options, create });
  const log = createSqliteCallLog(db);
  const jobs = createSqliteJobStore(db);
  const store = createFileObjectStore({ dir, db });
  return {
    dir,
    db,
    log,
    jobs,
    store,
    async close() {
      await log.close();
      await jobs.close();
    },
  };
}

/** Errors that say that no folder can be where it is wanted. */
const WRONG_PLACE = new Set(['EEXIST', 'ELOOP', 'ENAMETOOLONG', 'ENOENT', 'ENOTDIR', 'EINVAL']);

function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    if (!WRONG_PLACE.has(code)) throw toFileError(cause, `make the folder ${dir}`);
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `the folder ${dir} can't be made: ${message}`, {
      cause,
      hint: 'Name another folder with --out.',
      details: { dir },
    });
  }
}

/**
 * `job.json` and its digest. The first look at a folder that may come from somebody else.
 * @throws AppError NOT_FOUND/NOT_A_JOB, FAILED_PRECONDITION/DAMAGED where the folder leads out of itself
 */
export async function readSpec(dir: string): Promise<{ spec: JobSpec; digest: string }> {
  const path = join(dir, JOB_KEY);
  if (!existsSync(path)) {
    throw new AppError('NOT_FOUND', 'NOT_A_JOB', `${dir} is not a job folder: it has no ${JOB_KEY}`, {
      hint: 'Name the folder that `stint generate` printed (stint-out/<name> by default).',
      details: { dir },
    });
  }
  requirePlainFiles(dir);
  const body = await readFile(path);
  return { spec: readJobSpec(path, parse(path, body)), digest: sha256(body) };
}

/** Every shard checkpoint, ascending. */
export async function* shardCheckpoints(folder: JobFolder): AsyncIterable<ShardCheckpoint> {
  for (const shard of await knownShards(folder.store, await folder.log.commits())) {
    const key = shardKey(shard);
    const { body } = await folder.store.get(key);
    yield readShardCheckpoint(key, parse(key, body));
  }
}
