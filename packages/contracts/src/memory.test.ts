// SPDX-License-Identifier: Apache-2.0
import { callLogContract } from './call-log-contract.ts';
import { jobStoreContract } from './job-store-contract.ts';
import { memoryDisk } from './memory-disk.ts';
import { objectStoreContract } from './object-store-contract.ts';
import { memoryObjectStore } from './memory-object-store.ts';
import type { StoredObject } from '@stint/core';

const noClose = async (): Promise<void> => {
  // Memory has nothing to give back.
};

objectStoreContract('memory', async () => {
  const objects = new Map<string, StoredObject>();
  return { open: async () => memoryObjectStore(objects), close: noClose };
});

async function makeState() {
  const disk = memoryDisk();
  return { open: async () => disk.open(), close: noClose };
}

callLogContract('memory', makeState);
jobStoreContract('memory', makeState);
