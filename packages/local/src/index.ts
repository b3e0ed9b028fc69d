// SPDX-License-Identifier: Apache-2.0
export * from './tasks.ts';
export { createFileObjectStore } from './file-object-store.ts';
export type { FileObjectStoreOptions } from './file-object-store.ts';
export { requirePlainFiles } from './job-tree.ts';
export { openSeedFile } from './seed-file.ts';
export { createSqliteCallLog } from './sqlite-call-log.ts';
export { createSqliteJobStore } from './sqlite-job-store.ts';
export { whileHeld } from './sqlite-lease.ts';
export { damageOfState } from './state-check.ts';
export { openStateDatabase } from './state-database.ts';
export type { StateDatabase, StateDatabaseOptions } from './state-database.ts';
export { temporaryFiles } from './temporary-files.ts';
