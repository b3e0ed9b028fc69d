// SPDX-License-Identifier: Apache-2.0
export * from './crash-plan.ts';
export * from './fake-clock.ts';
export * from './flaky.ts';
export { memoryCallLog } from './memory-call-log.ts';
export * from './memory-disk.ts';
export { memoryJobStore } from './memory-job-store.ts';
export { memoryObjectStore } from './memory-object-store.ts';
export { emptyMemoryState } from './memory-state.ts';
export type { MemoryState } from './memory-state.ts';
export * from './recording.ts';
export * from './memory-task-store.ts';
export * from './simulated-compute.ts';
