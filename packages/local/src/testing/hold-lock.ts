// SPDX-License-Identifier: Apache-2.0
// A process that stops for ever inside the lock of the state file, with a half-written object: node hold-lock.ts DIR
import { writeFileSync, writeSync } from 'node:fs';
import { openStateDatabase } from '../state-database.ts';
import { describeThisProcess } from '../process-identity.ts';
import { temporaryFiles } from '../temporary-files.ts';

const [dir = ''] = process.argv.slice(2);
const db = openStateDatabase(`${dir}/state.sqlite`);
writeFileSync(temporaryFiles(dir, describeThisProcess()).next(), 'half');
db.write(() => {
  writeSync(1, 'locked\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
