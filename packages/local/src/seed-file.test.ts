// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openSeedFile } from './seed-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'stint-seeds-'));
const path = join(dir, 'seeds.jsonl');
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const plain = (row: unknown): unknown => (row instanceof Map ? Object.fromEntries(row) : row);

describe('seed file', () => {
  it('gives any row in any order, however sparse the offsets and small the blocks', () => {
    const arbRows = fc.array(fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 40 }) }), { maxLength: 40 });
    fc.assert(
      fc.property(
        arbRows,
        fc.integer({ min: 2, max: 9 }),
        fc.integer({ min: 1, max: 64 }),
        fc.boolean(),
        (rows, maxOffsets, blockBytes, ended) => {
          writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n') + (ended && rows.length ? '\n' : ''));
          const source = openSeedFile(path, { maxOffsets, blockBytes });
          expect(source.rows).toBe(rows.length);
          const order = rows.map((_, i) => (i * 7) % rows.length);
          for (const i of [...order, ...order.reverse()]) expect(plain(source.row(i))).toEqual(rows[i]);
          source.close();
        },
      ),
      { numRuns: 50 },
    );
  });

  it('gives the same object to all who hold a row, long ones too', () => {
    writeFileSync(path, `{"a":"short"}\n{"a":"${'long '.repeat(100)}"}\n`);
    const source = openSeedFile(path, { blockBytes: 64 });
    const held = [source.row(0), source.row(1)];
    expect(source.row(0)).toBe(held[0]);
    expect(source.row(1)).toBe(held[1]);
    source.close();
  });

  it('reads a file of more rows than it keeps offsets of', () => {
    const count = 300_000;
    writeFileSync(path, Array.from({ length: count }, (_, i) => `{"n":${i}}\n`).join(''));
    const source = openSeedFile(path);
    expect(source.rows).toBe(count);
    for (const i of [0, 1, 2, 3, 131_071, 131_072, 262_145, count - 1])
      expect(Number(Object.values(plain(source.row(i)) as object)[0])).toBe(i);
    source.close();
  });

  it('a row outside the file and a closed source are refused', () => {
    writeFileSync(path, '{"a":1}\n');
    const source = openSeedFile(path);
    for (const i of [-1, 1, 0.5])
      expect(() => source.row(i)).toThrow(expect.objectContaining({ reason: 'NO_SUCH_ROW' }));
    source.close();
    source.close();
    expect(() => source.row(0)).toThrow(expect.objectContaining({ reason: 'NO_SUCH_ROW' }));
  });

  it('a row that cannot be read, or is no mapping, is DAMAGED', () => {
    writeFileSync(path, '{"a":\n[1]\n\n3\n{"a":1}');
    const source = openSeedFile(path);
    expect(source.rows).toBe(5);
    for (const i of [0, 1, 2, 3]) expect(() => source.row(i)).toThrow(expect.objectContaining({ reason: 'DAMAGED' }));
    expect(Number(Object.values(plain(source.row(4)) as object)[0])).toBe(1);
    source.close();
  });

  it('a file that shrank is DAMAGED', () => {
    writeFileSync(path, '{"a":1}\n{"a":2}\n');
    const source = openSeedFile(path);
    truncateSync(path, 8);
    expect(() => source.row(1)).toThrow(expect.objectContaining({ reason: 'DAMAGED' }));
    source.close();
  });

  it('a missing file is a failed read, and an empty one has no rows', () => {
    expect(() => openSeedFile(join(dir, 'none'))).toThrow(expect.objectContaining({ reason: 'STORAGE_UNAVAILABLE' }));
    writeFileSync(path, '');
    const source = openSeedFile(path);
    expect(source.rows).toBe(0);
    source.close();
  });
});
