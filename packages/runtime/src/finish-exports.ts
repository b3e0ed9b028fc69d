// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { countsOf, linesOf } from '@stint/core';
import type { JobSpec, JobState, Manifest, OutputFormat, RunOutcome, SeedSource, ShardCheckpoint } from '@stint/core';
import type { DuckDbProcess } from '@stint/export';
import { shardCheckpoints } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { reportData } from './report-data.ts';

/** Writes every export of a job: datasets, partitions, card, report, manifest. */
export async function writeExports(options: {
  folder: JobFolder;
  spec: JobSpec;
  state: JobState;
  end: RunOutcome;
  elapsedMs: number;
  formats: readonly OutputFormat[];
  seeds: SeedSource;
  signal: AbortSignal;
  duckDb?: DuckDbProcess | undefined;
}): Promise<Manifest> {
  const { folder, spec, state, end, elapsedMs, formats, seeds, signal, duckDb } = options;
  // DuckDB and the writers load only when there is something to write.
  const { exportJob } = await import('@stint/export');
  const docs: ShardCheckpoint[] = [];
  for await (const doc of shardCheckpoints(folder)) docs.push(doc);
  const report = await reportData(
    spec,
    state,
    end,
    elapsedMs,
    folder.log,
    countsOf(docs),
    await rejectCodes(folder.dir, docs),
  );
  return exportJob({
    dir: folder.dir,
    spec,
    status: end.status,
    store: folder.store,
    shards: shardCheckpoints(folder),
    formats,
    clockIso: new Date().toISOString(),
    signal,
    report,
    seedValue: (i) => seeds.row(i),
    duckDb,
  });
}

async function rejectCodes(dir: string, docs: readonly ShardCheckpoint[]): Promise<Map<string, number>> {
  const codes = new Map<string, number>();
  for (const { key } of docs.flatMap((d) => d.rejects)) {
    for await (const line of linesOf(createReadStream(join(dir, key)))) {
      if (line.length === 0) continue;
      const { code } = JSON.parse(Buffer.from(line).toString()) as { code: string };
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  }
  return codes;
}
