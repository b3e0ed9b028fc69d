// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AppError, linesOf, reservedNames } from '@stint/core';
import type { Problem, Requirement, SeedRow } from '@stint/core';
import { parseData, toJson } from '@stint/jinja';
import { seedWeight } from '../seed-weight.ts';

/** One seed row: its JSON text on one line, its value, and where it stands in its file. */
export interface RawRow {
  text: string;
  value: unknown;
  line: number;
}

export interface SeedSummary {
  rows: number;
  bytes: number;
  sha256: string;
  problems: Problem[];
  warnings: Problem[];
}

/** Largest seed file that is one JSON document; JSONL has no bound. */
const MAX_JSON_BYTES = 512 * 1024 * 1024;
const MAX_PROBLEMS = 20;

/** The seed file that a job names. @throws AppError INVALID_ARGUMENT/BAD_PATH, UNIMPLEMENTED/NOT_IN_THIS_VERSION */
export function resolveSeedPath(path: string, base: string): string {
  if (/^s3:\/\//i.test(path)) {
    throw new AppError(
      'UNIMPLEMENTED',
      'NOT_IN_THIS_VERSION',
      `seed_data_path: ${path}: s3:// is not in this version`,
      { hint: 'Copy the file here and give its path.' },
    );
  }
  if (/^file:\/\//i.test(path)) return pathOfUrl(path);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'BAD_PATH',
      `seed_data_path: ${path}: only paths and file:// URLs can be read`,
      { hint: 'Download the file and give its path.' },
    );
  }
  return resolve(base, path);
}

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `seed_data_path: ${url}: no URL of a file on this machine`, {
      cause,
      hint: 'Write it like file:///home/me/seeds.jsonl, or as a path.',
    });
  }
}

/** Rows of a seed file, one at a time; memory does not grow with a JSONL, CSV or Parquet file. */
export async function* seedRows(path: string): AsyncIterable<RawRow> {
  try {
    if (!statSync(path).isFile())
      throw new AppError('INVALID_ARGUMENT', 'BAD_SEEDS', `seed_data_path: ${path}: this is not a file`, {
        hint: 'Name one file: JSONL, JSON, CSV or Parquet.',
        details: { file: path },
      });
    yield* rowsOfKind(path);
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (e instanceof AppError || code === undefined) throw e;
    throw new AppError(
      'INVALID_ARGUMENT',
      'BAD_SEEDS',
      `seed_data_path: ${path}: the seed file cannot be read (${code})`,
      {
        cause: e,
        hint: 'Check the path; relative paths in a job file are relative to that file.',
        details: { file: path },
      },
    );
  }
}

function rowsOfKind(path: string): AsyncIterable<RawRow> {
  switch (extname(path).toLowerCase()) {
    case '.csv':
      return csvRows(path);
    case '.parquet':
      return parquetRows(path);
    case '.jsonl':
    case '.ndjson':
      return jsonlRows(path);
    default:
      return beginsAsParquet(path) ? parquetRows(path) : jsonRows(path);
  }
}

function beginsAsParquet(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const first = Buffer.alloc(4);
    return readSync(file, first) === 4 && first.toString('latin1') === 'PAR1';
  } finally {
    closeSync(file);
  }
}

const badSeeds = (path: string, line: number | null, message: string, cause?: unknown): AppError =>
  new AppError('INVALID_ARGUMENT', 'BAD_SEEDS', `${path}${line === null ? '' : `:${line}`}: ${message}`, {
    cause,
    hint: 'A seed file is JSONL, a JSON object or array of objects, CSV with a header, or Parquet.',
    details: { file: path, line },
  });

const notUtf8 = (path: string, line: number | null): AppError =>
  badSeeds(path, line, 'not UTF-8, so its text would be changed');

/** Looked for only once a file is known to have one. */
async function firstLineNotUtf8(path: string): Promise<number | null> {
  let line = 0;
  for await (const bytes of linesOf(createReadStream(path))) {
    line++;
    if (!isUtf8(bytes)) return line;
  }
  return null;
}

/** @param path - what people know the file by, where it is a copy that is read */
async function* jsonlRows(file: string, path = file): AsyncIterable<RawRow> {
  const input = createReadStream(file);
  let line = 0;
  try {
    for await (const bytes of linesOf(input)) {
      line++;
      if (!isUtf8(bytes)) throw notUtf8(path, line);
      const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
      const text = (line === 1 ? raw.replace(/^\ufeff/, '') : raw).trim();
      if (text === '') continue;
      yield rowOf(path, line, text);
    }
  } finally {
    input.destroy();
  }
}

function rowOf(path: string, line: number, text: string): RawRow {
  let value: unknown;
  try {
    value = parseData(text);
  } catch (e) {
    throw badSeeds(path, line, `not valid JSON: ${e instanceof Error ? e.message : String(e)}`, e);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badSeeds(path, line, 'a seed row is a JSON object');
  }
  return { text, value, line };
}

