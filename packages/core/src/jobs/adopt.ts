// SPDX-License-Identifier: Apache-2.0
import { recordSchema } from '../formats/record.ts';
import type { DatasetRecord, RejectRow } from '../formats/record.ts';
import { SHARD_SIZE } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import { linesOf } from '../lines.ts';
import type { CallLog } from '../ports/call-log.ts';
import type { Lease } from '../ports/job-store.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Decided } from './committer.ts';
import { decodeUtf8 } from './digest.ts';
import type { Sha256 } from './digest.ts';
import { usdToNearestNano } from './money.ts';
import { parseBatchKey } from './names.ts';
import { contains } from './ranges.ts';

/**
 * What a death between "batch file written" and "checkpoint names it" leaves: a file that no checkpoint names. Its
 * records were paid for, so those whose indices are still pending are decided with exactly these lines.
 */
export async function findOrphans(
  store: ObjectStore,
  sha256: Sha256,
  jobId: string,
  named: ReadonlySet<string>,
  isPending: (index: number) => boolean,
): Promise<Decided[]> {
  const adopted = new Map<number, Decided>();
  const rejectKeys = await store.list('rejects/');
  // Ascending names: of two files with the same index, the later epoch's comes last and wins.
  for (const key of await store.list('outputs/')) {
    const parts = parseBatchKey(key);
    if (!parts || named.has(key)) continue;
    const { body } = await store.get(key);
    if (!sha256(body).startsWith(parts.sha256Start)) continue;
    const rejects = await siblingRejects(store, rejectKeys, parts.epoch, parts.seq);
    for (const line of decodeUtf8(body).split('\n')) {
      const record = recordOf(line, jobId);
      if (!record || !isPending(record.index)) continue;
      adopted.set(record.index, decidedOf(record, line, rejects));
    }
  }
  return [...adopted.values()];
}

/** A line that could be committed as it is; null = not one. */
function recordOf(line: string, jobId: string): DatasetRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success || parsed.data.job_id !== jobId) return null;
  return parsed.data.id === `${jobId}-${String(parsed.data.index)}` ? parsed.data : null;
}

async function siblingRejects(
  store: ObjectStore,
  keys: readonly string[],
  epoch: number,
  seq: number,
): Promise<RejectRow[]> {
  const key = keys.find((k) => {
    const p = parseBatchKey(k);
    return p?.epoch === epoch && p.seq === seq;
  });
  if (key === undefined) return [];
  const { body } = await store.get(key);
  return decodeUtf8(body)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RejectRow);
}

function decidedOf(record: DatasetRecord, line: string, rejects: readonly RejectRow[]): Decided {
  const sums = sumsOf(record);
  return { index: record.index, line, failed: null, rejects: rejects.filter((r) => r.index === record.index), ...sums };
}

/** Cost and tokens a stored record says it had. */
export function sumsOf(record: DatasetRecord): { costNanoUsd: number; inputTokens: number; outputTokens: number } {
  const sums = { costNanoUsd: 0, inputTokens: 0, outputTokens: 0 };
  for (const step of Object.values(record.generation_result)) {
    sums.costNanoUsd += usdToNearestNano(step.cost_usd ?? 0);
    sums.inputTokens += step.usage?.input_tokens ?? 0;
    sums.outputTokens += step.usage?.output_tokens ?? 0;
  }
  return sums;
}

/**
 * Charges what committed records and rejects cost beyond the rows that the log has of them: it lost those with the
 * machine's power (it is written without an fsync per transaction, batch files with one). Nothing to do in all but that
 * case. A call that is known as SENT only counts as UNKNOWN besides: rather twice than not at all.
 */
export async function chargeLostRecords(
  store: ObjectStore,
  log: CallLog,
  lease: Lease,
  doc: ShardCheckpoint,
  nowMs: number,
): Promise<void> {
  const decided = [...doc.failed, ...doc.retrying].map(({ index }) => [index, index] as const);
  if ((await log.settledNanoUsd([...doc.ok, ...decided])) >= doc.spend_nano_usd) return;
  const from = doc.shard * SHARD_SIZE;
  const known = new Map<string, number>();
  const nameOf = (a: { index: number; attempt: number }): string => `${String(a.index)}/${String(a.attempt)}`;
  for (const { key, state, costNanoUsd } of await log.calls(from, from + SHARD_SIZE - 1)) {
    if (state === 'SETTLED') known.set(nameOf(key), (known.get(nameOf(key)) ?? 0) + costNanoUsd);
  }
  const lost: { index: number; attempt: number; costNanoUsd: number }[] = [];
  const compare = (a: { index: number; attempt: number }, costNanoUsd: number): void => {
    const missing = costNanoUsd - (known.get(nameOf(a)) ?? 0);
    if (missing > 0) lost.push({ index: a.index, attempt: a.attempt, costNanoUsd: missing });
  };
  for (const { key, ranges } of doc.batches) {
    for await (const line of linesOf(store.stream(key))) {
      const record = JSON.parse(decodeUtf8(line)) as DatasetRecord;
      if (contains(ranges, record.index)) compare(record, sumsOf(record).costNanoUsd);
    }
  }
  for (const { key } of doc.rejects) {
    for await (const line of linesOf(store.stream(key))) {
      const reject = JSON.parse(decodeUtf8(line)) as RejectRow;
      compare(reject, usdToNearestNano(reject.cost_usd));
    }
  }
  if (lost.length > 0) await log.chargeLost(lease, lost, nowMs);
}
