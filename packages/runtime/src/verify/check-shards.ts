// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  contains,
  digestHolds,
  JOB_CHECKPOINT_KEY,
  knownShards,
  parse,
  parseBatchKey,
  readJobCheckpoint,
  readShardCheckpoint,
  SHARD_SIZE,
  shardKey,
} from '@stint/core';
import type { JobSpec, ShardCheckpoint } from '@stint/core';
import { sha256 } from '../job-folder.ts';
import type { JobFolder } from '../job-folder.ts';
import type { Findings } from './findings.ts';

/** Checkpoints with their batch and reject files; those that can be read come back, ascending. */
export async function checkShards(
  folder: JobFolder,
  spec: JobSpec,
  jobDigest: string,
  found: Findings,
): Promise<ShardCheckpoint[]> {
  const commits = await folder.log.commits();
  const shards: ShardCheckpoint[] = [];
  for (const shard of await knownShards(folder.store, commits)) {
    const key = shardKey(shard);
    const doc = await found.guard('checkpoint', key, async () =>
      readShardCheckpoint(key, parse(key, (await folder.store.get(key)).body)),
    );
    if (!doc) continue;
    found.checked.shards++;
    const bad = (message: string): void => {
      found.add('checkpoint', key, message);
    };
    if (!digestHolds(sha256, doc)) bad('was edited: its digest does not fit');
    if (doc.job_id !== spec.job_id) bad(`belongs to another job, ${doc.job_id}`);
    if (doc.shard !== shard) bad(`is the one of shard ${doc.shard}`);
    if (doc.seq < (commits.get(shard) ?? 0)) bad('is older than the last one committed');
    const [from, to] = [shard * SHARD_SIZE, (shard + 1) * SHARD_SIZE - 1];
    if (doc.ok.some(([a, b]) => a < from || b > to)) bad('names indices of another shard');
    for (const f of doc.failed) if (contains(doc.ok, f.index)) bad(`index ${f.index} is both ok and failed`);
    for (const batch of doc.batches) {
      found.checked.batches++;
      await checkFile(folder, 'batch', batch, found);
    }
    for (const file of doc.rejects) await checkFile(folder, 'rejects', file, found);
    shards.push(doc);
  }
  await found.guard('checkpoint', JOB_CHECKPOINT_KEY, () => checkJobCheckpoint(folder, shards, jobDigest, found));
  return shards;
}

async function checkFile(
  folder: JobFolder,
  check: string,
  entry: { key: string; bytes: number; sha256: string },
  found: Findings,
): Promise<void> {
  const path = join(folder.dir, entry.key);
  if (!(await stat(path).catch(() => null))?.isFile()) {
    found.add(check, entry.key, 'is missing');
    return;
  }
  const { bytes, sha256: actual } = await hashOf(path);
  if (bytes !== entry.bytes) found.add(check, entry.key, `has ${bytes} bytes, its checkpoint says ${entry.bytes}`);
  else if (actual !== entry.sha256) found.add(check, entry.key, 'was changed: its sha256 is not its checkpoint’s');
  else if (parseBatchKey(entry.key)?.sha256Start !== actual.slice(0, 16)) {
    found.add(check, entry.key, 'was changed: its sha256 is not the one that it is named for');
  }
}

async function checkJobCheckpoint(
  folder: JobFolder,
  shards: readonly ShardCheckpoint[],
  jobDigest: string,
  found: Findings,
): Promise<void> {
  if (!existsSync(join(folder.dir, JOB_CHECKPOINT_KEY)) && (await diedBeforeIt(folder, shards))) return;
  const key = JOB_CHECKPOINT_KEY;
  const doc = readJobCheckpoint(key, parse(key, (await folder.store.get(key)).body));
  if (!digestHolds(sha256, doc)) {
    found.add('checkpoint', key, 'was edited: its digest does not fit');
    return;
  }
  if (doc.job_digest !== jobDigest) found.add('inputs', 'job.json', 'was edited: its digest is not the checkpoint’s');
  // A kill between the two writes leaves the job's checkpoint one commit behind its shards: legal, so only what it can't
  // be is damage.
  for (const s of doc.shards) {
    const shard = shards.find((x) => x.shard === s.shard);
    if (!shard) found.add('checkpoint', shardKey(s.shard), 'is gone, though checkpoint.json names it');
    else if (shard.seq < s.seq) found.add('checkpoint', shardKey(s.shard), 'is older than checkpoint.json says');
    else if (shard.seq === s.seq && shard.digest !== s.digest) {
      found.add('checkpoint', key, `says another digest of shard ${s.shard} than the shard itself`);
    }
  }
  const ok = doc.shards.reduce((n, s) => n + s.ok, 0);
  if (doc.records_generated !== ok) found.add('checkpoint', key, 'its records_generated is not the sum of its shards');
}

/** A death before the first of the job's checkpoints leaves none; its shards may have come one commit further. */
async function diedBeforeIt(folder: JobFolder, shards: readonly ShardCheckpoint[]): Promise<boolean> {
  const { status } = (await folder.jobs.read()) ?? { status: 'QUEUED' };
  const neverWritten = status === 'QUEUED' || status === 'RUNNING' || status === 'CANCELLED';
  return neverWritten && shards.every((s) => s.batches.length <= 1 && s.rejects.length <= 1);
}

async function hashOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
