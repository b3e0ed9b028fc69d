// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ThriftReader, integerBytes, structListHeader } from './thrift-edit.ts';

const STOP = Buffer.of(0);
/** Header of a field that follows the one before it in number. */
const next = (type: number): Buffer => Buffer.of((1 << 4) | type);
/** Header of a field far from the one before it. */
const far = (id: number, type: number): Buffer => Buffer.concat([Buffer.of(type), integerBytes(id)]);
const [TRUE, BYTE, I64, DOUBLE, BINARY, LIST, MAP, STRUCT] = [1, 3, 6, 7, 8, 9, 11, 12] as const;

/** Fields 1 to 7 and 300 of every kind, then field 301, a list of structs with one integer each. */
const structOf = (integers: readonly number[], inner = 5): Buffer =>
  Buffer.concat([
    next(TRUE),
    next(BYTE),
    Buffer.of(0x7f),
    next(I64),
    integerBytes(inner),
    next(DOUBLE),
    Buffer.alloc(8, 1),
    next(BINARY),
    Buffer.of(3),
    Buffer.from('abc'),
    next(LIST),
    Buffer.of((2 << 4) | TRUE, 1, 2),
    next(MAP),
    Buffer.of(1, (BINARY << 4) | I64, 1, 0x61),
    integerBytes(-9),
    far(300, STRUCT),
    next(I64),
    integerBytes(inner),
    STOP,
    next(LIST),
    structListHeader(integers.length),
    ...integers.map((n) => Buffer.concat([next(I64), integerBytes(n), STOP])),
    STOP,
  ]);
const safe = fc.maxSafeInteger().map((n) => Math.trunc(n / 2));

test('an edit changes the integers that it names, of any size, and no other byte', () => {
  fc.assert(
    fc.property(fc.array(safe, { maxLength: 40 }), safe, safe, (integers, was, becomes) => {
      const edits = { 3: () => becomes, 300: { 1: () => becomes }, 301: { 1: (n: number) => -n } };
      const reader = new ThriftReader(Buffer.concat([structOf(integers, was), Buffer.from('behind')]));
      expect(reader.edited(edits)).toEqual(
        structOf(
          integers.map((n) => (n === 0 ? 0 : -n)),
          becomes,
        ),
      );
      expect(reader.bytes.subarray(reader.at).toString()).toBe('behind');
    }),
  );
});

test('fields are found by number, with where they lie', () => {
  const bytes = structOf([1, 2, 3]);
  const fields = new ThriftReader(bytes).fields();
  expect([...fields.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 300, 301]);
  const list = fields.get(301);
  expect(list?.end).toBe(bytes.length - 1);
  expect(new ThriftReader(bytes, list?.value).structList()).toBe(3);
});

test('bytes that end too early are refused', () => {
  const bytes = structOf([1]);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => new ThriftReader(bytes.subarray(0, length)).fields()).toThrow('too early');
  }
});
