// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { fakeClock, memoryDisk, recording } from '@stint/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import { JOB_CHECKPOINT_KEY } from '../formats/job-checkpoint.ts';
import type { JobSpec } from '../formats/job.ts';
import type { RejectRow } from '../formats/record.ts';
import { SHARD_SIZE, shardKey } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { Committer } from './committer.ts';
import type { Decided } from './committer.ts';
import { parseBatchKey } from './names.ts';
import { ShardBook } from './shard-book.ts';

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

async function setUp(wrap: (store: ObjectStore) => ObjectStore = (s) => s) {
  const disk = memoryDisk();
  const { log, jobs } = disk.open();
  await jobs.create({ budgetNanoUsd: null, numRecords: 9, concurrency: 'auto' }, 1);
  const owner = { id: 'o', host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: 's' };
  const lease = await jobs.acquire('job', owner, 0, 1, ['QUEUED']);
  const store = recording(wrap(disk.objects));
  const logged = recording(log);
  const spec = { job_id: 'j' } as JobSpec;
  const jobDigest = '0'.repeat(64);
  const book = new ShardBook({ store: store.port, sha256, clock: fakeClock(), spec, jobDigest, lease }, new Map());
  const committer = new Committer(store.port, book, logged.port, () => lease, sha256);
  const text = async (key: string): Promise<string> => Buffer.from((await disk.objects.get(key)).body).toString();
  const shard = async (n = 0): Promise<ShardCheckpoint> => JSON.parse(await text(shardKey(n))) as ShardCheckpoint;
  const puts = (): string[] => store.calls.filter((c) => c.method === 'put').map((c) => String(c.args[0]));
  return { disk, log, logged, book, committer, text, shard, puts };
}

const reject = (index: number, costUsd = 0): RejectRow => ({
  schema: 'stint.reject/1',
  id: `j-${index}`,
  index,
  attempt: 1,
  step: 'a',
  code: 'EMPTY',
  reason: 'empty',
  raw: '',
  cost_usd: costUsd,
  timestamp: '',
});
const sums = { costNanoUsd: 10, inputTokens: 3, outputTokens: 2 };
const made = (index: number, rejects: RejectRow[] = []): Decided => ({
  index,
  line: `{"index":${index}}`,
  failed: null,
  rejects,
  ...sums,
});
const given = (index: number): Decided => ({
  index,
  line: null,
  failed: { index, attempts: 3, code: 'EMPTY', reason: 'empty' },
  rejects: [reject(index, 5e-9)],
  costNanoUsd: 0,
  inputTokens: 0,
  outputTokens: 0,
});

