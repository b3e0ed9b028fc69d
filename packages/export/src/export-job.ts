// SPDX-License-Identifier: Apache-2.0
// An export is written whole in a temporary folder, then moved into place file by file in one go; the manifest comes
// last and commits it. Between the first move and the last there is no manifest, so half an export is never taken for one.
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withDigest } from '@stint/core';
import type {
  JobSpec,
  Manifest,
  ManifestFile,
  ObjectStore,
  OutputFormat,
  ReportData,
  SeedRow,
  ShardCheckpoint,
} from '@stint/core';
import { renderCard } from './card.ts';
import { DuckDbProcess } from './duckdb-process.ts';
import { parquetColumns, planExport } from './export-plan.ts';
import { hashFile, sha256 } from './hashed-file.ts';
import type { FileFacts } from './hashed-file.ts';
import { partitioningOf } from './partition-key.ts';
import type { PartitionFile } from './partition-writer.ts';
import { renderReport } from './report/render-report.ts';
import { toExportError } from './storage-error.ts';
import { TableWriter } from './table-writer.ts';
import type { TableSource } from './table-writer.ts';
import { writeDatasets } from './write-datasets.ts';

export interface ExportProgress {
  phase: 'jsonl' | 'parquet' | 'csv' | 'partitions' | 'documents';
  /** Rows of `phase` so far. */
  rows: number;
}

export interface ExportOptions {
  /** The job's folder, absolute. */
  dir: string;
  /** A folder to write in that nobody else uses, on the file system of `dir`. Made, and removed at the end. */
  temporary: string;
  /** Runs `place` while no other process places an export of this job; it throws where this one has lost the right to. */
  exclusively: (place: () => void) => void;
  spec: JobSpec;
  status: string;
  store: ObjectStore;
  /** The job's shard checkpoints, ascending by shard. */
  shards: Iterable<ShardCheckpoint>;
  formats: readonly OutputFormat[];
  /** Time of the export, ISO 8601. */
  clockIso: string;
  signal: AbortSignal;
  /** With it the card has counts and cost, and `report.html` is written. */
  report?: (() => Promise<ReportData>) | undefined;
  /** A seed row by index, for partitions by a seed field. */
  seedValue?: ((seedIndex: number) => SeedRow) | undefined;
  onProgress?: ((progress: ExportProgress) => void) | undefined;
  /** One started earlier by `startDuckDb`, so that its loading costs no time here. Stopped at the end. */
  duckDb?: DuckDbProcess | undefined;
}

const EXTENSIONS: Record<OutputFormat, string> = { JSONL: 'jsonl', PARQUET: 'parquet', CSV: 'csv' };
const MANIFEST = 'manifest.json';
/** What an export may put into `exports/`; nothing else there is ever removed. */
const OWN_FILES = ['dataset.jsonl', 'dataset.parquet', 'dataset.csv', 'README.md', 'report.html'];

/** Starts the process that will write Parquet and CSV. Call `stop` where no export takes it over. */
export function startDuckDb(): DuckDbProcess {
  return new DuckDbProcess();
}

/**
 * Writes the exports of a job from its committed records and returns their manifest. Replaces an earlier export.
 * @throws AppError FAILED_PRECONDITION/DAMAGED, INVALID_ARGUMENT/TOO_MANY_PARTITIONS, UNAVAILABLE/STORAGE_UNAVAILABLE
 * (disk full too; temporary files are gone then), INTERNAL/EXPORT_FAILED; the signal's reason when it is aborted; what
 * `exclusively` throws: the earlier export is as it was then.
 */
