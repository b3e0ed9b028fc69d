// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { fakeClock, memoryObjectStore } from '@stint/contracts';
import { beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import { JOB_CHECKPOINT_KEY } from '../formats/job-checkpoint.ts';
import type { JobCheckpoint } from '../formats/job-checkpoint.ts';
import type { JobSpec } from '../formats/job.ts';
import { SHARD_SIZE, shardKey } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import type { ObjectStore, StoredObject } from '../ports/object-store.ts';
import { digestHolds } from './digest.ts';
import { ShardBook } from './shard-book.ts';

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');
const lost = { code: 'FAILED_PRECONDITION', reason: 'LEASE_LOST' };
const damaged = { code: 'FAILED_PRECONDITION', reason: 'DAMAGED' };

let objects: Map<string, StoredObject>;
let store: ObjectStore;
beforeEach(() => {
  objects = new Map();
  store = memoryObjectStore(objects);
});

function bookOf(epoch: number, commits = new Map<number, number>(), on: ObjectStore = store, jobId = 'j'): ShardBook {
  const owner = { id: 'o', host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: 's' };
  return new ShardBook(
    {
      store: on,
      sha256,
      clock: fakeClock(),
      spec: { job_id: jobId } as JobSpec,
      jobDigest: 'd'.repeat(64),
      lease: { resource: 'job', epoch, expiresAtMs: 0, owner },
    },
    commits,
  );
}
const stored = <T>(key: string): T => JSON.parse(Buffer.from(objects.get(key)?.body ?? '').toString()) as T;
const shardAt = (n = 0): ShardCheckpoint => stored<ShardCheckpoint>(shardKey(n));
const ok = (from: number, to: number) => (doc: Omit<ShardCheckpoint, 'digest'>) => ({
  ...doc,
  ok: [[from, to]] as [number, number][],
});
async function overwrite(key: string, body: string): Promise<void> {
  const { etag } = await store.get(key);
  await store.put(key, Buffer.from(body), { etag });
}

describe('a shard', () => {
  test('is sealed by opening it: the checkpoint has our epoch before any record is written', async () => {
    await bookOf(3).open(0);
    expect(shardAt()).toMatchObject({ job_id: 'j', shard: 0, epoch: 3, seq: 1, ok: [], failed: [] });
    expect(digestHolds(sha256, shardAt())).toBe(true);
  });

  test('opened twice is written once', async () => {
    const book = bookOf(1);
    expect(await book.open(0)).toBe(await book.open(0));
    await bookOf(1).open(0);
    expect(shardAt().seq).toBe(1);
  });

  test('keeps what it had when a later lease seals it', async () => {
    await bookOf(1).advance(0, ok(0, 4));
    await bookOf(2).open(0);
    expect(shardAt()).toMatchObject({ epoch: 2, seq: 3, ok: [[0, 4]] });
  });

  test('grows by one number with each write', async () => {
    const book = bookOf(1);
    for (const n of [1, 2, 3]) expect((await book.advance(0, ok(0, n))).seq).toBe(n + 1);
  });

  test('can be written no more by whom it was taken from', async () => {
    const old = bookOf(1);
    await old.open(0);
    await bookOf(2).open(0);
    const before = objects.get(shardKey(0));
    await expect(old.advance(0, ok(0, 9))).rejects.toMatchObject(lost);
    await expect(bookOf(1).open(0)).rejects.toMatchObject(lost);
    expect(objects.get(shardKey(0))).toBe(before);
  });

  test('opened by two at once belongs to the later lease, whoever was faster', async () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      objects.clear();
      const done = await Promise.allSettled(order.map(async (epoch) => (await bookOf(epoch).open(0)).doc.epoch));
      expect(shardAt().epoch).toBe(2);
      expect(done[order.indexOf(2)]).toMatchObject({ status: 'fulfilled', value: 2 });
    }
  });

  test('whose write took effect though its answer was lost goes on', async () => {
    const losing: ObjectStore = {
      ...store,
      put: async (...args) => {
        await store.put(...args);
        throw new AppError('FAILED_PRECONDITION', 'ETAG_MISMATCH', 'a retry below found its own write');
      },
    };
    const book = bookOf(1, new Map(), losing);
    expect((await book.open(0)).doc.epoch).toBe(1);
    expect((await book.advance(0, ok(0, 1))).ok).toEqual([[0, 1]]);
  });

  test('that is done with is read anew, and not sealed again', async () => {
    const book = bookOf(1);
    await book.advance(0, ok(0, SHARD_SIZE - 1));
    book.forget(0);
    expect(book.isOpen(0)).toBe(false);
    expect((await book.open(0)).doc.seq).toBe(2);
    expect(book.summaries.get(0)).toMatchObject({ state: 'closed', ok: SHARD_SIZE });
  });
});

