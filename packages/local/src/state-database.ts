// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SQLOutputValue, StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { AppError, isAppError } from '@stint/core/base';
import { stateApplicationId, stateSchema, stateVersion } from './state-schema.ts';
import { sqliteCodeOf, toDatabaseError } from './storage-errors.ts';

/** What one of our SQLite files holds. */
export interface DatabaseFormat {
  /** `application_id`, so that a foreign file is told from a damaged one. */
  applicationId: number;
  /** `user_version`; a file with a higher one was written by a newer stint. */
  version: number;
  /** Makes the tables, and sets both numbers. */
  schema: string;
  /** For people. */
  what: string;
  /** Files of earlier versions: what they hold, and what makes the present version of them, its number included. */
  older?: readonly { version: number; schema: string; migrate: string }[];
}

const jobFormat: DatabaseFormat = {
  applicationId: stateApplicationId,
  version: stateVersion,
  schema: stateSchema,
  what: 'a state file of stint',
};

export interface StateDatabaseOptions {
  /** Default: the state of a job. */
  format?: DatabaseFormat;
  /** `normal`: a commit survives the death of the process (default). `full`: power loss too. */
  sync?: 'normal' | 'full';
  /** False: a missing file is NOT_FOUND/STATE_NOT_FOUND, an empty one DAMAGED, instead of a new one. */
  create?: boolean;
  /** The file is only read: where it can't be written (a copy on a read-only disk), it is opened as it lies there. */
  forReading?: boolean;
  /** How long a statement waits for another process, ms. */
  busyTimeoutMs?: number;
}

const sqliteBusy = 5;
/** 32 MiB of log between two checkpoints: each costs two fsyncs and holds up the event loop. */
const checkpointPages = 8_000;
const cacheKib = 16_384;

/**
 * The SQLite file of one job and its only connection in this process: call log, job store and the lock of the object
 * store share it. All of it is synchronous, so a transaction is never open across turns of the event loop.
 */
export class StateDatabase {
  readonly path: string;
  /** Grows with every change of leases, limits or status made through this connection. */
  jobVersion = 0;
  /** Grows with every change of the call log made through this connection. */
  logVersion = 0;
  readonly #sql: DatabaseSync;
  readonly #sync: 'normal' | 'full';
  readonly #statements = new Map<string, StatementSync>();
  #users = 0;

  constructor(path: string, sql: DatabaseSync, sync: 'normal' | 'full' = 'normal') {
    this.path = path;
    this.#sql = sql;
    this.#sync = sync;
  }

