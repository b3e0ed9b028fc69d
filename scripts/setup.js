// SPDX-License-Identifier: Apache-2.0

// Runs before `npm start` and `npm test`: makes a bare clone ready, and costs nothing where it is ready already.
// Plain JavaScript without dependencies, for Node 18 or newer: it is what brings the Node and the packages that the rest needs.
//   node scripts/setup.js [--llama]     --llama: also what runs a local model (optional/llama)

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup/set-up.js';

process.exitCode = await setUp({
  root: dirname(dirname(fileURLToPath(import.meta.url))),
  llama: process.argv.includes('--llama'),
  say: (line) => process.stderr.write(`set-up: ${line}\n`),
});