describe('a checkpoint that can’t be trusted', () => {
  test.each<[string, (doc: ShardCheckpoint) => string]>([
    ['is no JSON', () => '{"schema":'],
    ['is empty', () => ''],
    ['lacks a field', ({ ok: _, ...doc }) => JSON.stringify(doc)],
    ['was edited', (doc) => JSON.stringify({ ...doc, ok: [[0, 99]] })],
    ['was emptied', (doc) => JSON.stringify({ ...doc, ok: [] })],
  ])('since it %s is an error, never a fresh start, and stays as it is', async (_name, edit) => {
    await bookOf(1).advance(0, ok(0, 4));
    await overwrite(shardKey(0), edit(shardAt()));
    const before = objects.get(shardKey(0));
    await expect(bookOf(2).open(0)).rejects.toMatchObject(damaged);
    await expect(bookOf(2).load(() => undefined)).rejects.toMatchObject(damaged);
    expect(objects.get(shardKey(0))).toBe(before);
  });

  test('of another job or shard is refused', async () => {
    await bookOf(1).open(0);
    await expect(bookOf(2, new Map(), store, 'other').open(0)).rejects.toMatchObject(damaged);
    await store.put(shardKey(1), objects.get(shardKey(0))?.body ?? Buffer.from(''), { create: true });
    await expect(bookOf(2).open(1)).rejects.toMatchObject(damaged);
  });

  test('by a newer stint is refused as that', async () => {
    await bookOf(1).open(0);
    await overwrite(shardKey(0), JSON.stringify({ ...shardAt(), schema: 'stint.shard-checkpoint/2' }));
    await expect(bookOf(2).open(0)).rejects.toMatchObject({ reason: 'NEWER_FORMAT' });
  });

  test('and is gone is a first run only where the log knows no commit', async () => {
    const known = new Map([[0, 4]]);
    await expect(bookOf(2, known).open(0)).rejects.toMatchObject(damaged);
    await expect(bookOf(2, known).load(() => undefined)).rejects.toMatchObject(damaged);
    expect(objects.size).toBe(0);
    await bookOf(2).open(0);
  });

  test('and is older than the last one committed is refused, as one put back from a copy', async () => {
    const book = bookOf(1);
    await book.advance(0, ok(0, 4));
    const copy = Buffer.from(objects.get(shardKey(0))?.body ?? '').toString();
    await book.advance(0, ok(0, 8));
    await overwrite(shardKey(0), copy);
    await expect(bookOf(2, new Map([[0, 3]])).open(0)).rejects.toMatchObject(damaged);
    // The one that the log knows, or a later one whose row it did not write yet, is fine.
    await bookOf(2, new Map([[0, 2]])).open(0);
  });

  test.each([
    ['UNAVAILABLE', 'STORAGE_UNAVAILABLE'],
    ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  ] as const)('%s while it is read is no absence', async (code, reason) => {
    const failing: ObjectStore = { ...store, get: () => Promise.reject(new AppError(code, reason, 'no')) };
    await expect(bookOf(1, new Map(), failing).open(0)).rejects.toMatchObject({ code, reason });
    expect(objects.size).toBe(0);
  });
});

describe('loading', () => {
  test('visits every shard once, in order, and writes nothing', async () => {
    const book = bookOf(1);
    for (const n of [10, 2, 0]) await book.advance(n, ok(n * SHARD_SIZE, n * SHARD_SIZE + n));
    const before = new Map(objects);
    const seen: number[] = [];
    const next = bookOf(2);
    await next.load((doc) => void seen.push(doc.shard));
    expect(seen).toEqual([0, 2, 10]);
    expect([...next.summaries.values()].map((s) => [s.shard, s.ok, s.state])).toEqual([
      [0, 1, 'open'],
      [2, 3, 'open'],
      [10, 11, 'open'],
    ]);
    expect(objects).toEqual(before);
  });
});

describe('the checkpoint of the job', () => {
  const job = (): JobCheckpoint => stored<JobCheckpoint>(JOB_CHECKPOINT_KEY);

  test('adds up its shards', async () => {
    const book = bookOf(4);
    await book.advance(1, ok(SHARD_SIZE, SHARD_SIZE + 1));
    await book.advance(0, ok(0, 4));
    await book.writeJobCheckpoint(false, 77, 2_500_000_000);
    expect(job()).toMatchObject({
      epoch: 4,
      seq: 1,
      job_digest: 'd'.repeat(64),
      records_generated: 7,
      tokens_used: 77,
      cost_accumulated: 2.5,
      completed: false,
    });
    expect(job().shards.map((s) => [s.shard, s.digest])).toEqual([
      [0, shardAt(0).digest],
      [1, shardAt(1).digest],
    ]);
  });

  test('goes on in number from run to run', async () => {
    await bookOf(1).writeJobCheckpoint(false, 0, 0);
    const next = bookOf(2);
    await next.load(() => undefined);
    await next.writeJobCheckpoint(true, 0, 0);
    expect(job()).toMatchObject({ epoch: 2, seq: 2, completed: true });
  });

  test('replaces what an older lease wrote meanwhile, and yields to a newer one', async () => {
    const [old, next] = [bookOf(1), bookOf(2)];
    await old.writeJobCheckpoint(false, 1, 0);
    await next.writeJobCheckpoint(false, 2, 0);
    expect(job()).toMatchObject({ epoch: 2, tokens_used: 2 });
    await expect(old.writeJobCheckpoint(false, 3, 0)).rejects.toMatchObject(lost);
    expect(job()).toMatchObject({ epoch: 2, tokens_used: 2 });
  });
});