  /** The prepared statement of this text, made once. */
  prepare(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      this.#requireOpen();
      try {
        statement = this.#sql.prepare(text);
      } catch (e) {
        throw toDatabaseError(e, this.path);
      }
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Makes `name` an aggregate function of SQL, with as many arguments as `step` declares after the first. */
  defineAggregate<T extends number>(name: string, start: T, step: (sum: T, ...values: never[]) => T): void {
    this.#sql.aggregate(name, { start, step: step as (sum: T, ...values: SQLOutputValue[]) => T });
  }

  /** Runs `fn` as one write transaction; it sees and leaves the file as if it were alone. What throws changes nothing. */
  write<T>(fn: () => T): T {
    return this.#transaction('BEGIN IMMEDIATE', fn);
  }

  /** As `write`, and what it leaves survives the loss of power, with all that was written before. */
  writeDurably<T>(fn: () => T): T {
    this.#requireOpen();
    this.#sql.exec('PRAGMA synchronous = FULL');
    try {
      return this.write(fn);
    } finally {
      this.#sql.exec(`PRAGMA synchronous = ${this.#sync}`);
    }
  }

  /** Runs `fn`, which only reads, on one state of the file. */
  read<T>(fn: () => T): T {
    return this.#transaction('BEGIN', fn);
  }

  /** Runs `fn` as a part of the write transaction that is open; where it throws, of this part nothing is left. */
  part<T>(fn: () => T): T {
    this.prepare('SAVEPOINT part').run();
    try {
      return fn();
    } catch (e) {
      if (this.#sql.isTransaction) this.prepare('ROLLBACK TO part').run();
      throw e;
    } finally {
      if (this.#sql.isTransaction) this.prepare('RELEASE part').run();
    }
  }

  #transaction<T>(begin: string, fn: () => T): T {
    this.#requireOpen();
    try {
      this.prepare(begin).run();
      const result = fn();
      this.prepare('COMMIT').run();
      return result;
    } catch (e) {
      if (this.#sql.isOpen && this.#sql.isTransaction) this.#rollback();
      throw toDatabaseError(e, this.path);
    }
  }

  /** Changes when another connection has committed; exact inside `write`. */
  dataVersion(): number {
    return this.prepare('PRAGMA data_version').get()?.['data_version'] as number;
  }

  /** Counts a port that uses the file; when the last one is released, the file is closed. */
  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users <= 0) this.close();
  }

  /** Writes everything into the one file, where no other process has it open. Idempotent. */
  close(): void {
    if (!this.#sql.isOpen) return;
    this.#statements.clear();
    try {
      this.#sql.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Another process reads or writes: what is committed stays in the journal file beside it.
    }
    this.#sql.close();
  }

  #requireOpen(): void {
    if (!this.#sql.isOpen) throw new AppError('FAILED_PRECONDITION', 'CLOSED', `${this.path} is closed`);
  }

  #rollback(): void {
    try {
      this.#sql.exec('ROLLBACK');
    } catch {
      // SQLite rolled back by itself (disk full, I/O error); the first error is the one to tell.
    }
  }
}

/**
 * Opens an SQLite file of ours, and makes it where it is missing.
 * @throws AppError FAILED_PRECONDITION/NEWER_FORMAT, FAILED_PRECONDITION/DAMAGED (`empty` in its details where it holds
 * nothing at all), NOT_FOUND/STATE_NOT_FOUND (`create: false`),
 * UNAVAILABLE/STORAGE_UNAVAILABLE, PERMISSION_DENIED/STORAGE_DENIED
 */
export function openStateDatabase(path: string, options: StateDatabaseOptions = {}): StateDatabase {
  const { format = jobFormat, sync = 'normal', create = true, busyTimeoutMs = 10_000 } = options;
  if (!create && !existsSync(path)) throw new AppError('NOT_FOUND', 'STATE_NOT_FOUND', `no state file ${path}`);
  let sql: DatabaseSync | undefined;
  try {
    sql = new DatabaseSync(path, { timeout: busyTimeoutMs });
    checkVersion(sql, path, format, create);
    withRetries(busyTimeoutMs, () => sql?.exec('PRAGMA journal_mode = WAL'));
    sql.exec(
      `PRAGMA synchronous = ${sync};
       PRAGMA wal_autocheckpoint = ${checkpointPages};
       PRAGMA cache_size = -${cacheKib}`,
    );
    if (userVersion(sql) < format.version) makeCurrent(sql, format);
    return new StateDatabase(path, sql, sync);
  } catch (e) {
    sql?.close();
    const error = isAppError(e) ? e : toDatabaseError(e, path);
    if (options.forReading && isAppError(error) && isOutOfReach(error)) {
      const unchanging = openUnchanging(path, format);
      if (unchanging) return unchanging;
    }
    throw error;
  }
}

const isOutOfReach = (e: AppError): boolean => e.reason === 'STORAGE_DENIED' || e.reason === 'STORAGE_UNAVAILABLE';

/** Without locks and journals, which need a place to be written; null where a journal holds part of the data. */
function openUnchanging(path: string, format: DatabaseFormat): StateDatabase | null {
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return null;
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  let sql: DatabaseSync | undefined;
  try {
    sql = new DatabaseSync(url, { readOnly: true });
    checkVersion(sql, path, format, false);
    return new StateDatabase(path, sql);
  } catch (e) {
    sql?.close();
    throw isAppError(e) ? e : toDatabaseError(e, path);
  }
}

function userVersion(sql: DatabaseSync): number {
  return sql.prepare('PRAGMA user_version').get()?.['user_version'] as number;
}

function checkVersion(sql: DatabaseSync, path: string, format: DatabaseFormat, mayBeEmpty: boolean): void {
  const damaged = (what: string, details: Record<string, unknown> = {}): AppError =>
    new AppError('FAILED_PRECONDITION', 'DAMAGED', `${path} ${what}`, {
      hint: 'Restore it from a copy.',
      details: { file: path, ...details },
    });
  const version = userVersion(sql);
  const id = sql.prepare('PRAGMA application_id').get()?.['application_id'] as number;
  const schema = schemaOf(sql);
  // A death at its very creation leaves it so.
  const empty = id === 0 && version === 0 && schema.length === 0;
  if (empty && mayBeEmpty) return;
  if (empty) throw damaged(`is not ${format.what}`, { empty });
  if (id !== format.applicationId || version === 0) throw damaged(`is not ${format.what}`);
  if (version > format.version) {
    throw new AppError('FAILED_PRECONDITION', 'NEWER_FORMAT', `${path} was written by a newer stint (${version})`, {
      hint: 'Update stint.',
      details: { version, supported: format.version },
    });
  }
  // A trigger or view in a file from somebody else would run with every write.
  const own = version === format.version ? format : format.older?.find((o) => o.version === version);
  if (!own || JSON.stringify(schema) !== schemaMadeBy(own.schema)) throw damaged('has other tables than stint makes');
}

const madeSchemas = new Map<string, string>();

function schemaMadeBy(statements: string): string {
  const known = madeSchemas.get(statements);
  if (known !== undefined) return known;
  const sql = new DatabaseSync(':memory:');
  sql.exec(statements);
  const schema = JSON.stringify(schemaOf(sql));
  sql.close();
  madeSchemas.set(statements, schema);
  return schema;
}

/** Tables and all that belongs to them, but for what SQLite itself makes (statistics). */
function schemaOf(sql: DatabaseSync): unknown[] {
  return sql
    .prepare(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all();
}

/** Makes the tables, or those of an earlier version to the present ones. */
function makeCurrent(sql: DatabaseSync, format: DatabaseFormat): void {
  sql.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have been faster.
    const version = userVersion(sql);
    if (version === 0) sql.exec(format.schema);
    else if (version < format.version) sql.exec(format.older?.find((o) => o.version === version)?.migrate ?? '');
    sql.exec('COMMIT');
  } catch (e) {
    if (sql.isTransaction) sql.exec('ROLLBACK');
    throw e;
  }
}

/** Changing the journal mode does not wait for other processes by itself. */
function withRetries(forMs: number, fn: () => void): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; ; waited += 20) {
    try {
      fn();
      return;
    } catch (e) {
      if (sqliteCodeOf(e) !== sqliteBusy || waited >= forMs) throw e;
      Atomics.wait(pause, 0, 0, 20);
    }
  }
}
