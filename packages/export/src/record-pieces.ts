// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { RecordRun } from '@stint/core';
import { BufferedFile } from './buffered-file.ts';
import type { TableSource } from './table-writer.ts';
import type { RecordSink } from './walk-records.ts';

/**
 * A piece becomes one row group of Parquet. The memory that DuckDB needs for one grows with its bytes, readers skip and
 * share work by row group, and each costs some milliseconds, however small: ten megabytes serve all three.
 */
const MAX_ROWS = 20_480;
const MAX_BYTES = 10 << 20;

/** Cuts the records into JSONL files of some megabytes, each handed on as soon as it is whole. */
export class RecordPieces implements RecordSink {
  private readonly folder: string;
  private readonly use: (piece: TableSource) => Promise<void>;
  private made = 0;
  private open: { file: BufferedFile; piece: TableSource } | undefined;

  /** @param use - takes a piece over; the next one is begun when its promise resolves. */
  constructor(folder: string, use: (piece: TableSource) => Promise<void>) {
    this.folder = folder;
    this.use = use;
  }

  async add(run: RecordRun): Promise<void> {
    this.open ??= await this.begin();
    const { file, piece } = this.open;
    await file.write(run.bytes);
    piece.rows += run.last - run.first + 1;
    piece.bytes += run.bytes.length;
    piece.longestLineBytes = Math.max(piece.longestLineBytes, run.longestLineBytes);
    if (piece.rows >= MAX_ROWS || piece.bytes >= MAX_BYTES) await this.cut();
  }

  /** Hands on what is left. There is always a piece, so that a dataset without records has its columns, too. */
  async finish(): Promise<void> {
    if (this.made === 0) this.open = await this.begin();
    await this.cut();
  }

  async abandon(): Promise<void> {
    await this.open?.file.abandon();
  }

  private async begin(): Promise<{ file: BufferedFile; piece: TableSource }> {
    const path = join(this.folder, `${String(this.made++)}.jsonl`);
    return { file: await BufferedFile.create(path), piece: { path, rows: 0, bytes: 0, longestLineBytes: 0 } };
  }

  private async cut(): Promise<void> {
    if (!this.open) return;
    const { file, piece } = this.open;
    await file.finish();
    this.open = undefined;
    await this.use(piece);
  }
}
