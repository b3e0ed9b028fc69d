// SPDX-License-Identifier: Apache-2.0
import { open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { HashedFile } from './hashed-file.ts';
import type { FileFacts } from './hashed-file.ts';
import { ParquetJoin } from './join-parquet.ts';
import { ColumnsChanged } from './table-writer.ts';
import type { TableSource, TableWriter } from './table-writer.ts';

/**
 * Pieces that are converted at a time. Each takes a core and some 70 MB; the walk, the report and the joins fill what they
 * leave of two cores.
 */
const LANES = availableParallelism() > 1 ? 2 : 1;

export const tableFormats = ['PARQUET', 'CSV'] as const;
export type TableFormat = (typeof tableFormats)[number];

/** A table of many pieces: files that are added become one. */
interface Join {
  add(path: string): Promise<void>;
  finish(): Promise<FileFacts>;
  abandon(): Promise<void>;
}

export interface JoinedTablesOptions {
  tables: TableWriter;
  formats: readonly TableFormat[];
  /** Where `dataset.parquet` and `dataset.csv` go; neither is there. */
  folder: string;
  onRows: (format: TableFormat, rows: number) => void;
}

/**
 * The whole dataset as Parquet and CSV, made piece by piece: pieces are converted while the next one is cut, and
 * joined in order. Memory and room for temporary files depend on the size of a piece alone.
 */
export class JoinedTables {
  private readonly options: JoinedTablesOptions;
  private readonly joins: { format: TableFormat; join: Join }[] = [];
  private readonly lanes: Promise<unknown>[] = Array.from({ length: LANES }, () => Promise.resolve());
  private joined: Promise<void> = Promise.resolve();
  private count = 0;
  private rows = 0;
  private failure: unknown;

  private constructor(options: JoinedTablesOptions) {
    this.options = options;
  }

  static async create(options: JoinedTablesOptions): Promise<JoinedTables> {
    const made = new JoinedTables(options);
    for (const format of options.formats) {
      const path = join(options.folder, `dataset.${format.toLowerCase()}`);
      made.joins.push({ format, join: await (format === 'PARQUET' ? ParquetJoin.create(path) : createCsvJoin(path)) });
    }
    return made;
  }

  /** Takes a piece over; resolves when another one may come. @throws what went wrong with an earlier one */
  async add(piece: TableSource): Promise<void> {
    const number = this.count++;
    await this.lanes[number % LANES];
    if (this.failure instanceof ColumnsChanged) return this.options.tables.remove(piece);
    if (this.failure !== undefined) return this.joined;
    const converted = this.convert(piece, number);
    this.lanes[number % LANES] = converted.catch(() => undefined);
    this.joined = Promise.all([converted, this.joined]).then(() => this.append(piece));
    this.joined.catch((e: unknown) => {
      this.failure ??= e;
    });
  }

  /** What was written, once all is; undefined where the columns changed on the way, and all is to be done again. */
  async finish(): Promise<Map<TableFormat, FileFacts> | undefined> {
    try {
      await this.joined;
      const files = new Map<TableFormat, FileFacts>();
      for (const { format, join } of this.joins) files.set(format, await join.finish());
      return files;
    } catch (e) {
      await this.abandon();
      if (!(e instanceof ColumnsChanged)) throw e;
      for (const { format } of this.joins) await rm(join(this.options.folder, `dataset.${format.toLowerCase()}`));
      return undefined;
    }
  }

  /** Waits for what is under way, and closes. */
  async abandon(): Promise<void> {
    await Promise.all(this.lanes);
    await this.joined.catch(() => undefined);
    for (const { join } of this.joins) await join.abandon();
  }

  private async convert(piece: TableSource, number: number): Promise<void> {
    const { tables, formats } = this.options;
    const lane = number % LANES;
    await tables.checkColumns(piece, lane);
    for (const format of formats) {
      const to = convertedPath(piece, format);
      if (format === 'PARQUET') await tables.parquet(piece, to, lane);
      else await tables.csv(piece, to, lane, number === 0);
    }
    await tables.remove(piece);
  }

  private async append(piece: TableSource): Promise<void> {
    this.rows += piece.rows;
    for (const { format, join } of this.joins) {
      const path = convertedPath(piece, format);
      await join.add(path);
      await rm(path);
      this.options.onRows(format, this.rows);
    }
  }
}

const convertedPath = (piece: TableSource, format: TableFormat): string => `${piece.path}.${format.toLowerCase()}`;

/** One after the other; only the first has a header. */
async function createCsvJoin(path: string): Promise<Join> {
  const file = await HashedFile.create(path);
  return {
    async add(from) {
      const handle = await open(from, 'r');
      for await (const chunk of handle.createReadStream()) await file.write(chunk as Buffer);
    },
    finish: () => file.facts(),
    abandon: () => file.abandon(),
  };
}
