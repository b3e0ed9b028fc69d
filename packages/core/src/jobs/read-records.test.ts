// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { readRecordLines, readRecordRuns } from './read-records.ts';

const JOB = 'demo-0123456789';
const line = (index: number, text = 'x'): string =>
  JSON.stringify({ id: `${JOB}-${String(index)}`, job_id: JOB, index, attempt: 1, text });

/** Bodies by key, streamed through one buffer of `piece` bytes; counts what is open. */
function memoryStore(files: Map<string, string>, piece = 7) {
  const watch = { open: 0, mostOpen: 0 };
  const store: Pick<ObjectStore, 'stream'> = {
    async *stream(key, start = 0) {
      const body = Buffer.from(files.get(key) ?? '');
      watch.open += 1;
      watch.mostOpen = Math.max(watch.mostOpen, watch.open);
      try {
        const buffer = Buffer.alloc(piece);
        for (let at = start; at < body.length; at += piece) {
          const length = body.copy(buffer, 0, at, at + piece);
          yield await Promise.resolve(buffer.subarray(0, length));
        }
      } finally {
        watch.open -= 1;
      }
    },
  };
  return { store: store as ObjectStore, watch };
}

function toRanges(indices: number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const i of [...indices].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === i - 1) last[1] = i;
    else ranges.push([i, i]);
  }
  return ranges;
}

function checkpointOf(files: { key: string; body: string; indices: number[] }[]): ShardCheckpoint {
  return {
    schema: 'stint.shard-checkpoint/1',
    job_id: JOB,
    shard: 0,
    epoch: 1,
    seq: 1,
    batches: files.map(({ key, body, indices }) => ({
      key,
      rows: indices.length,
      bytes: Buffer.byteLength(body),
      sha256: '0'.repeat(64),
      ranges: toRanges(indices),
    })),
    rejects: [],
    retrying: [],
    ok: toRanges(files.flatMap((f) => f.indices)),
    failed: [],
    spend_nano_usd: 0,
    input_tokens: 0,
    output_tokens: 0,
    updated_at: '2026-01-01T00:00:00Z',
    digest: '0'.repeat(64),
  };
}

async function readAll(store: ObjectStore, checkpoint: ShardCheckpoint): Promise<string[]> {
  const out: string[] = [];
  for await (const { index, line } of readRecordLines(store, checkpoint)) {
    out.push(`${String(index)} ${Buffer.from(line).toString()}`);
  }
  return out;
}

const single = (body: string, indices: number[]) => {
  const files = [{ key: 'outputs/a.jsonl', body, indices }];
  return { checkpoint: checkpointOf(files), ...memoryStore(new Map([['outputs/a.jsonl', body]])) };
};

describe('readRecordLines', () => {
  it('gives any split of indices over files in index order, bytes untouched, and leaves nothing open', async () => {
    const arb = fc.record({
      owner: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 }),
      texts: fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { minLength: 1, maxLength: 5 }),
      piece: fc.integer({ min: 1, max: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(arb, async ({ owner, texts, piece }) => {
        // Owner 0 = not committed; owner 5 = lies in file 1 but in no range.
        const files = [1, 2, 3, 4].map((n) => {
          const written = owner.flatMap((o, i) => (o === n || (n === 1 && o === 5) ? [i] : []));
          const body = written.map((i) => line(i, texts[i % texts.length]) + '\n').join('');
          return { key: `outputs/${String(n)}.jsonl`, body, indices: written.filter((i) => owner[i] === n) };
        });
        const { store, watch } = memoryStore(new Map(files.map((f) => [f.key, f.body])), piece);
        const expected = owner.flatMap((o, i) =>
          o > 0 && o < 5 ? [`${String(i)} ${line(i, texts[i % texts.length])}`] : [],
        );
        expect(await readAll(store, checkpointOf(files.filter((f) => f.indices.length > 0)))).toEqual(expected);
        expect(watch.open).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('holds few files open, however many interleave', async () => {
    const files = Array.from({ length: 200 }, (_, n) => {
      const indices = [n, n + 200, n + 400];
      return { key: `outputs/${String(n)}`, indices, body: indices.map((i) => line(i) + '\n').join('') };
    });
    const { store, watch } = memoryStore(new Map(files.map((f) => [f.key, f.body])), 64);
    expect(await readAll(store, checkpointOf(files))).toEqual(
      Array.from({ length: 600 }, (_, i) => `${String(i)} ${line(i)}`),
    );
    expect(watch.mostOpen).toBeLessThanOrEqual(33);
    expect(watch.open).toBe(0);
  });

  it('closes its files when the caller stops early', async () => {
    const body = [0, 1, 2].map((i) => line(i) + '\n').join('');
    const { store, checkpoint, watch } = single(body, [0, 1, 2]);
    for await (const run of readRecordRuns(store, checkpoint)) {
      expect(run.last).toBeGreaterThanOrEqual(run.first);
      break;
    }
    expect(watch.open).toBe(0);
  });

  it('finds the index wherever the key stands', async () => {
    const odd = JSON.stringify({ text: '"index":7', nested: { index: 9 }, index: 0 });
    const { store, checkpoint } = single(odd + '\n', [0]);
    expect(await readAll(store, checkpoint)).toEqual([`0 ${odd}`]);
  });

  it.each([
    ['a missing line', [line(0), line(2)].join('\n') + '\n', [0, 1, 2], 'index 1 is missing'],
    ['a missing last line', line(0) + '\n', [0, 1], 'ends before the line of index 1'],
    ['a doubled line', [line(0), line(0), line(1)].join('\n') + '\n', [0, 1], 'doubled or out of order'],
    ['a doubled last line', [line(0), line(1), line(1)].join('\n') + '\n', [0, 1], 'doubled or out of order'],
    ['lines out of order', [line(1), line(0)].join('\n') + '\n', [0, 1], 'index 0 is missing'],
    ['a line that is cut off', line(0) + '\n' + line(1).slice(0, 20), [0], 'cut off'],
    ['a line that is not JSON', 'nonsense\n', [0], 'not JSON'],
    ['a line without index', '{"a":1}\n', [0], 'has no index'],
  ])('refuses %s, naming the file', async (_, body, indices, message) => {
    const { store, checkpoint, watch } = single(body, indices);
    await expect(readAll(store, checkpoint)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'DAMAGED',
      info: { details: { file: 'outputs/a.jsonl' } },
    });
    await expect(readAll(store, checkpoint)).rejects.toThrow(message);
    expect(watch.open).toBe(0);
  });

  it('refuses a checkpoint whose files claim an index twice, or not the indices it calls ok', async () => {
    const body = line(0) + '\n';
    const twice = checkpointOf([
      { key: 'outputs/a.jsonl', body, indices: [0] },
      { key: 'outputs/b.jsonl', body, indices: [0] },
    ]);
    const { store } = memoryStore(new Map([['outputs/a.jsonl', body]]));
    await expect(readAll(store, twice)).rejects.toThrow('claimed twice');
    const short = { ...checkpointOf([{ key: 'outputs/a.jsonl', body, indices: [0] }]), ok: [] };
    await expect(readAll(store, short)).rejects.toThrow('calls ok');
  });

  it('refuses a file that is longer than its checkpoint says', async () => {
    const { store, checkpoint } = single(line(0) + '\n' + line(1) + '\n', [0]);
    const entry = checkpoint.batches[0];
    if (entry) entry.bytes -= 1;
    await expect(readAll(store, checkpoint)).rejects.toThrow('bytes');
  });
});