describe('a commit', () => {
  test('writes rejects, then records, then the checkpoint that names them; only then the log forgets', async () => {
    const { committer, puts, logged, shard } = await setUp();
    committer.add(made(1, [reject(1)]));
    await committer.commit();
    const [seal, rejects, batch, checkpoint, job] = puts();
    expect([seal, checkpoint, job]).toEqual([shardKey(0), shardKey(0), JOB_CHECKPOINT_KEY]);
    expect(rejects).toMatch(/^rejects\//);
    expect(batch).toMatch(/^outputs\//);
    expect(logged.calls.map((c) => c.method)).toEqual(['committed', 'totals']);
    expect((await shard()).batches.map((b) => b.key)).toEqual([batch]);
    expect((await shard()).rejects.map((b) => b.key)).toEqual([rejects]);
  });

  test('of nothing writes nothing', async () => {
    const { committer, puts } = await setUp();
    await committer.commit();
    expect(puts()).toEqual([]);
  });

  test('sorts its records by index, and its file proves itself', async () => {
    const { committer, shard, text } = await setUp();
    for (const i of [4, 0, 2, 1]) committer.add(made(i));
    await committer.commit();
    const [batch] = (await shard()).batches;
    const body = await text(batch?.key ?? '');
    expect(body).toBe('{"index":0}\n{"index":1}\n{"index":2}\n{"index":4}\n');
    expect(batch).toMatchObject({
      rows: 4,
      bytes: body.length,
      sha256: sha256(body),
      ranges: [
        [0, 2],
        [4, 4],
      ],
    });
    expect(parseBatchKey(batch?.key ?? '')).toEqual({ epoch: 1, seq: 1, sha256Start: sha256(body).slice(0, 16) });
  });

  test('takes each file name once', async () => {
    const { committer, puts } = await setUp();
    for (const i of [0, 1, 2]) {
      committer.add(made(i, [reject(i)]));
      await committer.commit();
    }
    const files = puts().filter((k) => /^(?:outputs|rejects)\//.test(k));
    expect(new Set(files).size).toBe(6);
  });

  test('of records that were all given up has no batch file', async () => {
    const { committer, shard } = await setUp();
    committer.add(given(3));
    committer.add(given(1));
    await committer.commit();
    const doc = await shard();
    expect(doc).toMatchObject({ batches: [], ok: [] });
    expect(doc.failed.map((f) => f.index)).toEqual([1, 3]);
    expect(doc.spend_nano_usd).toBe(10);
  });

  test('over the border of a shard is one for each', async () => {
    const { committer, shard } = await setUp();
    for (const i of [SHARD_SIZE, SHARD_SIZE - 1, SHARD_SIZE + 1]) committer.add(made(i));
    await committer.commit();
    expect((await shard(0)).ok).toEqual([[SHARD_SIZE - 1, SHARD_SIZE - 1]]);
    expect((await shard(1)).ok).toEqual([[SHARD_SIZE, SHARD_SIZE + 1]]);
  });

  test('whose file is there already is the same commit: the answer of its write was lost', async () => {
    const { committer, shard } = await setUp((store) => ({
      ...store,
      put: async (key, body, condition) => {
        const put = await store.put(key, body, condition);
        if (!key.startsWith('outputs/')) return put;
        throw new AppError('ALREADY_EXISTS', 'OBJECT_EXISTS', 'a retry below found its own write');
      },
    }));
    committer.add(made(0));
    await committer.commit();
    expect((await shard()).ok).toEqual([[0, 0]]);
  });

  test.each(['outputs/', 'rejects/'])('whose %s file can’t be written names nothing', async (prefix) => {
    const { committer, shard, logged } = await setUp((store) => ({
      ...store,
      put: (key, body, condition) =>
        key.startsWith(prefix)
          ? Promise.reject(new AppError('UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'disk full'))
          : store.put(key, body, condition),
    }));
    committer.add(made(0, [reject(0)]));
    await expect(committer.commit()).rejects.toMatchObject({ reason: 'STORAGE_UNAVAILABLE' });
    expect(await shard()).toMatchObject({ ok: [], batches: [], rejects: [] });
    expect(logged.calls).toEqual([]);
  });

  test('frees the memory of a shard that is full', async () => {
    const { committer, book } = await setUp();
    for (let i = 0; i < SHARD_SIZE - 1; i++) committer.add(i % 1_000 === 0 ? given(i) : made(i));
    await committer.commit();
    expect(book.isOpen(0)).toBe(true);
    committer.add(made(SHARD_SIZE - 1));
    await committer.commit();
    expect(book.isOpen(0)).toBe(false);
  });
});

describe('what a checkpoint says', () => {
  test('an index that is ok now was given up no longer, and gets no new attempts', async () => {
    const { committer, book, shard } = await setUp();
    committer.add(given(2));
    committer.add(given(5));
    await committer.commit();
    await book.advance(0, (doc) => ({
      ...doc,
      failed: [],
      retrying: doc.failed.map(({ index, attempts }) => ({ index, attempts })),
    }));
    committer.add(made(2, [reject(2, 7e-9)]));
    await committer.commit();
    expect(await shard()).toMatchObject({ ok: [[2, 2]], failed: [], retrying: [{ index: 5, attempts: 3 }] });
  });

  test('an index that is ok is not given up as well', async () => {
    const { committer, shard } = await setUp();
    committer.add(given(2));
    await committer.commit();
    committer.add(made(2));
    await committer.commit();
    expect(await shard()).toMatchObject({ ok: [[2, 2]], failed: [] });
  });

  test('spend is that of records and of all their rejected attempts', async () => {
    const { committer, shard } = await setUp();
    committer.add(made(0, [reject(0, 5e-9), reject(0, 6e-9)]));
    committer.add(given(1));
    await committer.commit();
    expect(await shard()).toMatchObject({ spend_nano_usd: 10 + 11 + 5, input_tokens: 3, output_tokens: 2 });
  });

  test('does not depend on how the records were shared out over commits', async () => {
    const arbIndices = fc.uniqueArray(fc.nat(60), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(arbIndices, fc.array(fc.nat(5), { minLength: 1 }), async (indices, cuts) => {
        const [many, one] = [await setUp(), await setUp()];
        const decide = (i: number): Decided => (i % 7 === 3 ? given(i) : made(i, i % 5 === 0 ? [reject(i, 1e-9)] : []));
        for (const [n, i] of indices.entries()) {
          many.committer.add(decide(i));
          one.committer.add(decide(i));
          if ((cuts[n % cuts.length] ?? 0) === 0) await many.committer.commit();
        }
        await many.committer.commit();
        await one.committer.commit();
        const facts = async ({ shard, text }: typeof many) => {
          const doc = await shard();
          const lines = (await Promise.all(doc.batches.map((b) => text(b.key)))).flatMap((t) =>
            t.trimEnd().split('\n'),
          );
          const { ok, failed, spend_nano_usd: spend, input_tokens: input, output_tokens: output } = doc;
          return { ok, failed, spend, input, output, lines: lines.sort() };
        };
        expect(await facts(many)).toEqual(await facts(one));
      }),
      { numRuns: 40 },
    );
  });
});

test('lines wait as they are, of any length and any letters, and their bytes are counted', async () => {
  const { committer, shard, text } = await setUp();
  // The second fits into what the first left of its piece by its letters, and not by its bytes.
  const lines = [
    'y'.repeat(1_000_000),
    'ä'.repeat(1_500_000),
    '😀',
    'x'.repeat(1 << 21),
    '€'.repeat(10),
    ''.padEnd(349_000, 'ß'),
  ];
  for (const [index, line] of lines.entries()) committer.add({ ...made(index), line });
  expect(committer.waiting).toBe(lines.length);
  expect(committer.backlog).toBe(lines.reduce((n, l) => n + Buffer.byteLength(l), 0));
  await committer.commit();
  expect([committer.waiting, committer.backlog]).toEqual([0, 0]);
  const body = await text((await shard()).batches[0]?.key ?? '');
  expect(sha256(body)).toBe(sha256(lines.map((l) => `${l}\n`).join('')));
});
