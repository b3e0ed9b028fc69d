// SPDX-License-Identifier: Apache-2.0
export { createProcessEngine } from './containers/process-engine.ts';
export { createFileObjectStore } from './file-object-store.ts';
export type { FileObjectStoreOptions } from './file-object-store.ts';
export type { NoopEngineOptions } from './containers/noop-engine.ts';
export { createNoopEngine } from './containers/noop-engine.ts';
export { requirePlainFiles } from './job-tree.ts';
export { describeThisProcess, ownerIsAlive } from './process-identity.ts';
export { openSeedFile } from './seed-file.ts';
export { createSqliteCallLog } from './sqlite-call-log.ts';
export { createSqliteJobStore } from './sqlite-job-store.ts';
export { openSqliteTaskStore, taskStoreFile } from './sqlite-task-store.ts';
export { whileHeld } from './sqlite-lease.ts';
export { damageOfState } from './state-check.ts';
export { openStateDatabase } from './state-database.ts';
export type { StateDatabase, StateDatabaseOptions } from './state-database.ts';
export { isSystemError, toFileError } from './storage-errors.ts';
export { systemClock } from './system-clock.ts';
export { temporaryFiles } from './temporary-files.ts';
