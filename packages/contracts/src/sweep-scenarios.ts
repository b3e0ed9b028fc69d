// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { AppError, SHARD_SIZE, shardKey } from '@stint/core';
import type { JobSpec } from '@stint/core';
import { planJob } from './job-harness.ts';
import type { Script } from './job-harness.ts';
import type { MemoryDisk } from './memory-disk.ts';
import type { Scenario } from './sweep.ts';

export const CONCURRENCY = 3;
const TWO_STEPS = [
  { id: 'tone', sample: { type: 'category', values: ['dry', 'warm', 'odd'] } },
  { id: 'plan', model: 'm', prompt: 'Plan about {{ topic }}, {{ steps.tone.output }}, {{ "a b c d" | random_word }}.' },
  { id: 'text', model: 'm', prompt: 'Write it: {{ steps.plan.output }}' },
];

const slow = (): AppError =>
  new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'slow', { charge: 'none', retryAfterMs: 1 });
const gone = (): AppError => new AppError('UNAVAILABLE', 'CONNECTION_LOST', 'gone', { charge: 'unknown' });
const answer: Script = (r) => `answer to ${r.messages[0]?.content ?? ''}`;
const attemptOf = (key: string): number => Number(key.split(':')[2]);
const isOf = (key: string, ...indices: number[]): boolean => indices.includes(Number(key.split(':')[1]));

const scenario = async (
  script: Script,
  rejects: number,
  o: { spec?: Partial<JobSpec>; numRecords?: number; budgetNanoUsd?: number } & Partial<Scenario> = {},
): Promise<Scenario> => {
  const { spec, numRecords = 6, budgetNanoUsd = 1_000_000_000, ...rest } = o;
  const job = await planJob({
    steps: TWO_STEPS,
    numRecords,
    concurrency: CONCURRENCY,
    budgetNanoUsd,
    spec: { checkpoint_interval: 2, max_attempts: 2, ...spec },
  });
  return { job, script, rejects, ...rest };
};

/** Shard 0 as it is when all but its last two records are made. */
export async function nearlyFullShard(disk: MemoryDisk): Promise<void> {
  const doc = {
    schema: 'stint.shard-checkpoint/1',
    job_id: 'test-abcdefghij',
    shard: 0,
    epoch: 0,
    seq: 1,
    batches: [],
    rejects: [],
    ok: [[0, SHARD_SIZE - 3]],
    failed: [],
    retrying: [],
    spend_nano_usd: 0,
    input_tokens: 0,
    output_tokens: 0,
    updated_at: '',
  };
  const sorted = Object.fromEntries(Object.entries(doc).sort(([a], [b]) => (a < b ? -1 : 1)));
  const digest = createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
  await disk.objects.put(shardKey(0), Buffer.from(JSON.stringify({ ...doc, digest })), { create: true });
}

/** Jobs that go each another way: what a sweep disturbs. */
export const scenarios: Record<string, () => Promise<Scenario>> = {
  'throttled, with a rejected attempt': () =>
    scenario((r, n) => (n % 7 === 3 ? slow() : r.idempotencyKey.includes(':2:1:plan:') ? '' : answer(r, n)), 1),
  'with corrective turns in either step': () =>
    scenario((r, n) => {
      const mended = r.messages.some((m) => m.content.includes('not accepted'));
      return !mended && isOf(r.idempotencyKey, 1, 4) ? '  ' : answer(r, n);
    }, 0),
  'that replaces records given up': () =>
    scenario((r, n) => (isOf(r.idempotencyKey, 1, 3) && r.idempotencyKey.includes(':text:') ? '' : answer(r, n)), 4),
  'that accepts a shortfall': () =>
    scenario((r, n) => (isOf(r.idempotencyKey, 0, 5) ? '' : answer(r, n)), 4, { spec: { on_shortfall: 'accept' } }),
  'that fails by a shortfall, and is resumed': () =>
    scenario((r, n) => (isOf(r.idempotencyKey, 2) && attemptOf(r.idempotencyKey) < 3 ? '' : answer(r, n)), 2, {
      spec: { on_shortfall: 'fail' },
    }),
  'that fails by too many failures, and is resumed': () =>
    scenario((r, n) => (attemptOf(r.idempotencyKey) < 3 && isOf(r.idempotencyKey, 0, 1) ? '' : answer(r, n)), 4, {
      spec: { max_failures: { records: 1 } },
    }),
  'that reaches its cap, which is raised': () =>
    scenario(answer, 0, { budgetNanoUsd: 2_300_000, raised: { budgetNanoUsd: 1_000_000_000 } }),
  'over the border of a shard': () =>
    scenario((r, n) => (isOf(r.idempotencyKey, SHARD_SIZE - 1) ? '' : answer(r, n)), 2, {
      numRecords: SHARD_SIZE + 2,
      prepare: nearlyFullShard,
    }),
  'whose calls get lost on the way': () =>
    scenario((r, n) => (n % 5 === 2 ? gone() : answer(r, n)), 0, { countable: false }),
};
