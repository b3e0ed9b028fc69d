// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  AppError,
  isAppError,
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
  makeFolders,
  openStateDatabase,
  requirePlainFiles,
  toFileError,
} from '@stint/local';
import type { StateDatabase } from '@stint/local';
import { specInForce } from './pending-edit.ts';

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
  return [JOB_CHECKPOINT_KEY, 'shards', 'outputs', 'rejects', 'exports'].some((name) => existsSync(join(dir, name)));
}

/** Why a folder has no state to go by: it is lost, so that going on could pay beyond the cap, or it never was. */
export function lostState(dir: string, what: string): AppError {
  if (!hasBegun(dir)) return notBegun(dir);
  const file = join(dir, 'state.sqlite');
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file} ${what}`, {
    hint: 'Restore it from a copy of the job folder. What is committed lies in outputs/, one record a line.',
    details: { file },
  });
}

/** A death during its creation left the folder so. */
function notBegun(dir: string): AppError {
  const message = `the job in ${dir} never began: its creation was cut off, so no call was made and there is no data`;
  return new AppError('FAILED_PRECONDITION', 'NOT_BEGUN', message, {
    hint: 'Run `stint generate` with its job file again: it finishes creating the job and runs it.',
    details: { dir },
  });
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
    makeFolders(dir);
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
 * @throws AppError NOT_FOUND/NOT_A_JOB, FAILED_PRECONDITION/NOT_BEGUN, FAILED_PRECONDITION/DAMAGED where it is gone, or
 * where the folder leads out of itself
 */
export async function readSpec(dir: string): Promise<{ spec: JobSpec; digest: string }> {
  const path = join(dir, JOB_KEY);
  if (!existsSync(path)) throw await withoutSpec(dir);
  requirePlainFiles(dir);
  const body = specInForce(dir);
  return { spec: readJobSpec(path, parse(path, body)), digest: sha256(body) };
}

async function withoutSpec(dir: string): Promise<AppError> {
  const file = join(dir, JOB_KEY);
  if (!hasBegun(dir) && !existsSync(join(dir, 'state.sqlite'))) {
    return new AppError('NOT_FOUND', 'NOT_A_JOB', `${dir} is not a job folder: it has no ${JOB_KEY}`, {
      hint: 'Name the folder that `stint generate` printed (stint-out/<name> by default).',
      details: { dir },
    });
  }
  requirePlainFiles(dir);
  return hasBegun(dir) || (await knowsJob(dir)) ? lostSpec(file) : notBegun(dir);
}

export function lostSpec(file: string): AppError {
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file} is gone, though the job has begun`, {
    hint: 'Restore it from a copy of the folder, or start anew in another folder (--out).',
    details: { file },
  });
}

async function knowsJob(dir: string): Promise<boolean> {
  try {
    const folder = openJobFolder(dir, { create: false, forReading: true, sync: 'normal' });
    try {
      return (await folder.jobs.read()) !== null;
    } finally {
      await folder.close();
    }
  } catch (e) {
    if (isAppError(e) && e.info.details?.['empty'] === true) return false;
    throw e;
  }
}

/** Every shard checkpoint, ascending. */
export async function* shardCheckpoints(folder: JobFolder): AsyncIterable<ShardCheckpoint> {
  for (const shard of await knownShards(folder.store, await folder.log.commits())) {
    const key = shardKey(shard);
    const { body } = await folder.store.get(key);
    yield readShardCheckpoint(key, parse(key, body));
  }
}
