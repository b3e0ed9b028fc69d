// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { DuckDbProcess } from './duckdb-process.ts';
import { TableWriter } from './table-writer.ts';

const dir = mkdtempSync(join(tmpdir(), 'stint-duckdb-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});
const { signal } = new AbortController();

// In a process of its own, which nothing else keeps alive.
test('a DuckDB that dies while a statement runs is told of', () => {
  const module = pathToFileURL(join(import.meta.dirname, 'duckdb-process.ts')).href;
  const script = `
    import { DuckDbProcess } from ${JSON.stringify(module)};
    const duckDb = new DuckDbProcess();
    const { signal } = new AbortController();
    await duckDb.run('SELECT 1', signal);
    const running = duckDb.run('SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 3', signal);
    process.kill(duckDb.pid, 'SIGKILL');
    console.log(await running.catch((e) => e.reason));`;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(ran).toMatchObject({ stdout: 'EXPORT_PROCESS_DIED\n', status: 0 });
});

test('what two lanes have no memory for lies in two places', async () => {
  const duckDb = new DuckDbProcess();
  try {
    const source = { path: join(dir, 'one.jsonl'), rows: 1, bytes: 3, longestLineBytes: 2 };
    writeFileSync(source.path, '{}\n');
    const tables = new TableWriter(duckDb, { layout: 'json', steps: [] }, dir, signal);
    const places = await Promise.all(
      [0, 1].map(async (lane) => {
        await tables.parquet(source, join(dir, `${String(lane)}.parquet`), lane);
        return (await duckDb.run(`SELECT current_setting('temp_directory')`, signal, lane))[0]?.[0];
      }),
    );
    expect(new Set(places).size).toBe(2);
  } finally {
    await duckDb.stop();
  }
});
