// SPDX-License-Identifier: Apache-2.0
// node bench/bare-copy.ts DATASET.JSONL OUT.PARQUET: DuckDB alone, rows in order; prints its seconds.
import { createRequire } from 'node:module';
import type * as DuckDb from '@duckdb/node-api';

// Where the export package has it.
const require = createRequire(new URL('../packages/export/package.json', import.meta.url));
const { DuckDBInstance } = require('@duckdb/node-api') as typeof DuckDb;
const [from = '', to = ''] = process.argv.slice(2);
const started = performance.now();
const connection = await (await DuckDBInstance.create(':memory:')).connect();
await connection.run(
  `COPY (SELECT * FROM read_json('${from}', format = 'newline_delimited')) TO '${to}' (FORMAT parquet, COMPRESSION zstd)`,
);
process.stdout.write(String((performance.now() - started) / 1000));
