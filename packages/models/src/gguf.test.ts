// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { ggufProblem } from './gguf.ts';

const dir = mkdtempSync(join(tmpdir(), 'stint-gguf-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});
function problem(bytes: Buffer): Promise<string | null> {
  const path = join(dir, 'm.gguf');
  writeFileSync(path, bytes);
  return ggufProblem(path);
}

const u32 = (n: number): Buffer => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(n);
  return b;
};
const u64 = (n: number | bigint): Buffer => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(n));
  return b;
};
const text = (s: string): Buffer => Buffer.concat([u64(Buffer.byteLength(s)), Buffer.from(s)]);
const value = (name: string, type: number, ...parts: Buffer[]): Buffer =>
  Buffer.concat([text(name), u32(type), ...parts]);
const VALUES = [
  value('general.architecture', 8, text('llama')),
  value('one', 4, u32(1)),
  value('yes', 7, Buffer.from([1])),
  value('tokens', 9, u32(8), u64(3), ...['a', 'b', 'ü'].map(text)),
  value('scores', 9, u32(6), u64(2), u32(0), u32(0)),
  value('nested', 9, u32(9), u64(1), u32(5), u64(1), u32(7)),
];
const TENSOR = Buffer.concat([text('w'), u32(2), u64(2), u64(2), u32(0), u64(0)]);
const header = (version = 3, tensors: number | bigint = 1, values: number | bigint = VALUES.length): Buffer =>
  Buffer.concat([Buffer.from('GGUF'), u32(version), u64(tensors), u64(values)]);
const WHOLE = Buffer.concat([header(), ...VALUES, TENSOR, Buffer.alloc(16)]);

test('a whole file has no problem', async () => {
  expect(await problem(WHOLE)).toBeNull();
});

test.each([
  ['empty', Buffer.alloc(0), /not in the GGUF format/],
  ['a web page', Buffer.from('<!doctype html><title>not found</title>'), /not in the GGUF format/],
  ['begins like one', Buffer.from('GGUF broken, and a little more text'), /version/],
  ['of another version', Buffer.concat([header(1), WHOLE.subarray(24)]), /version is 1/],
  ['more entries than bytes', Buffer.concat([header(3, 1, 2n ** 40n), WHOLE.subarray(24)]), /more entries than bytes/],
  ['a list of billions', Buffer.concat([header(3, 0, 1), value('x', 9, u32(8), u64(2n ** 33n))]), /damaged/],
  ['a list of billions of numbers', Buffer.concat([header(3, 0, 1), value('x', 9, u32(4), u64(2n ** 60n))]), /damaged/],
  ['a name of a terabyte', Buffer.concat([header(3, 0, 1), u64(2n ** 40n), Buffer.alloc(50)]), /damaged/],
  ['a type that does not exist', Buffer.concat([header(3, 0, 1), value('x', 99), Buffer.alloc(20)]), /damaged/],
  [
    'lists in lists in lists',
    Buffer.concat([
      header(3, 0, 1),
      value('x', 9, ...Array.from({ length: 9 }, () => Buffer.concat([u32(9), u64(1)]))),
    ]),
    /damaged/,
  ],
])('%s', async (_name, bytes, says) => {
  expect(await problem(bytes)).toMatch(says);
});

test('cut off anywhere, it is damaged', async () => {
  for (let length = 0; length < WHOLE.length; length++) {
    expect(await problem(WHOLE.subarray(0, length)), `${length} bytes`).not.toBeNull();
  }
});

test('whatever is changed, it ends with a verdict', async () => {
  const changes = fc.array(fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(changes, async (list) => {
      const bytes = Buffer.from(WHOLE);
      for (const [at, to] of list) bytes[at] = to;
      expect(['string', 'object']).toContain(typeof (await problem(bytes)));
    }),
  );
});
