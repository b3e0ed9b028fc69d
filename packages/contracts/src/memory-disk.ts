// SPDX-License-Identifier: Apache-2.0
import type { CallLog, JobStore, ObjectStore } from '@stint/core';
import { memoryCallLogOn } from './memory-call-log.ts';
import { memoryJobStore } from './memory-job-store.ts';
import { memoryObjectStore } from './memory-object-store.ts';
import { emptyMemoryState } from './memory-state.ts';
import type { MemoryState } from './memory-state.ts';

export interface MemoryDisk {
  readonly objects: ObjectStore;
  /** What is stored, for tests that damage it or look at it. */
  readonly state: MemoryState;
  /** Opens the storage as a new process would; as often as wanted. */
  open(): { log: CallLog; jobs: JobStore };
}

/** Storage of one job that outlives a simulated crash. The log enforces the budget in force of the job store. */
export function memoryDisk(): MemoryDisk {
  const state = emptyMemoryState();
  return {
    state,
    objects: memoryObjectStore(state.objects),
    open: () => ({ log: memoryCallLogOn(state), jobs: memoryJobStore(state) }),
  };
}
