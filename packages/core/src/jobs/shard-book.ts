// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError, toAppError } from '../errors.ts';
import { JOB_CHECKPOINT_KEY, readJobCheckpoint } from '../formats/job-checkpoint.ts';
import type { JobCheckpoint, ShardSummary } from '../formats/job-checkpoint.ts';
import type { JobSpec } from '../formats/job.ts';
import { readShardCheckpoint, SHARD_SIZE, shardKey } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../ports/job-store.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { decodeUtf8, digestHolds, encodeUtf8, withDigest } from './digest.ts';
import type { Sha256 } from './digest.ts';
import { nanoToUsd } from './money.ts';
import { countOf } from './ranges.ts';

/**
 * The committed state of a job: its shards' checkpoints, advanced by compare-and-swap under our epoch.
 *
 * Opening a shard seals it: the checkpoint is rewritten with our epoch, so that a write of whoever held it before
 * fails from then on. A checkpoint that can't be read is an error, never a fresh start; "not found" is a first run only
 * where the call log knows no commit.
 */

export interface OpenShard {
  etag: string;
  doc: ShardCheckpoint;
}

export interface BookDeps {
  store: ObjectStore;
  sha256: Sha256;
  clock: Clock;
  spec: JobSpec;
  jobDigest: string;
  lease: Lease;
}

export type ShardChange = (doc: Omit<ShardCheckpoint, 'digest'>) => Omit<ShardCheckpoint, 'digest'>;

export class ShardBook {
  readonly summaries = new Map<number, ShardSummary>();
  readonly #open = new Map<number, OpenShard>();
  readonly #deps: BookDeps;
  readonly #commits: ReadonlyMap<number, number>;
  #jobEtag: string | null = null;
  #jobSeq = 0;
  #batches = 0;

  constructor(deps: BookDeps, commits: ReadonlyMap<number, number>) {
    this.#deps = deps;
    this.#commits = commits;
  }

