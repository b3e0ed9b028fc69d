// SPDX-License-Identifier: Apache-2.0
import { AppError, recordsOf, readRecordRuns } from '@stint/core';
import type { ObjectStore, ShardCheckpoint } from '@stint/core';
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
      for await (const run of readRecordRuns(input.store, shard)) {
        input.signal.throwIfAborted();
        if (run.first <= previous) throw outOfOrder(shard, run.first);
        previous = run.last;
        longestLineBytes = Math.max(longestLineBytes, run.longestLineBytes);
        await file.write(run.bytes);
        rows += run.last - run.first + 1;
        if (input.partitions) for (const { line } of recordsOf(run)) await input.partitions.add(line);
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

function outOfOrder(shard: ShardCheckpoint, index: number): AppError {
  const file = `shards/${String(shard.shard)}/checkpoint.json`;
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file}: index ${String(index)} comes twice or out of order`, {
    details: { file, index },
    hint: 'Run `stint verify` on the folder.',
  });
}
