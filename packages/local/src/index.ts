// SPDX-License-Identifier: Apache-2.0
// What a job needs of this machine. What runs tasks is in tasks.ts, so that a job loads nothing of it.
export { createFileObjectStore } from './file-object-store.ts';
export type { FileObjectStoreOptions } from './file-object-store.ts';
export { requirePlainFiles } from './job-tree.ts';
export { makeFolders } from './make-folders.ts';
export { describeThisProcess, ownerIsAlive } from './process-identity.ts';
export { openSeedFile } from './seed-file.ts';
export { createSqliteCallLog } from './sqlite-call-log.ts';
export { createSqliteJobStore } from './sqlite-job-store.ts';
export { whileHeld } from './sqlite-lease.ts';
export { damageOfState } from './state-check.ts';
export { openStateDatabase } from './state-database.ts';
export type { StateDatabase, StateDatabaseOptions } from './state-database.ts';
export { isSystemError, toFileError } from './storage-errors.ts';
export { systemClock } from './system-clock.ts';
export { temporaryFiles } from './temporary-files.ts';
