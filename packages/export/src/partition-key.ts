// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { AppError } from '@stint/core';
import type { SeedRow, StepSpec } from '@stint/core';
import { parseData, toJson } from '@stint/jinja';
import type { ColumnType, StructField } from './column-types.ts';
import { RECORD_COLUMNS, resultColumns, stepColumns } from './export-plan.ts';

/** Folder name of a missing value, as Hive has it. */
export const NULL_PARTITION = '__HIVE_DEFAULT_PARTITION__';
/** More values than this are a mistake in the choice of the column. */
export const MAX_PARTITIONS = 1_000;
/** File systems allow 255 bytes in a name. */
const MAX_NAME_BYTES = 180;

/** How records are told apart: the folder's field name, and the value of a record (null = missing). */
export interface Partitioning {
  field: string;
  valueOf: (line: Uint8Array) => string | null;
}

/**
 * The partitioning a job asks for; undefined for `none`. A field is a dotted record path when it begins with
 * `generation_result.`, else a field of the record's seed row, else (where the row has none) a column of the record.
 * @throws AppError INVALID_ARGUMENT/BAD_PARTITION
 */
export function partitioningOf(
  strategy: string,
  seedValue: ((seedIndex: number) => SeedRow) | undefined,
): Partitioning | undefined {
  if (strategy === 'none') return undefined;
  if (strategy === 'timestamp') {
    return { field: 'date', valueOf: (line) => dateOf(member(plain(line), 'timestamp')) };
  }
  const field = strategy.startsWith('field:') ? strategy.slice('field:'.length) : '';
  if (field === '') {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PARTITION', `unknown partition_strategy ${JSON.stringify(strategy)}`, {
      hint: 'Use none, timestamp or field:<column>.',
    });
  }
  const path = field.split('.');
  return {
    field,
    valueOf: (line) => {
      if (isResultPath(field)) return textOf(lookUp(parseData(decode(line)), path));
      const record = plain(line);
      const seedIndex = member(record, 'seed_index');
      if (seedValue && typeof seedIndex === 'number') {
        const found = seedPartition(seedValue(seedIndex), field);
        if (found !== undefined) return found;
      }
      return isRecordPath(field) ? textOf(lookUp(record, path)) : null;
    },
  };
}

/** The partition of a record by a field of its seed row; undefined where the row has no such field. */
export function seedPartition(row: SeedRow, field: string): string | null | undefined {
  if (isResultPath(field)) return undefined;
  const path = field.split('.');
  // A field whose own name has dots goes before a path.
  const ways = [[field], path, ...(path[0] === 'seed' ? [path.slice(1)] : [])];
  const found = ways.map((way) => lookUp(row, way)).find((v) => v !== undefined);
  return found === undefined ? undefined : textOf(found);
}

/** True where the record alone says it, whatever fields its seed row has. */
const isResultPath = (field: string): boolean => field.split('.')[0] === 'generation_result';

/** True where records without such a seed field may still have a value there. */
export function isRecordPath(field: string): boolean {
  // What a seed row has as `_id` may be an object.
  return isResultPath(field) || field.startsWith('seed_data_keys.') || RECORD_COLUMNS.includes(field);
}

/** Why no record of this template can have a value at a path into its result; null where one can. */
export function resultPathProblem(field: string, steps: readonly StepSpec[]): string | null {
  if (!isResultPath(field)) return null;
  const [first = '', ...path] = field.split('.');
  let at: ColumnType = { kind: 'STRUCT', fields: resultColumns(stepColumns(steps)), open: false };
  let name = first;
  for (const part of path) {
    if (at.kind === 'JSON') return null;
    if (at.kind !== 'STRUCT') return `"${name}" has no parts, so no "${part}"`;
    const found: StructField | undefined = at.fields.find((f) => f.name === part);
    if (!found) return at.open ? null : `"${name}" has no "${part}", only ${partsOf(at)}`;
    at = found.type;
    name += `.${part}`;
  }
  return path.length < 2 && at.kind === 'STRUCT' ? `"${name}" is not one value, but ${partsOf(at)}` : null;
}

const partsOf = ({ fields }: { fields: StructField[] }): string => fields.map((f) => f.name).join(', ');

/** Gives each value its folder, at most `MAX_PARTITIONS`; equal folders never mean different values. */
export class PartitionFolders {
  private readonly field: string;
  private readonly byValue = new Map<string | null, string>();
  private readonly taken = new Set<string>();

  constructor(field: string) {
    this.field = field;
  }

  /** @throws AppError INVALID_ARGUMENT/TOO_MANY_PARTITIONS */
  folderOf(value: string | null): string {
    const known = this.byValue.get(value);
    if (known !== undefined) return known;
    if (this.byValue.size >= MAX_PARTITIONS) {
      throw new AppError(
        'INVALID_ARGUMENT',
        'TOO_MANY_PARTITIONS',
        `${this.field} has more than ${String(MAX_PARTITIONS)} different values`,
        {
          details: { field: this.field },
          hint: 'Set partition_strategy in the job file to a column with few values, or to none, and run the same command again.',
        },
      );
    }
    let folder = partitionFolder(this.field, value);
    // Some file systems don't tell A from a.
    if (this.taken.has(folder.toLowerCase())) folder = partitionFolder(this.field, value, true);
    this.byValue.set(value, folder);
    this.taken.add(folder.toLowerCase());
    return folder;
  }
}

/** `<field>=<value>`, percent-encoded; a name too long for a file system ends in `~` and a hash. */
export function partitionFolder(field: string, value: string | null, withHash = false): string {
  const name = shortened(encode(field), field, false);
  if (value === null) return `${name}=${NULL_PARTITION}`;
  const encoded = value === NULL_PARTITION ? `%5F${NULL_PARTITION.slice(1)}` : encode(value);
  return `${name}=${shortened(encoded, value, withHash)}`;
}

function shortened(encoded: string, original: string, always: boolean): string {
  const limit = MAX_NAME_BYTES / 2;
  if (encoded.length <= limit && !always) return encoded;
  // As UTF-16, in which half surrogate pairs differ, too.
  const hash = createHash('sha256').update(Buffer.from(original, 'utf16le')).digest('hex').slice(0, 24);
  return `${encoded.slice(0, limit - 30).replace(/%[0-9A-F]?$/, '')}~${hash}`;
}

/** Percent-encodes the UTF-8 bytes of everything but letters, digits, `_`, `-` and `.`; `~` is kept for hashes. */
function encode(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9_.-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

const decode = (line: Uint8Array): string => Buffer.from(line.buffer, line.byteOffset, line.length).toString();
const plain = (line: Uint8Array): unknown => JSON.parse(decode(line));

function dateOf(timestamp: unknown): string | null {
  if (typeof timestamp !== 'string') return null;
  const at = Date.parse(timestamp);
  return Number.isNaN(at) ? null : new Date(at).toISOString().slice(0, 10);
}

function member(value: unknown, key: string): unknown {
  if (value instanceof Map) return value.get(key);
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function lookUp(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) at = member(at, key);
  return at;
}

/** Numbers as they are written: 1.0 is not 1, and big ones keep all their digits. */
function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : toJson(value);
}