  /** Reads every checkpoint there is; `visit` sees each shard once, in order. */
  async load(visit: (doc: ShardCheckpoint) => Promise<void> | void): Promise<void> {
    const { store } = this.#deps;
    const job = await getOrNull(store, JOB_CHECKPOINT_KEY);
    if (job) {
      const doc = readJobCheckpoint(JOB_CHECKPOINT_KEY, parse(JOB_CHECKPOINT_KEY, job.body));
      if (!digestHolds(this.#deps.sha256, doc)) throw edited(JOB_CHECKPOINT_KEY);
      this.#jobEtag = job.etag;
      this.#jobSeq = doc.seq;
    }
    const shards = await knownShards(store, this.#commits);
    for (const shard of shards) {
      const found = await this.#read(shard);
      if (!found) continue;
      this.#summarise(found.doc);
      this.#batches += found.doc.batches.length;
      await visit(found.doc);
    }
  }

  /** The shard, sealed with our epoch. */
  async open(shard: number): Promise<OpenShard> {
    const have = this.#open.get(shard);
    if (have) return have;
    for (;;) {
      const found = await this.#read(shard);
      if (found && found.doc.epoch > this.#deps.lease.epoch) throw takenOver(shardKey(shard));
      const sealed =
        found?.doc.epoch === this.#deps.lease.epoch ? found : await this.#swap(shard, found, (doc) => this.#stamp(doc));
      if (sealed) {
        this.#open.set(shard, sealed);
        return sealed;
      }
    }
  }

  isOpen(shard: number): boolean {
    return this.#open.has(shard);
  }

  /** Shards that are not fully decided: an older holder could still write to them until they are opened. */
  pendingShards(): number[] {
    return [...this.summaries.values()].filter((s) => s.state === 'open').map((s) => s.shard);
  }

  /** Advances the shard; @throws AppError FAILED_PRECONDITION/LEASE_LOST when somebody else wrote since it was sealed. */
  async advance(shard: number, change: ShardChange): Promise<ShardCheckpoint> {
    const have = await this.open(shard);
    const next = await this.#swap(shard, have, (doc) => this.#stamp(change(doc)));
    if (!next) throw takenOver(shardKey(shard));
    this.#batches += next.doc.batches.length - have.doc.batches.length;
    this.#open.set(shard, next);
    return next.doc;
  }

  /** Frees the memory of a shard that is done with. */
  forget(shard: number): void {
    this.#open.delete(shard);
  }

  /** The job's own checkpoint, brought up to the shards'. */
  async writeJobCheckpoint(completed: boolean, tokensUsed: number, settledNanoUsd: number): Promise<void> {
    const { store, clock, spec, jobDigest, lease } = this.#deps;
    const shards = [...this.summaries.values()].sort((a, b) => a.shard - b.shard);
    const doc = withDigest<JobCheckpoint>(this.#deps.sha256, {
      schema: 'stint.checkpoint/1',
      job_id: spec.job_id,
      epoch: lease.epoch,
      seq: ++this.#jobSeq,
      job_digest: jobDigest,
      shards,
      records_generated: shards.reduce((n, s) => n + s.ok, 0),
      current_batch: this.#batches,
      tokens_used: tokensUsed,
      cost_accumulated: nanoToUsd(settledNanoUsd),
      last_updated: new Date(clock.now()).toISOString(),
      completed,
    });
    const body = encodeUtf8(`${JSON.stringify(doc)}\n`);
    const put = await putSwap(store, JOB_CHECKPOINT_KEY, body, this.#jobEtag);
    if (put) {
      this.#jobEtag = put.etag;
      return;
    }
    const there = await getOrNull(store, JOB_CHECKPOINT_KEY);
    const other = there && readJobCheckpoint(JOB_CHECKPOINT_KEY, parse(JOB_CHECKPOINT_KEY, there.body));
    if (!there || !other || other.epoch > lease.epoch) throw takenOver(JOB_CHECKPOINT_KEY);
    // An older epoch's last write landed after ours was read: legal, and ours replaces it.
    this.#jobEtag = there.etag;
    this.#jobSeq = Math.max(this.#jobSeq, other.seq);
    await this.writeJobCheckpoint(completed, tokensUsed, settledNanoUsd);
  }

  #stamp(doc: Omit<ShardCheckpoint, 'digest'>): Omit<ShardCheckpoint, 'digest'> {
    const { clock, lease } = this.#deps;
    return { ...doc, epoch: lease.epoch, seq: doc.seq + 1, updated_at: new Date(clock.now()).toISOString() };
  }

  async #read(shard: number): Promise<OpenShard | null> {
    const key = shardKey(shard);
    const damaged = (why: string): AppError =>
      new AppError('FAILED_PRECONDITION', 'DAMAGED', `${key} ${why}`, {
        hint: 'Restore it from a copy of the job folder. Nothing was changed.',
        details: { file: key },
      });
    const committed = this.#commits.get(shard);
    const found = await getOrNull(this.#deps.store, key);
    if (!found) {
      if (committed === undefined) return null;
      throw damaged("is gone, though the job's state knows its commits");
    }
    const doc = readShardCheckpoint(key, parse(key, found.body));
    if (!digestHolds(this.#deps.sha256, doc) || doc.job_id !== this.#deps.spec.job_id || doc.shard !== shard) {
      throw damaged('was edited: its digest does not fit');
    }
    if (doc.seq < (committed ?? 0)) throw damaged('is older than the last one committed');
    return { etag: found.etag, doc };
  }

  async #swap(
    shard: number,
    from: OpenShard | null,
    change: (doc: Omit<ShardCheckpoint, 'digest'>) => Omit<ShardCheckpoint, 'digest'>,
  ): Promise<OpenShard | null> {
    const { store, sha256, spec } = this.#deps;
    const before = from ? withoutDigest(from.doc) : emptyShard(spec.job_id, shard);
    const doc = withDigest<ShardCheckpoint>(sha256, change(before));
    const put = await putSwap(store, shardKey(shard), encodeUtf8(`${JSON.stringify(doc)}\n`), from?.etag ?? null);
    if (!put) {
      // Our own write may have landed although its answer was lost.
      const there = await this.#read(shard);
      if (there?.doc.digest !== doc.digest) return null;
      this.#summarise(doc);
      return there;
    }
    this.#summarise(doc);
    return { etag: put.etag, doc };
  }

  #summarise(doc: ShardCheckpoint): void {
    const ok = countOf(doc.ok);
    this.summaries.set(doc.shard, {
      shard: doc.shard,
      state: ok + doc.failed.length >= SHARD_SIZE ? 'closed' : 'open',
      seq: doc.seq,
      ok,
      failed: doc.failed.length,
      rejected: doc.rejects.reduce((n, r) => n + r.rows, 0),
      spend_nano_usd: doc.spend_nano_usd,
      digest: doc.digest,
    });
  }
}

function withoutDigest(doc: ShardCheckpoint): Omit<ShardCheckpoint, 'digest'> {
  const { digest: _digest, ...rest } = doc;
  return rest;
}

function emptyShard(jobId: string, shard: number): Omit<ShardCheckpoint, 'digest'> {
  return {
    schema: 'stint.shard-checkpoint/1',
    job_id: jobId,
    shard,
    epoch: 0,
    seq: 0,
    batches: [],
    rejects: [],
    ok: [],
    failed: [],
    retrying: [],
    spend_nano_usd: 0,
    input_tokens: 0,
    output_tokens: 0,
    updated_at: '',
  };
}

/** Shards with a checkpoint, and those the log knows commits of, ascending. */
export async function knownShards(store: ObjectStore, commits: ReadonlyMap<number, number>): Promise<number[]> {
  const shards = new Set<number>(commits.keys());
  for (const key of await store.list('shards/')) {
    const m = /^shards\/(\d+)\/checkpoint\.json$/.exec(key);
    if (m) shards.add(Number(m[1]));
  }
  return [...shards].sort((a, b) => a - b);
}

function edited(key: string): AppError {
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${key} was edited: its digest does not fit`, {
    hint: 'Restore it from a copy of the job folder. Nothing was changed.',
    details: { file: key },
  });
}

export function takenOver(what: string): AppError {
  return new AppError('FAILED_PRECONDITION', 'LEASE_LOST', `another process took this job over (${what} changed)`, {
    hint: 'Let the other process finish, or run the command again once it has stopped.',
  });
}

export function parse(key: string, body: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(body)) as unknown;
  } catch (cause) {
    throw new AppError('FAILED_PRECONDITION', 'DAMAGED', `${key} is not JSON`, {
      cause,
      hint: 'Restore it from a copy of the job folder. Nothing was changed.',
      details: { file: key },
    });
  }
}

export async function getOrNull(store: ObjectStore, key: string): Promise<{ body: Uint8Array; etag: string } | null> {
  try {
    return await store.get(key);
  } catch (e) {
    if (isAppError(e) && e.code === 'NOT_FOUND') return null;
    throw e;
  }
}

/** @returns null where the condition failed. */
async function putSwap(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  etag: string | null,
): Promise<{ etag: string } | null> {
  try {
    return await store.put(key, body, etag === null ? { create: true } : { etag });
  } catch (e) {
    const error = toAppError(e);
    if (error.reason === 'ETAG_MISMATCH' || error.reason === 'OBJECT_EXISTS') return null;
    throw e;
  }
}
