// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { seedRows } from './read-seeds.ts';

const dir = mkdtempSync(join(tmpdir(), 'stint-read-seeds-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

async function rows(name: string, data: string | Uint8Array): Promise<{ value: unknown; line: number }[]> {
  const path = join(dir, name);
  writeFileSync(path, data);
  const found = [];
  for await (const { value, line } of seedRows(path)) {
    found.push({ value: value instanceof Map ? Object.fromEntries(value) : value, line });
  }
  return found;
}
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('the same rows, however their file is laid out', () => {
  const expected = [
    { value: { a: 'x\u2028y\u2029z' }, line: 1 },
    { value: { a: 'ü' }, line: 2 },
  ];
  const [one, two] = expected.map((r) => JSON.stringify(r.value));

  test.each<[string, string]>([
    ['with a newline at the end', `${one}\n${two}\n`],
    ['without one', `${one}\n${two}`],
    ['with CRLF', `${one}\r\n${two}\r\n`],
    ['with a BOM', `\ufeff${one}\n${two}\n`],
    ['with blank lines at the end', `${one}\n${two}\n\n  \r\n\n`],
  ])('JSONL %s', async (_name, text) => {
    expect(await rows('s.jsonl', text)).toEqual(expected);
    expect(await rows('s.txt', text)).toEqual(expected);
  });

  test('blank lines between rows count as lines', async () => {
    expect((await rows('s.jsonl', `\n${one}\n\n${two}`)).map((r) => r.line)).toEqual([2, 4]);
  });

  test('CSV: BOM, CRLF, quotes, line breaks in cells, no newline at the end', async () => {
    const text = '\ufeffa,b\r\n"x\r\ny, ""z""",\r\n\r\n ü,1.0';
    expect((await rows('s.csv', text)).map((r) => r.value)).toEqual([
      { a: 'x\r\ny, "z"', b: '' },
      { a: ' ü', b: '1.0' },
    ]);
  });

  test('a JSONL row of some megabytes, over many pieces of the file', async () => {
    const long = 'ü'.repeat(3_000_000);
    expect(await rows('s.jsonl', `{"a":"${long}"}\n{"a":"b"}`)).toEqual([
      { value: { a: long }, line: 1 },
      { value: { a: 'b' }, line: 2 },
    ]);
  });
});

describe('Parquet', () => {
  const parquet = async (select: string): Promise<string> => {
    const { startDuckDb } = await import('@stint/export');
    const duckDb = startDuckDb();
    const path = join(dir, "it's.parquet");
    await duckDb.run(`COPY (${select}) TO '${path.replace("'", "''")}' (FORMAT parquet)`, new AbortController().signal);
    await duckDb.stop();
    return path;
  };

  test('a missing number of pandas (NaN) is null; lists, objects and big integers are what they are', async () => {
    const path = await parquet(
      `SELECT 'nan'::DOUBLE AS "a""b", 1.5::FLOAT AS "select", [1, NULL] AS l, {'x': [{'y': 1.0::DOUBLE}]} AS s,
       12345678901234567890::UBIGINT AS u, DATE '2026-01-02' AS d`,
    );
    const found = [];
    for await (const { text } of seedRows(path)) found.push(text);
    expect(found).toEqual([
      '{"a\\"b":null,"select":1.5,"l":[1,null],"s":{"x":[{"y":1.0}]},"u":12345678901234567890,"d":"2026-01-02"}',
    ]);
  });

  test('what JSON can’t hold is refused under the file’s own name', async () => {
    const path = await parquet(`SELECT 1 AS a, 1.0::DOUBLE AS f UNION ALL SELECT 2, 'inf'::DOUBLE`);
    await expect(async () => {
      for await (const row of seedRows(path)) expect(row.line).toBe(1);
    }).rejects.toMatchObject({
      reason: 'BAD_SEEDS',
      message: expect.stringContaining('row 2 holds Infinity') as string,
      info: { details: { file: path, line: 2 } },
    });
  });

  test('is known by its first bytes, whatever its name', async () => {
    const path = join(dir, 'rows');
    renameSync(await parquet(`SELECT 1 AS a`), path);
    const found = [];
    for await (const { text } of seedRows(path)) found.push(text);
    expect(found).toEqual(['{"a":1}']);
  });

  test('columns that differ in their capitals alone are refused, not renamed', async () => {
    const path = await parquet(`SELECT 1 AS topix, 2 AS "Topic", 3 AS topic_1`);
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.from(bytes.toString('latin1').replaceAll('topix', 'topic'), 'latin1'));
    await expect(async () => {
      for await (const row of seedRows(path)) expect(row).toBeUndefined();
    }).rejects.toMatchObject({
      reason: 'BAD_SEEDS',
      message: expect.stringContaining('two columns are called "Topic", capitals apart') as string,
    });
  });
});

test('a number that would become null on its way is refused with its row', async () => {
  await expect(rows('huge.json', Buffer.from('[{"a":1e300},{"a":[-1e400]}]'))).rejects.toMatchObject({
    reason: 'BAD_SEEDS',
    message: expect.stringContaining('row 2 has a number beyond what a float holds') as string,
  });
});

describe('what is not UTF-8 is refused with its line, never changed silently', () => {
  test.each<[string, Uint8Array]>([
    ['s.jsonl', latin1('{"a":"x"}\n{"a":"\xfc"}\n')],
    ['s.csv', latin1('a\nM\xfcller\n')],
    ['cut.csv', Buffer.concat([Buffer.from('a\n'), Buffer.from('ü').subarray(0, 1)])],
    ['s.json', latin1('[{"a":"x"},\n{"a":"\xfc"}]')],
  ])('%s', async (name, data) => {
    await expect(rows(name, data)).rejects.toMatchObject({
      reason: 'BAD_SEEDS',
      info: { details: { file: join(dir, name), line: 2 } },
    });
  });
});
