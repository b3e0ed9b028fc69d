// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { recordsOf } from '@stint/core';
import type { RecordRun } from '@stint/core';
import type { FileFacts } from './hashed-file.ts';
import { PartitionFolders } from './partition-key.ts';
import type { Partitioning } from './partition-key.ts';
import type { RecordSink } from './walk-records.ts';

/** Held back in all, so that few large appends are made; the largest partition is written first. */
const MAX_BUFFERED_BYTES = 8 << 20;

/** One partition's records.jsonl. */
export interface PartitionFile extends FileFacts {
  folder: string;
  value: string | null;
  rows: number;
  longestLineBytes: number;
}

interface Partition {
  folder: string;
  value: string | null;
  rows: number;
  bytes: number;
  longestLineBytes: number;
  hash: Hash;
  pieces: Uint8Array[];
  buffered: number;
}

const NEWLINE = Buffer.from('\n');

/** Spreads records over `<folder>/records.jsonl` below `root`. No file stays open; memory is bounded. */
export class PartitionWriter implements RecordSink {
  private readonly root: string;
  private readonly partitioning: Partitioning;
  private readonly folders: PartitionFolders;
  private readonly partitions = new Map<string | null, Partition>();
  private buffered = 0;

  constructor(root: string, partitioning: Partitioning) {
    this.root = root;
    this.partitioning = partitioning;
    this.folders = new PartitionFolders(partitioning.field);
  }

  /** @throws AppError INVALID_ARGUMENT/TOO_MANY_PARTITIONS */
  async add(run: RecordRun): Promise<void> {
    for (const { line } of recordsOf(run)) await this.addLine(line);
  }

  private async addLine(line: Uint8Array): Promise<void> {
    const value = this.partitioning.valueOf(line);
    const partition = this.partitions.get(value) ?? this.begin(value);
    // Copied: the line is a view of a much larger piece of its file.
    partition.pieces.push(Uint8Array.from(line), NEWLINE);
    partition.rows += 1;
    partition.buffered += line.length + 1;
    partition.longestLineBytes = Math.max(partition.longestLineBytes, line.length);
    this.buffered += line.length + 1;
    while (this.buffered > MAX_BUFFERED_BYTES) {
      let largest = partition;
      for (const p of this.partitions.values()) if (p.buffered > largest.buffered) largest = p;
      await this.flush(largest);
    }
  }

  async finish(): Promise<PartitionFile[]> {
    for (const partition of this.partitions.values()) await this.flush(partition);
    return [...this.partitions.values()].map(({ folder, value, rows, bytes, longestLineBytes, hash }) => ({
      folder,
      value,
      rows,
      bytes,
      longestLineBytes,
      sha256: hash.digest('hex'),
    }));
  }

  private begin(value: string | null): Partition {
    const partition: Partition = {
      folder: this.folders.folderOf(value),
      value,
      rows: 0,
      bytes: 0,
      longestLineBytes: 0,
      hash: createHash('sha256'),
      pieces: [],
      buffered: 0,
    };
    this.partitions.set(value, partition);
    return partition;
  }

  private async flush(partition: Partition): Promise<void> {
    if (partition.buffered === 0) return;
    const data = Buffer.concat(partition.pieces);
    const folder = join(this.root, partition.folder);
    if (partition.bytes === 0) await mkdir(folder, { recursive: true });
    await appendFile(join(folder, 'records.jsonl'), data);
    partition.hash.update(data);
    partition.bytes += data.length;
    this.buffered -= partition.buffered;
    partition.buffered = 0;
    partition.pieces = [];
  }
}
