// SPDX-License-Identifier: Apache-2.0
// Runs in its own process, so that DuckDB's memory and native code stay out of the job's. Told what to run by
// `DuckDbProcess`; ends with its parent.
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDbReply, DuckDbRequest } from './duckdb-process.ts';

process.on('disconnect', () => process.exit(1));
const instance = await DuckDBInstance.create(':memory:', {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
});
const connection = await instance.connect();

process.on('message', (request: DuckDbRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});

async function answer({ id, sql }: DuckDbRequest): Promise<DuckDbReply> {
  try {
    const result = await connection.runAndReadAll(sql);
    return { id, rows: result.getRowsJson() };
  } catch (e) {
    return { id, error: e instanceof Error ? e.message : String(e) };
  }
}
