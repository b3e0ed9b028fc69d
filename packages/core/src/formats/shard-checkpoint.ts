// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { count, indexRange, nanoUsd, readDocument, sha256Hex } from './common.ts';

/** `outputs/batch-<epoch:06>-<seq:09>-<first 16 of sha256>.jsonl` and its like under rejects/. Nothing else may be named. */
export const batchKeyPattern = /^outputs\/batch-(\d{6,})-(\d{9,})-([0-9a-f]{16})\.jsonl$/;
export const rejectsKeyPattern = /^rejects\/rejects-(\d{6,})-(\d{9,})-([0-9a-f]{16})\.jsonl$/;

/**
 * The committed state of one shard (10,000 consecutive indices), `shards/<k>/checkpoint.json`, advanced by
 * compare-and-swap only. What it does not name does not exist. `digest` is the sha256 of the document without it.
 */
export const shardCheckpointSchema = z.object({
  schema: z.literal('stint.shard-checkpoint/1'),
  job_id: z.string(),
  shard: count,
  /** Epoch of the lease that wrote it; a new lease seals the shard by writing its own. */
  epoch: count,
  /** Grows by one with each write. */
  seq: count,
  /** Committed records, file by file; a line whose index is not in `ranges` does not exist. */
  batches: z.array(
    z.object({
      key: z.string().regex(batchKeyPattern),
      rows: count,
      bytes: count,
      sha256: sha256Hex,
      ranges: z.array(indexRange),
    }),
  ),
  /** Rejected attempts of the indices that are ok or failed here. */
  rejects: z.array(
    z.object({ key: z.string().regex(rejectsKeyPattern), rows: count, bytes: count, sha256: sha256Hex }),
  ),
  /** Union of the batches' ranges, ascending, merged. */
  ok: z.array(indexRange),
  /** Indices given up. `attempts` = the last attempt's number. */
  failed: z.array(z.object({ index: count, attempts: count, code: z.string(), reason: z.string() })),
  /** Indices once given up that get new attempts, numbered onward from `attempts`. */
  retrying: z.array(z.object({ index: count, attempts: count })),
  /** Cross-check of the call log: cost of the records and rejects named here. */
  spend_nano_usd: nanoUsd,
  input_tokens: count,
  output_tokens: count,
  updated_at: z.string(),
  digest: sha256Hex,
});
export type ShardCheckpoint = z.infer<typeof shardCheckpointSchema>;
export type BatchEntry = ShardCheckpoint['batches'][number];
export type FailedIndex = ShardCheckpoint['failed'][number];

/** Indices per shard. */
export const SHARD_SIZE = 10_000;

export const shardKey = (shard: number): string => `shards/${String(shard)}/checkpoint.json`;

/** @throws AppError as `readDocument`. */
export function readShardCheckpoint(where: string, value: unknown): ShardCheckpoint {
  return readDocument(shardCheckpointSchema, 'stint.shard-checkpoint', 1, where, value);
}
