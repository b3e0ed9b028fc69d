// SPDX-License-Identifier: Apache-2.0
// What running tasks on this machine needs, without the storage of jobs.
export { createProcessEngine } from './containers/process-engine.ts';
export type { NoopEngineOptions } from './containers/noop-engine.ts';
export { findGpus } from './containers/nvidia-devices.ts';
export type { MachineGpus } from './containers/nvidia-devices.ts';
export { createNoopEngine } from './containers/noop-engine.ts';
export { describeThisProcess, ownerIsAlive } from './process-identity.ts';
export { createCliEngine, findCliEngine } from './containers/cli-engine.ts';
export { tryLockFile } from './lock-file.ts';
export { makeFolders } from './make-folders.ts';
export { createLocalCompute } from './local-compute.ts';
export { openSqliteTaskStore, taskStoreFile } from './sqlite-task-store.ts';
export { isSystemError, toFileError } from './storage-errors.ts';
export { systemClock } from './system-clock.ts';
