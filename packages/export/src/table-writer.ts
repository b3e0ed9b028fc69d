// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
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

/** The columns are not what was thought: what was written with them is to be written again. */
export class ColumnsChanged extends Error {
  override readonly name = 'ColumnsChanged';
}

/** DuckDB's own pool of one lane, enough for one row group and what makes it. */
const MEMORY_MB = 100;
const ROW_GROUP_BYTES = 8 << 20;
/** Rows of a vector, the least that DuckDB works on. */
const VECTOR_ROWS = 2_048;

/** Writes Parquet and CSV from JSONL, in its order, with types that lose nothing. */
export class TableWriter {
  private readonly duckDb: DuckDbProcess;
  private readonly tmpDir: string;
  private readonly signal: AbortSignal;
  private current: ExportPlan;
  /** Memory that each lane was given, MB. */
  private readonly memory = new Map<number, number>();
  /** Copies without what DuckDB can't read, by source. */
  private readonly cleaned = new Map<string, string>();

  constructor(duckDb: DuckDbProcess, plan: ExportPlan, tmpDir: string, signal: AbortSignal) {
    this.duckDb = duckDb;
    this.current = plan;
    this.tmpDir = tmpDir;
    this.signal = signal;
  }

  /** The columns as they are written: what does not fit its type is JSON text here. */
  get plan(): ExportPlan {
    return this.current;
  }

  /**
   * Looks for values that no column declares, which a typed column would drop.
   * @throws ColumnsChanged where there are some: `plan` has room for them now.
   */
  async checkColumns(source: TableSource, lane: number): Promise<void> {
    if (source.rows === 0) return;
    const extra = await this.repairing(source, lane, async (path) => {
      const query = extraKeysQuery(this.current, path, source.longestLineBytes);
      const counts = query ? ((await this.run(query.sql, lane))[0] ?? []) : [];
      return query?.stepIds.filter((_, i) => Number(counts[i]) > 0) ?? [];
    });
    if (extra.length > 0) this.changeColumns(extra);
  }

  /** zstd, rows in the order of the source. @throws ColumnsChanged as `checkColumns`, for values of another type */
  async parquet(source: TableSource, to: string, lane: number): Promise<void> {
    const mean = Math.max(1, source.bytes / Math.max(1, source.rows));
    const vectors = Math.max(1, Math.floor(ROW_GROUP_BYTES / mean / VECTOR_ROWS));
    // A piece is one group, however its rows fall.
    const groupRows = source.bytes < 2 * ROW_GROUP_BYTES ? source.rows : vectors * VECTOR_ROWS;
    const options = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${String(Math.max(1, groupRows))}`;
    await this.copy(parquetSelect, source, to, options, lane);
  }

  /** RFC 4180 quoting, LF; a missing value is empty, an empty string is `""`. @throws ColumnsChanged */
  async csv(source: TableSource, to: string, lane: number, header: boolean): Promise<void> {
    const options = `FORMAT csv, HEADER ${String(header)}, QUOTE '"', ESCAPE '"', DELIMITER ',', NULLSTR ''`;
    await this.copy(csvSelect, source, to, options, lane);
  }

  /** Removes a source, with what was made of it to read it. */
  async remove(source: TableSource): Promise<void> {
    await rm(source.path);
    const cleaned = this.cleaned.get(source.path);
    this.cleaned.delete(source.path);
    if (cleaned !== undefined) await rm(cleaned);
  }

  private async copy(
    select: typeof csvSelect,
    source: TableSource,
    to: string,
    options: string,
    lane: number,
  ): Promise<void> {
    const counted = await this.repairing(source, lane, (path) =>
      this.run(`COPY (${select(this.current, path, source.longestLineBytes)}) TO ${sqlText(to)} (${options})`, lane),
    );
    const rows = Number(counted[0]?.[0]);
    if (rows !== source.rows) {
      const message = `${to} has ${String(rows)} rows, its source has ${String(source.rows)}`;
      throw new AppError('INTERNAL', 'EXPORT_FAILED', message);
    }
  }

  /** Runs what reads a source; after a known refusal once more, with its remedy. */
  private async repairing<T>(source: TableSource, lane: number, run: (path: string) => Promise<T>): Promise<T> {
    await this.giveMemory(source, lane);
    for (;;) {
      try {
        return await run(this.cleaned.get(source.path) ?? source.path);
      } catch (e) {
        if (isOutOfMemory(e) && this.memory.get(lane) !== Infinity) {
          // Very uneven records: larger is better than not at all.
          this.memory.set(lane, Infinity);
          // RESET shows the default again, and leaves the limit in force (DuckDB 1.5.4).
          await this.run(`SET memory_limit = '${Math.floor((totalmem() * 0.8) / 1e6)}MB'`, lane);
        } else if (isLoneSurrogate(e) && !this.cleaned.has(source.path)) {
          const path = `${source.path}.readable`;
          await copyWithoutLoneSurrogates(source.path, path, this.signal);
          this.cleaned.set(source.path, path);
        } else if (isTypeMismatch(e)) {
          const misfits = await this.misfits(source, lane);
          if (misfits.length === 0) throw e;
          this.changeColumns(misfits);
        } else {
          throw e;
        }
      }
    }
  }

  /** Steps whose `json` holds a value that its declared type can't. */
  private async misfits(source: TableSource, lane: number): Promise<string[]> {
    const found: string[] = [];
    for (const step of this.current.steps) {
      const fields = step.fields.filter((f) => f.name === 'json');
      const type = resultType({ layout: 'columns', steps: [{ id: step.id, fields }] });
      if (fields.length === 0) continue;
      const path = this.cleaned.get(source.path) ?? source.path;
      const from = readJson(path, [{ name: 'generation_result', type }], source.longestLineBytes);
      try {
        await this.run(`SELECT count(generation_result) FROM ${from}`, lane);
      } catch (e) {
        if (!isTypeMismatch(e)) throw e;
        found.push(step.id);
      }
    }
    return found;
  }

  private changeColumns(stepIds: readonly string[]): never {
    this.current = withJsonText(this.current, new Set(stepIds));
    throw new ColumnsChanged(`values of ${stepIds.join(', ')} do not fit their columns`);
  }

  /** A lane works in one thread: with more, DuckDB holds much to keep the rows in order, and spins where it can't. */
  private async giveMemory(source: TableSource, lane: number): Promise<void> {
    const mean = source.bytes / Math.max(1, source.rows);
    const wide = Math.min(Math.max(0, mean - 4_096) * 8 * VECTOR_ROWS, source.bytes * 4);
    const needed = MEMORY_MB + Math.ceil((wide + source.longestLineBytes * 8) / 1e6);
    const given = this.memory.get(lane);
    if (given !== undefined && given >= needed) return;
    this.memory.set(lane, needed);
    await this.run(`SET memory_limit = '${String(needed)}MB'`, lane);
    if (given !== undefined) return;
    // Databases name what they put there alike.
    const spilled = join(this.tmpDir, `spilled-${String(lane)}`);
    await this.run(`SET temp_directory = ${sqlText(spilled)}`, lane);
    await this.run('SET threads = 1', lane);
  }

  private run(sql: string, lane: number): Promise<unknown[][]> {
    return this.duckDb.run(sql, this.signal, lane);
  }
}
