// SPDX-License-Identifier: Apache-2.0
import { AppError, readRecordBatches } from '@stint/core';
import type { ObjectStore, RecordLine, ShardCheckpoint } from '@stint/core';
import { HashedFile } from './hashed-file.ts';
import type { FileFacts } from './hashed-file.ts';
import type { PartitionWriter } from './partition-writer.ts';

export interface JsonlFacts extends FileFacts {
  rows: number;
  longestLineBytes: number;
}

export interface JsonlInput {
  store: ObjectStore;
  /** Ascending by shard. */
  shards: Iterable<ShardCheckpoint>;
  path: string;
  partitions: PartitionWriter | undefined;
  onRows: (rows: number) => void;
  signal: AbortSignal;
}

const NEWLINE = Buffer.from('\n');

/**
 * Writes dataset.jsonl: exactly the committed bytes, in index order. Memory is independent of the number of records.
 * @throws AppError FAILED_PRECONDITION/DAMAGED; what the store and the file system throw; the signal's reason.
 */
export async function writeJsonl(input: JsonlInput): Promise<JsonlFacts> {
  const file = await HashedFile.create(input.path);
  try {
    let rows = 0;
    let longestLineBytes = 0;
    let previous = -1;
    for (const shard of input.shards) {
      for await (const batch of readRecordBatches(input.store, shard)) {
        input.signal.throwIfAborted();
        for (const { index, line } of batch) {
          if (index <= previous) throw outOfOrder(shard, index);
          previous = index;
          if (line.length > longestLineBytes) longestLineBytes = line.length;
        }
        await addBatch(file, batch);
        rows += batch.length;
        if (input.partitions) for (const { line } of batch) await input.partitions.add(line);
        if (file.isFull) await file.flush();
        input.onRows(rows);
      }
    }
    return { ...(await file.finish()), rows, longestLineBytes };
  } catch (e) {
    await file.abandon();
    throw e;
  }
}

/** Lines that lie side by side in their file are copied as one piece, newlines included. */
async function addBatch(file: HashedFile, batch: readonly RecordLine[]): Promise<void> {
  for (let i = 0; i < batch.length;) {
    const first = batch[i]?.line;
    if (!first) break;
    let end = first.byteOffset + first.length;
    let next = i + 1;
    for (; next < batch.length; next += 1) {
      const line = batch[next]?.line;
      if (line?.buffer !== first.buffer || line.byteOffset !== end + 1) break;
      end = line.byteOffset + line.length;
    }
    await file.write(new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset));
    await file.write(NEWLINE);
    i = next;
  }
}

function outOfOrder(shard: ShardCheckpoint, index: number): AppError {
  const file = `shards/${String(shard.shard)}/checkpoint.json`;
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file}: index ${String(index)} comes twice or out of order`, {
    details: { file, index },
    hint: 'Run `stint verify` on the folder.',
  });
}