export async function exportJob(options: ExportOptions): Promise<Manifest> {
  const exportsDir = join(options.dir, 'exports');
  const tmp = options.temporary;
  const needsTables = options.formats.some((f) => f !== 'JSONL');
  const duckDb = options.duckDb ?? (needsTables ? startDuckDb() : undefined);
  try {
    options.signal.throwIfAborted();
    await mkdir(tmp);
    const { manifest, placed } = await writeAll(options, tmp, needsTables ? duckDb : undefined);
    options.signal.throwIfAborted();
    options.exclusively(() => {
      place(exportsDir, tmp, placed, manifest);
    });
    return manifest;
  } catch (e) {
    throw toExportError(e, `writing ${exportsDir}`);
  } finally {
    await duckDb?.stop();
    await rm(tmp, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Everything into `tmp`, under the names it will have in `exports/`. */
async function writeAll(options: ExportOptions, tmp: string, duckDb: DuckDbProcess | undefined) {
  const { spec, signal } = options;
  const progress = (phase: ExportProgress['phase'], rows: number): void => options.onProgress?.({ phase, rows });
  const wants = (format: OutputFormat): boolean => options.formats.includes(format);
  const partitioning = partitioningOf(spec.partition_strategy, options.seedValue);
  const tables = duckDb && new TableWriter(duckDb, planExport(spec), tmp, signal);
  // Made while the data is written; what it meets counts when it is needed.
  const reported = options.report?.();
  reported?.catch(() => undefined);
  const { rows, whole, parts } = await writeDatasets(options, tmp, tables, partitioning, progress);
  const files: { name: string; file: Omit<ManifestFile, 'path' | 'bytes' | 'sha256'>; facts: Promise<FileFacts> }[] =
    [];
  const add = (name: string, file: (typeof files)[number]['file'], known?: FileFacts): void => {
    const found = known ? Promise.resolve(known) : hashFile(join(tmp, name), signal);
    // Awaited at the end; until then a failure must not count as unhandled.
    found.catch(() => undefined);
    files.push({ name, file, facts: found });
  };
  for (const format of ['JSONL', 'PARQUET', 'CSV'] as const) {
    const facts = whole.get(format);
    if (facts) add(`dataset.${EXTENSIONS[format]}`, { format, rows }, pick(facts));
  }
  let partitionedRows = 0;
  for (const part of parts) {
    for (const format of ['JSONL', 'PARQUET', 'CSV'] as const) {
      if (!wants(format)) continue;
      const name = `partitioned/${part.folder}/records.${EXTENSIONS[format]}`;
      const source = partSource(tmp, part);
      if (format === 'PARQUET') await tables?.parquet(source, join(tmp, name), 0);
      if (format === 'CSV') await tables?.csv(source, join(tmp, name), 0, true);
      const partition = { field: partitioning?.field ?? '', value: part.value };
      add(name, { format, rows: part.rows, partition }, format === 'JSONL' ? pick(part) : undefined);
    }
    partitionedRows += part.rows;
    progress('partitions', partitionedRows);
  }
  const columns = parquetColumns(tables?.plan ?? planExport(spec));
  const data = await Promise.all(
    files.map(async (f) => ({ ...f.file, path: `exports/${f.name}`, ...(await f.facts) })),
  );
  const report = await reported;
  const card = { spec, status: options.status, rows, files: data, columns, clockIso: options.clockIso };
  await writeFile(join(tmp, 'README.md'), renderCard({ ...card, report }));
  const documents = [{ name: 'README.md', format: 'README' }];
  if (report) {
    await writeFile(join(tmp, 'report.html'), renderReport(report));
    documents.push({ name: 'report.html', format: 'REPORT' });
  }
  const documentFiles = await Promise.all(
    documents.map(async ({ name, format }) => ({
      format,
      path: `exports/${name}`,
      rows: 0,
      ...(await hashFile(join(tmp, name))),
    })),
  );
  progress('documents', rows);
  const manifest = withDigest<Manifest>(sha256, {
    schema: 'stint.manifest/1',
    job_id: spec.job_id,
    status: options.status,
    created_at: options.clockIso,
    rows,
    files: [...data, ...documentFiles],
    columns,
  });
  return { manifest, placed: manifest.files.map((f) => f.path.slice('exports/'.length)) };
}

const pick = ({ bytes, sha256 }: FileFacts): FileFacts => ({ bytes, sha256 });
const partSource = (tmp: string, part: PartitionFile): TableSource => ({
  path: join(tmp, 'partitioned', part.folder, 'records.jsonl'),
  rows: part.rows,
  bytes: part.bytes,
  longestLineBytes: part.longestLineBytes,
});

/** Moves what was written into place, then what an older export had and this one has not goes, then the manifest. */
function place(exportsDir: string, tmp: string, names: readonly string[], manifest: Manifest): void {
  writeFileSync(join(tmp, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  mkdirSync(exportsDir, { recursive: true });
  for (const name of names) if (name.includes('/')) mkdirSync(dirname(join(exportsDir, name)), { recursive: true });
  // Until here a death leaves the earlier export whole; from here on the same command, or `stint export`, writes it again.
  rmSync(join(exportsDir, MANIFEST), { force: true });
  for (const name of names) renameSync(join(tmp, name), join(exportsDir, name));
  const kept = new Set(names);
  for (const name of OWN_FILES) if (!kept.has(name)) rmSync(join(exportsDir, name), { force: true });
  removeOldPartitions(join(exportsDir, 'partitioned'), kept);
  renameSync(join(tmp, MANIFEST), join(exportsDir, MANIFEST));
}

function removeOldPartitions(root: string, kept: ReadonlySet<string>): void {
  for (const folder of foldersOf(root)) {
    if (!folder.isDirectory() || !folder.name.includes('=')) continue;
    for (const extension of Object.values(EXTENSIONS)) {
      const name = `${basename(root)}/${folder.name}/records.${extension}`;
      if (!kept.has(name)) rmSync(join(dirname(root), name), { force: true });
    }
    removeIfEmpty(join(root, folder.name));
  }
  removeIfEmpty(root);
}

function foldersOf(root: string): Dirent[] {
  try {
    return readdirSync(root, { withFileTypes: true });
  } catch {
    return [];
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not there, or holds files that are not ours.
  }
}
