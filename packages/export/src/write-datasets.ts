// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputFormat } from '@stint/core';
import type { ExportOptions, ExportProgress } from './export-job.ts';
import { HashedFile } from './hashed-file.ts';
import type { FileFacts } from './hashed-file.ts';
import { JoinedTables, tableFormats } from './joined-tables.ts';
import type { TableFormat } from './joined-tables.ts';
import type { Partitioning } from './partition-key.ts';
import { PartitionWriter } from './partition-writer.ts';
import type { PartitionFile } from './partition-writer.ts';
import { RecordPieces } from './record-pieces.ts';
import type { TableWriter } from './table-writer.ts';
import { walkRecords } from './walk-records.ts';
import type { RecordSink } from './walk-records.ts';

export interface WrittenDatasets {
  rows: number;
  /** The whole dataset in each format that was asked for. */
  whole: ReadonlyMap<OutputFormat, FileFacts>;
  /** Its partitions as JSONL, whatever the formats. */
  parts: PartitionFile[];
}

type Walk = (sinks: readonly RecordSink[]) => Promise<number>;

/** Writes `dataset.*` and the JSONL of the partitions below `tmp`. */
export async function writeDatasets(
  options: ExportOptions,
  tmp: string,
  tables: TableWriter | undefined,
  partitioning: Partitioning | undefined,
  progress: (phase: ExportProgress['phase'], rows: number) => void,
): Promise<WrittenDatasets> {
  const walk: Walk = (sinks) => {
    const onRows = (rows: number): void => {
      progress('jsonl', rows);
    };
    return walkRecords({ ...options, onRows }, sinks);
  };
  const jsonl = options.formats.includes('JSONL') ? await HashedFile.create(join(tmp, 'dataset.jsonl')) : undefined;
  const partitions = partitioning && new PartitionWriter(join(tmp, 'partitioned'), partitioning);
  const sinks: RecordSink[] = [];
  if (jsonl) sinks.push({ add: (run) => jsonl.write(run.bytes) });
  if (partitions) sinks.push(partitions);
  try {
    const whole = new Map<OutputFormat, FileFacts>();
    const formats = tableFormats.filter((f) => options.formats.includes(f));
    const onRows = (format: TableFormat, rows: number): void => {
      progress(format === 'PARQUET' ? 'parquet' : 'csv', rows);
    };
    const { rows, files } = tables
      ? await walkWithTables(walk, sinks, tmp, () => JoinedTables.create({ tables, formats, folder: tmp, onRows }))
      : { rows: await walk(sinks), files: [] };
    for (const [format, facts] of files) whole.set(format, facts);
    if (jsonl) whole.set('JSONL', await jsonl.facts());
    return { rows, whole, parts: (await partitions?.finish()) ?? [] };
  } catch (e) {
    await jsonl?.abandon();
    throw e;
  }
}

/** Walks again, for the tables alone, where their columns changed on the way. */
async function walkWithTables(
  walk: Walk,
  sinks: readonly RecordSink[],
  tmp: string,
  make: () => Promise<JoinedTables>,
): Promise<{ rows: number; files: ReadonlyMap<OutputFormat, FileFacts> }> {
  for (let attempt = 1; ; attempt += 1) {
    const folder = join(tmp, `pieces-${String(attempt)}`);
    await mkdir(folder);
    const tables = await make();
    const pieces = new RecordPieces(folder, (piece) => tables.add(piece));
    try {
      const rows = await walk([...(attempt === 1 ? sinks : []), pieces]);
      await pieces.finish();
      const files = await tables.finish();
      if (files) return { rows, files };
    } catch (e) {
      await pieces.abandon();
      await tables.abandon();
      throw e;
    }
  }
}
