// SPDX-License-Identifier: Apache-2.0
export { createSqliteCallLog } from './sqlite-call-log.ts';
export { createSqliteJobStore } from './sqlite-job-store.ts';
export { openStateDatabase } from './state-database.ts';
export type { StateDatabase, StateDatabaseOptions } from './state-database.ts';
