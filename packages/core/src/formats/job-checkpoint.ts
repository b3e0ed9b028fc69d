// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { count, nanoUsd, readDocument, sha256Hex } from './common.ts';

/**
 * `checkpoint.json` of the job: for each shard its state, counts, spend and digest, and the digest of job.json.
 * The plain fields after them are derived, for people and scripts of the earlier system. `digest` is the sha256 of the
 * document without it.
 */
export const jobCheckpointSchema = z.object({
  schema: z.literal('stint.checkpoint/1'),
  job_id: z.string(),
  epoch: count,
  seq: count,
  job_digest: sha256Hex,
  shards: z.array(
    z.object({
      shard: count,
      state: z.enum(['open', 'closed']),
      seq: count,
      ok: count,
      failed: count,
      rejected: count,
      spend_nano_usd: nanoUsd,
      digest: sha256Hex,
    }),
  ),
  records_generated: count,
  current_batch: count,
  tokens_used: count,
  /** USD. */
  cost_accumulated: z.number().min(0),
  last_updated: z.string(),
  completed: z.boolean(),
  digest: sha256Hex,
});
export type JobCheckpoint = z.infer<typeof jobCheckpointSchema>;
export type ShardSummary = JobCheckpoint['shards'][number];

export const JOB_CHECKPOINT_KEY = 'checkpoint.json';

/** @throws AppError as `readDocument`. */
export function readJobCheckpoint(where: string, value: unknown): JobCheckpoint {
  return readDocument(jobCheckpointSchema, 'stint.checkpoint', 1, where, value);
}
