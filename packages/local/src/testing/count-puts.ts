// SPDX-License-Identifier: Apache-2.0
// A process that adds 1 to a shared object `times` times by compare-and-swap: node count-puts.ts DIR TIMES
import { isAppError } from '@stint/core/base';
import { createFileObjectStore } from '../file-object-store.ts';
import { openStateDatabase } from '../state-database.ts';

const [dir = '', times = '0'] = process.argv.slice(2);
const db = openStateDatabase(`${dir}/state.sqlite`);
const store = createFileObjectStore({ dir, db });
const conflicts = ['OBJECT_EXISTS', 'ETAG_MISMATCH'];

async function addOne(): Promise<boolean> {
  try {
    const old = await store.get('counter').catch((e: unknown) => {
      if (isAppError(e) && e.code === 'NOT_FOUND') return null;
      throw e;
    });
    const next = Number(old ? Buffer.from(old.body).toString() : 0) + 1;
    await store.put('counter', Buffer.from(String(next)), old ? { etag: old.etag } : { create: true });
    return true;
  } catch (e) {
    if (isAppError(e) && conflicts.includes(e.reason)) return false;
    throw e;
  }
}

let lost = 0;
for (let done = 0; done < Number(times);) {
  if (await addOne()) done++;
  else lost++;
}
db.close();
process.stdout.write(`${lost}\n`);
