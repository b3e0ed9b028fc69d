// SPDX-License-Identifier: Apache-2.0
// node bench/export-only.ts DIR: `stint export DIR --format parquet` without the start of the program; prints its seconds.
import { exportDataset } from '@stint/runtime';

const [dir = ''] = process.argv.slice(2);
const started = performance.now();
const { exitCode, body } = await exportDataset({ dir, formats: ['PARQUET'], env: process.env, cwd: process.cwd() });
if (exitCode !== 0) throw new Error(JSON.stringify(body));
process.stdout.write(String((performance.now() - started) / 1000));