async function* jsonRows(path: string): AsyncIterable<RawRow> {
  if (statSync(path).size > MAX_JSON_BYTES)
    throw badSeeds(path, null, `a JSON seed file may have ${MAX_JSON_BYTES} bytes; use JSONL`);
  const data = await readFile(path);
  if (!isUtf8(data)) throw notUtf8(path, await firstLineNotUtf8(path));
  const text = data.toString().replace(/^\ufeff/, '');
  let value: unknown;
  try {
    value = parseData(text);
  } catch (e) {
    // JSONL under another name is common enough.
    const lines = text.split(/\r?\n/);
    if (lines.filter((l) => l.trim() !== '').length > 1 && lines[0]?.trim().startsWith('{')) {
      for (const [i, raw] of lines.entries()) if (raw.trim() !== '') yield rowOf(path, i + 1, raw.trim());
      return;
    }
    const at = e instanceof Error ? /position (\d+)/.exec(e.message)?.[1] : undefined;
    const line = at === undefined ? null : text.slice(0, Number(at)).split('\n').length;
    throw badSeeds(path, line, `not valid JSON: ${e instanceof Error ? e.message : String(e)}`, e);
  }
  const rows = Array.isArray(value) ? (value as unknown[]) : [value];
  const mayBeHuge = /[eE]\+?\d{3}|\d{309}/.test(text);
  for (const [i, row] of rows.entries()) {
    // JSONL is frozen as it stands; a row that is written anew would have null in its place.
    if (mayBeHuge && holdsInfinity(row)) {
      throw badSeeds(path, null, `row ${i + 1} has a number beyond what a float holds`);
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw badSeeds(path, null, `row ${i + 1} is not a JSON object`);
    }
    yield { text: toJson(row), value: row, line: i + 1 };
  }
}

function holdsInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  return [...(value instanceof Map ? value.values() : Object.values(value))].some(holdsInfinity);
}

async function* csvRows(path: string): AsyncIterable<RawRow> {
  const { parse } = await import('csv-parse');
  const parser = parse({ bom: true, info: true, skip_empty_lines: true, relax_column_count: false });
  // What fails on the way to the parser ends it, so the loop below sees it.
  pipeline(utf8Only(path), parser, () => undefined);
  let header: string[] | null = null;
  try {
    for await (const item of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (header === null) {
        header = item.record;
        const twice = header.find((h, i) => header?.indexOf(h) !== i);
        if (twice !== undefined) throw badSeeds(path, 1, `the column "${twice}" stands twice in the header`);
        continue;
      }
      const value = new Map(header.map((h, i) => [h, item.record[i] ?? '']));
      yield { text: toJson(value), value, line: item.info.lines };
    }
  } catch (e) {
    const { lines, message } = e as { lines?: number; message: string };
    if (e instanceof AppError || lines === undefined) throw e;
    throw badSeeds(path, lines, `not valid CSV: ${message}`, e);
  }
}

async function* utf8Only(path: string): AsyncIterable<Uint8Array> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const isBroken = (piece: Uint8Array, stream: boolean): boolean => {
    try {
      decoder.decode(piece, { stream });
      return false;
    } catch {
      return true;
    }
  };
  for await (const piece of createReadStream(path) as AsyncIterable<Uint8Array>) {
    if (isBroken(piece, true)) throw notUtf8(path, await firstLineNotUtf8(path));
    yield piece;
  }
  if (isBroken(new Uint8Array(0), false)) throw notUtf8(path, await firstLineNotUtf8(path));
}

