// SPDX-License-Identifier: Apache-2.0
import { AppError, readRecordRuns } from '@stint/core';
import type { ObjectStore, RecordRun, ShardCheckpoint } from '@stint/core';

/** Something that is made of all records. */
export interface RecordSink {
  /** Takes the next records; their bytes are its own only until its promise resolves. */
  add(run: RecordRun): Promise<void>;
}

export interface WalkOptions {
  store: ObjectStore;
  /** Ascending by shard. */
  shards: Iterable<ShardCheckpoint>;
  onRows: (rows: number) => void;
  signal: AbortSignal;
}

/**
 * Hands every committed record to the sinks, exactly the committed bytes, in index order. Memory is independent of the
 * number of records. Returns how many there were.
 * @throws AppError FAILED_PRECONDITION/DAMAGED; what the store and the sinks throw; the signal's reason.
 */
export async function walkRecords(options: WalkOptions, sinks: readonly RecordSink[]): Promise<number> {
  let rows = 0;
  let previous = -1;
  for (const shard of options.shards) {
    for await (const run of readRecordRuns(options.store, shard)) {
      options.signal.throwIfAborted();
      if (run.first <= previous) throw outOfOrder(shard, run.first);
      previous = run.last;
      for (const sink of sinks) await sink.add(run);
      rows += run.last - run.first + 1;
      options.onRows(rows);
    }
  }
  return rows;
}

function outOfOrder(shard: ShardCheckpoint, index: number): AppError {
  const file = `shards/${String(shard.shard)}/checkpoint.json`;
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file}: index ${String(index)} comes twice or out of order`, {
    details: { file, index },
    hint: 'Run `stint verify` on the folder.',
  });
}
