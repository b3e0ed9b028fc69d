// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import { sqlText } from './column-types.ts';
import type { DuckDbProcess } from './duckdb-process.ts';
import { csvSelect, parquetSelect, readJson, resultType, withJsonText } from './export-plan.ts';
import type { ExportPlan } from './export-plan.ts';
import { copyWithoutLoneSurrogates } from './lone-surrogates.ts';
import { extraKeysQuery } from './open-objects.ts';
import { isLoneSurrogate, isOutOfMemory, isTypeMismatch } from './storage-error.ts';

/** A JSONL file to be read. */
export interface TableSource {
  path: string;
  rows: number;
  bytes: number;
  longestLineBytes: number;
}

/** DuckDB's own pool. With 64 KiB read buffers and row groups of about 16 MB the whole process stays near 300 MB. */
const MEMORY_MB = 200;
const ROW_GROUP_BYTES = 16 << 20;

/** Writes Parquet and CSV from JSONL, in its order, with types that lose nothing. */
export class TableWriter {
  private readonly duckDb: DuckDbProcess;
  private readonly tmpDir: string;
  private readonly signal: AbortSignal;
  private current: ExportPlan;
  /** Copies without what DuckDB can't read, by source. */
  private readonly cleaned = new Map<string, string>();

  constructor(duckDb: DuckDbProcess, plan: ExportPlan, tmpDir: string, signal: AbortSignal) {
    this.duckDb = duckDb;
    this.current = plan;
    this.tmpDir = tmpDir;
    this.signal = signal;
  }

  /** The columns as they were written: what did not fit its type is JSON text here. */
  get plan(): ExportPlan {
    return this.current;
  }

  /** Prepares for files like this one, the whole dataset: memory, and columns with values no type declares. */
  async begin(source: TableSource): Promise<void> {
    const mean = source.rows === 0 ? 0 : source.bytes / source.rows;
    // A vector of 2,048 rows is the least DuckDB works on; some of them are under way at once.
    const memoryMb = MEMORY_MB + Math.ceil((Math.max(0, mean - 4_096) * 16_384 + source.longestLineBytes * 8) / 1e6);
    await this.set(`memory_limit = '${String(memoryMb)}MB'`);
    await this.set(`temp_directory = ${sqlText(this.tmpDir)}`);
    if (mean > 16_384) await this.set('threads = 1');
    if (source.rows === 0) return;
    const extra = await this.repairing(source, async (path) => {
      const query = extraKeysQuery(this.current, path, source.longestLineBytes);
      const counts = query ? ((await this.duckDb.run(query.sql, this.signal))[0] ?? []) : [];
      return query?.stepIds.filter((_, i) => Number(counts[i]) > 0) ?? [];
    });
    this.current = withJsonText(this.current, new Set(extra));
  }

  /** zstd, rows in the order of the source. */
  async parquet(source: TableSource, to: string): Promise<void> {
    const mean = Math.max(1, source.bytes / Math.max(1, source.rows));
    const groupRows = Math.min(20_480, Math.max(2_048, Math.floor(ROW_GROUP_BYTES / mean / 2_048) * 2_048));
    const options = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${String(groupRows)}`;
    await this.copy(parquetSelect, source, to, options);
  }

  /** RFC 4180 quoting, header, LF; a missing value is empty, an empty string is `""`. */
  async csv(source: TableSource, to: string): Promise<void> {
    await this.copy(csvSelect, source, to, `FORMAT csv, HEADER, QUOTE '"', ESCAPE '"', DELIMITER ',', NULLSTR ''`);
  }

  private async copy(select: typeof csvSelect, source: TableSource, to: string, options: string): Promise<void> {
    const counted = await this.repairing(source, (path) =>
      this.duckDb.run(
        `COPY (${select(this.current, path, source.longestLineBytes)}) TO ${sqlText(to)} (${options})`,
        this.signal,
      ),
    );
    const rows = Number(counted[0]?.[0]);
    if (rows !== source.rows) {
      const message = `${to} has ${String(rows)} rows, its source has ${String(source.rows)}`;
      throw new AppError('INTERNAL', 'EXPORT_FAILED', message);
    }
  }

  /** Runs what reads a source; after each of three known refusals once more, with its remedy. */
  private async repairing<T>(source: TableSource, run: (path: string) => Promise<T>): Promise<T> {
    for (const tried = new Set<string>(); ;) {
      try {
        return await run(this.cleaned.get(source.path) ?? source.path);
      } catch (e) {
        if (isOutOfMemory(e) && !tried.has('memory')) {
          // Very uneven records: slower and larger is better than not at all.
          tried.add('memory');
          await this.set('threads = 1');
          await this.duckDb.run('RESET memory_limit', this.signal);
        } else if (isLoneSurrogate(e) && !this.cleaned.has(source.path)) {
          const path = `${this.tmpDir}/readable-${String(this.cleaned.size)}.jsonl`;
          await copyWithoutLoneSurrogates(source.path, path, this.signal);
          this.cleaned.set(source.path, path);
        } else if (isTypeMismatch(e) && !tried.has('types')) {
          tried.add('types');
          const misfits = await this.misfits(source);
          if (misfits.size === 0) throw e;
          this.current = withJsonText(this.current, misfits);
        } else {
          throw e;
        }
      }
    }
  }

  /** Steps whose `json` holds a value that its declared type can't. */
  private async misfits(source: TableSource): Promise<Set<string>> {
    const found = new Set<string>();
    for (const step of this.current.steps) {
      const fields = step.fields.filter((f) => f.name === 'json');
      const type = resultType({ layout: 'columns', steps: [{ id: step.id, fields }] });
      if (fields.length === 0) continue;
      const path = this.cleaned.get(source.path) ?? source.path;
      const from = readJson(path, [{ name: 'generation_result', type }], source.longestLineBytes);
      try {
        await this.duckDb.run(`SELECT count(generation_result) FROM ${from}`, this.signal);
      } catch (e) {
        if (!isTypeMismatch(e)) throw e;
        found.add(step.id);
      }
    }
    return found;
  }

  private async set(setting: string): Promise<void> {
    await this.duckDb.run(`SET ${setting}`, this.signal);
  }
}