/** Parquet through DuckDB in its own process, as JSONL in a temporary file. */
async function* parquetRows(path: string): AsyncIterable<RawRow> {
  const { startDuckDb } = await import('@stint/export');
  const folder = mkdtempSync(join(tmpdir(), 'stint-seeds-'));
  const out = join(folder, 'rows.jsonl');
  const duckDb = startDuckDb();
  const run = (sql: string): Promise<unknown[][]> => duckDb.run(sql, new AbortController().signal);
  const text = (t: string): string => `'${t.replaceAll("'", "''")}'`;
  try {
    // More threads would hold back rows to keep their order, many times the memory, and be no faster (measured).
    await run('SET threads = 1');
    const from = `read_parquet(${text(path)})`;
    const columns = (await run(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`)) as string[][];
    const own = new Set((await run(`SELECT name FROM parquet_schema(${text(path)})`)).flat());
    const renamed = columns.find(([column]) => !own.has(column));
    if (renamed) {
      const name = (renamed[0] ?? '').replace(/_\d+$/, '');
      throw badSeeds(path, null, `two columns are called "${name}", capitals apart: rename one of them`);
    }
    const wanted = columns.map(([column = '', type = '']) => {
      const name = `"${column.replaceAll('"', '""')}"`;
      // pandas has it for a missing value, JSON has not.
      return type === 'FLOAT' || type === 'DOUBLE' ? `CASE WHEN NOT isnan(${name}) THEN ${name} END AS ${name}` : name;
    });
    await run(`COPY (SELECT ${wanted.join(', ')} FROM ${from}) TO ${text(out)} (FORMAT JSON)`);
    yield* jsonlRows(out, path);
  } catch (e) {
    // The lines are DuckDB's own: what is no JSON in them is a number that JSON has not.
    if (e instanceof AppError && e.message.includes('not valid JSON')) {
      const line = Number(e.info.details?.['line']);
      throw badSeeds(path, line, `row ${line} holds Infinity, or NaN in a list or struct, which JSON has not`, e);
    }
    if (e instanceof AppError && e.reason === 'BAD_SEEDS') throw e;
    throw badSeeds(
      path,
      null,
      `the Parquet file cannot be read: ${e instanceof Error ? (e.message.split('\n')[0] ?? '') : ''}`,
      e,
    );
  } finally {
    await duckDb.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One pass over all rows: their digest, and every row checked against what the template and the job need. */
export async function checkSeeds(
  path: string,
  requirements: readonly Requirement[],
  weightField: string | null,
  partitionField: string | null,
): Promise<SeedSummary> {
  const partitions = partitionField === null ? null : await partitionCheck(partitionField);
  const hash = createHash('sha256');
  const needed = requirements.filter((r) => !r.optional);
  const problems: Problem[] = [];
  const shadowed = new Set<string>();
  let rows = 0;
  let bytes = 0;
  let weights = 0;
  for await (const row of seedRows(path)) {
    rows++;
    const line = `${row.text}\n`;
    hash.update(line);
    bytes += Buffer.byteLength(line);
    for (const need of needed) {
      if (problems.length >= MAX_PROBLEMS || has(row.value, need.path)) continue;
      problems.push({
        file: path,
        line: row.line,
        reason: 'MISSING_SEED_FIELD',
        path: need.path.join('.'),
        message: `seed row ${rows} has no field "${need.path.join('.')}", which ${need.where} line ${need.line} needs`,
        hint: 'Add the field to the row, or use `default` or `is defined` in the template.',
      });
    }
    if (weightField !== null) {
      const weight = seedWeight(row.value as SeedRow, weightField);
      weights += weight ?? 0;
      if (weight === null && problems.length < MAX_PROBLEMS) {
        problems.push({
          file: path,
          line: row.line,
          reason: 'BAD_SEEDS',
          path: weightField,
          message: `seed row ${rows}: sampling needs a number of at least 0 in "${weightField}"`,
          hint: 'Correct the row, or choose another sampling.',
        });
      }
    }
    partitions?.see(row.value);
    for (const name of reservedNames)
      if (!shadowed.has(name) && field(row.value, name) !== undefined) shadowed.add(name);
  }
  if (rows === 0) throw badSeeds(path, null, 'the seed file has no rows');
  if (weightField !== null && problems.length === 0 && !(weights > 0 && Number.isFinite(weights))) {
    throw badSeeds(path, null, `the weights in "${weightField}" sum up to ${weights}, so no row can be drawn`);
  }
  problems.push(...(partitions?.problems(path) ?? []));
  const warnings = [...shadowed].map((name) => ({
    file: path,
    message: `the seed field "${name}" is hidden by the reserved name; use seed.${name} in the template`,
  }));
  return { rows, bytes, sha256: hash.digest('hex'), problems, warnings };
}

/** Sees before money is spent what an export could not write: a field that no row has, or too many values. */
async function partitionCheck(field: string) {
  const { isRecordPath, MAX_PARTITIONS, seedPartition } = await import('@stint/export');
  const values = new Set<string | null>();
  let found = false;
  return {
    see: (row: unknown): void => {
      const value = seedPartition(row as SeedRow, field);
      found ||= value !== undefined;
      if (values.size > MAX_PARTITIONS || (value === undefined && isRecordPath(field))) return;
      values.add(value ?? null);
    },
    problems: (path: string): Problem[] => {
      const bad = (message: string): Problem[] => [
        {
          file: path,
          path: 'partition_strategy',
          reason: 'BAD_PARTITION',
          message,
          hint: 'Choose another field, or none.',
        },
      ];
      if (!found && !isRecordPath(field)) {
        return bad(`no seed row has a field "${field}"`);
      }
      if (values.size <= MAX_PARTITIONS) return [];
      return bad(`seed field "${field}" has more than ${MAX_PARTITIONS} different values`);
    },
  };
}

function field(value: unknown, name: string): unknown {
  if (value instanceof Map) return value.get(name) as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function has(value: unknown, path: readonly string[]): boolean {
  let v = value;
  for (const part of path) {
    v = field(v, part);
    if (v === undefined) return false;
  }
  return true;
}
