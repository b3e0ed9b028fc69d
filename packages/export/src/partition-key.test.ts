// SPDX-License-Identifier: Apache-2.0
import type { JsonObject, SeedRow } from '@stint/core';
import { parseData } from '@stint/jinja';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PARTITIONS, PartitionFolders, partitioningOf, resultPathProblem } from './partition-key.ts';

const line = (record: string): Uint8Array => Buffer.from(record);
const record = (json: string): string => `{"seed_index":0,"attempt":2,"generation_result":{"a":{"json":${json}}}}`;

/** The value of one record whose seed row and parsed output are these. */
function valueOf(field: string, seed: string, json = 'null'): string | null {
  const row = parseData(seed) as SeedRow;
  return partitioningOf(`field:${field}`, () => row)?.valueOf(line(record(json))) ?? null;
}

describe('the value of a record', () => {
  test.each([
    ['1', '1'],
    ['1.0', '1.0'],
    ['12345678901234567891', '12345678901234567891'],
    ['true', 'true'],
    ['null', null],
    ['"null"', 'null'],
    ['""', ''],
    ['[1,2.0,{"b":"ü"}]', '[1,2.0,{"b":"ü"}]'],
  ])('%s as it is written, in a seed row and in a parsed output', (json, value) => {
    expect(valueOf('v', `{"v":${json}}`)).toBe(value);
    expect(valueOf('generation_result.a.json', '{}', json)).toBe(value);
  });

  test('a name with dots goes before a path, a seed field before a column; what is nowhere is null', () => {
    expect(valueOf('a.b', '{"a.b":"own","a":{"b":"deep"}}')).toBe('own');
    expect(valueOf('a.b', '{"a":{"b":"deep"}}')).toBe('deep');
    expect(valueOf('seed.a', '{"a":1}')).toBe('1');
    expect(valueOf('attempt', '{"attempt":"mine"}')).toBe('mine');
    expect(valueOf('attempt', '{}')).toBe('2');
    for (const field of ['a.b', 'toString', '__proto__', 'generation_result.a.json.x']) {
      expect(valueOf(field, '{"a":7}', '{"y":1}'), field).toBeNull();
    }
  });

  test('a path into the result that may have a value, by the schema of its step', () => {
    const properties = { label: { type: 'string' }, who: { type: 'object', properties: {} } };
    const of = (more: JsonObject, path: string) =>
      resultPathProblem(`generation_result.a.json${path}`, [
        { id: 'a', prompt: '', model: 'm', output: { type: 'object', properties, ...more } },
      ]);
    const closed = { additionalProperties: false, required: ['label'] };
    for (const path of ['', '.label', '.who.name']) expect(of(closed, path), path).toBeNull();
    expect(of({}, '.other')).toBeNull();
    expect(of(closed, '.other')).toBe('"generation_result.a.json" has no "other", only label, who');
    expect(of(closed, '.label.x')).toBe('"generation_result.a.json.label" has no parts, so no "x"');
    expect(resultPathProblem('generation_results.x', [])).toBeNull();
  });

  test('the day of a record, in UTC', () => {
    const { field, valueOf: day } = partitioningOf('timestamp', undefined) ?? { field: '', valueOf: () => null };
    expect(field).toBe('date');
    expect(day(line('{"timestamp":"2026-03-01T23:59:59.999Z"}'))).toBe('2026-03-01');
    expect(day(line('{"timestamp":"soon"}'))).toBeNull();
  });
});

describe('folders', () => {
  test('of different values are different, on file systems that don’t tell A from a, too; names stay short and safe', () => {
    const unit = fc.constantFrom('a', 'A', '.', '/', '%', '=', '~', 'ü', '\ud83d', '\udc00', '\ud801', '\u0000', '_');
    const arbValue = fc.option(
      fc.oneof(
        fc.string({ unit, maxLength: 4 }),
        fc.string({ unit, minLength: 90, maxLength: 120 }),
        fc.constantFrom('__HIVE_DEFAULT_PARTITION__', '..', ''),
      ),
      { nil: null },
    );
    fc.assert(
      fc.property(fc.uniqueArray(arbValue, { maxLength: 30 }), fc.string({ unit, minLength: 1 }), (values, field) => {
        const folders = new PartitionFolders(field);
        const names = values.map((v) => folders.folderOf(v));
        expect(new Set(names.map((n) => n.toLowerCase())).size).toBe(values.length);
        for (const name of names) expect(name).toMatch(/^[\w.%~-]+=[\w.%~-]*$/);
        for (const name of names) expect(Buffer.byteLength(name)).toBeLessThan(250);
        expect(values.map((v) => folders.folderOf(v))).toEqual(names);
      }),
    );
  });

  test('more than can be meant are refused, with the field', () => {
    const folders = new PartitionFolders('id');
    for (let i = 0; i < MAX_PARTITIONS; i++) folders.folderOf(String(i));
    expect(folders.folderOf('7')).toBe('id=7');
    expect(() => folders.folderOf('one more')).toThrow(
      expect.objectContaining({ reason: 'TOO_MANY_PARTITIONS', message: expect.stringContaining('id') }),
    );
  });
});
