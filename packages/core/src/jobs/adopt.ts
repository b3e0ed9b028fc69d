// SPDX-License-Identifier: Apache-2.0
import type { DatasetRecord, RejectRow } from '../formats/record.ts';
import { SHARD_SIZE } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
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
      if (line === '') continue;
      const record = JSON.parse(line) as DatasetRecord;
      if (record.job_id !== jobId || !isPending(record.index)) continue;
      adopted.set(record.index, decidedOf(record, line, rejects));
    }
  }
  return [...adopted.values()];
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
 * Charges committed records whose rows the log lost with the machine's power (the log is written without an fsync per
 * transaction, batch files with one). Nothing to do in all but that case.
 */
export async function chargeLostRecords(
  store: ObjectStore,
  log: CallLog,
  lease: Lease,
  doc: ShardCheckpoint,
  callsModels: boolean,
  nowMs: number,
): Promise<void> {
  if (!callsModels || doc.ok.length === 0) return;
  const committed = doc.ok.reduce((n, [a, b]) => n + b - a + 1, 0);
  if ((await log.settledIndices(doc.ok)) >= committed) return;
  const from = doc.shard * SHARD_SIZE;
  const known = new Set<number>();
  for (const call of await log.calls(from, from + SHARD_SIZE - 1))
    if (call.state === 'SETTLED') known.add(call.key.index);
  const lost: { index: number; attempt: number; costNanoUsd: number }[] = [];
  for (const batch of doc.batches) {
    const { body } = await store.get(batch.key);
    for (const line of decodeUtf8(body).split('\n')) {
      if (line === '') continue;
      const record = JSON.parse(line) as DatasetRecord;
      if (known.has(record.index) || !contains(batch.ranges, record.index)) continue;
      const { costNanoUsd } = sumsOf(record);
      const paid = Object.values(record.generation_result).some((s) => s.model !== undefined);
      if (paid) lost.push({ index: record.index, attempt: record.attempt, costNanoUsd });
    }
  }
  if (lost.length > 0) await log.chargeLost(lease, lost, nowMs);
}
