// SPDX-License-Identifier: Apache-2.0
// Runs in its own process, so that DuckDB's memory and native code stay out of the job's. Told what to run by
// `DuckDbProcess`; ends with its parent.
import { flushCompileCache } from 'node:module';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DuckDbReply, DuckDbRequest } from './duckdb-process.ts';

process.on('disconnect', () => process.exit(1));

/** A database for each lane, made when it is first used: two statements at a time share nothing but the process. */
const lanes = new Map<number, Promise<DuckDBConnection>>();

async function open(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  return instance.connect();
}

function connectionOf(lane: number): Promise<DuckDBConnection> {
  const connection = lanes.get(lane) ?? open();
  lanes.set(lane, connection);
  return connection;
}

process.on('message', (request: DuckDbRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});

async function answer({ id, lane, sql }: DuckDbRequest): Promise<DuckDbReply> {
  try {
    const connection = await connectionOf(lane);
    const result = await connection.runAndReadAll(sql);
    return { id, rows: result.getRowsJson() };
  } catch (e) {
    return { id, error: e instanceof Error ? e.message : String(e) };
  }
}

await connectionOf(0);
// It is killed in the end, so there will be no time for it then.
flushCompileCache();
