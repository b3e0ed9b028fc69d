// SPDX-License-Identifier: Apache-2.0
import { emptyMemoryTasks, memoryTaskStore } from './memory-task-store.ts';
import { taskStoreContract } from './task-store-contract.ts';

taskStoreContract('memory', async () => {
  const state = emptyMemoryTasks();
  return { open: async () => memoryTaskStore(state), close: async () => undefined };
});
