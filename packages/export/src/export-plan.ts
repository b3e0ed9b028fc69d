// SPDX-License-Identifier: Apache-2.0
import { outputSchema } from '@stint/core';
import type { JobSpec, StepSpec } from '@stint/core';
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  JSON_TEXT,
  VARCHAR,
  distinctNames,
  sqlName,
  sqlText,
  sqlType,
  typeOfSample,
  typeOfSchema,
} from './column-types.ts';
import type { ColumnType, StructField } from './column-types.ts';

/** What one step's part of a record looks like. */
export interface StepColumns {
  id: string;
  fields: StructField[];
}

/** The columns of an export, derived from the template alone, so that every export of a job has the same. */
export interface ExportPlan {
  layout: 'columns' | 'json';
  steps: StepColumns[];
}

const USAGE: ColumnType = {
  kind: 'STRUCT',
  open: false,
  fields: ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens'].map((name) => ({
    name,
    type: BIGINT,
  })),
};

/** The record's own columns, before `generation_result`. */
const RECORD_FIELDS: readonly StructField[] = [
  { name: 'id', type: VARCHAR },
  { name: 'job_id', type: VARCHAR },
  { name: 'index', type: BIGINT },
  { name: 'attempt', type: BIGINT },
  { name: 'seed_index', type: BIGINT },
  { name: 'seed_data_keys', type: VARCHAR },
  { name: 'timestamp', type: VARCHAR },
];
export const RECORD_COLUMNS: readonly string[] = RECORD_FIELDS.map((f) => f.name);

/** `generation_result`, by step. */
export function resultColumns(steps: readonly StepColumns[]): StructField[] {
  return steps.map((s) => ({ name: s.id, type: { kind: 'STRUCT', open: false, fields: s.fields } }));
}

/** What each step leaves in a record. */
export function stepColumns(steps: readonly StepSpec[]): StepColumns[] {
  return steps.map((step) => ({ id: step.id, fields: stepFields(step) }));
}

/** The columns of a job. Step ids that differ only in case can't be columns side by side: JSON layout then. */
export function planExport(spec: JobSpec): ExportPlan {
  const steps = stepColumns(spec.template.spec.steps);
  const layout = distinctNames(steps.map((s) => s.id)) ? spec.export_layout : 'json';
  return { layout, steps };
}

/** The plan with the `json` of these steps as JSON text. */
export function withJsonText(plan: ExportPlan, stepIds: ReadonlySet<string>): ExportPlan {
  return {
    ...plan,
    steps: plan.steps.map((s) => ({
      id: s.id,
      fields: s.fields.map((f) => (f.name === 'json' && stepIds.has(s.id) ? { name: 'json', type: JSON_TEXT } : f)),
    })),
  };
}

function stepFields(step: StepSpec): StructField[] {
  const skipped: StructField[] = step.when === undefined ? [] : [{ name: 'skipped', type: BOOLEAN }];
  if (step.prompt === undefined) {
    const json = step.sample === undefined ? JSON_TEXT : typeOfSample(step.sample);
    return [{ name: 'output', type: VARCHAR }, { name: 'json', type: json }, ...skipped];
  }
  const schema = outputSchema(step);
  return [
    { name: 'prompt', type: VARCHAR },
    { name: 'output', type: VARCHAR },
    ...(schema === undefined ? [] : [{ name: 'json', type: typeOfSchema(schema) }]),
    { name: 'model', type: VARCHAR },
    { name: 'usage', type: USAGE },
    { name: 'cost_usd', type: DOUBLE },
    { name: 'stop_reason', type: VARCHAR },
    { name: 'latency_ms', type: DOUBLE },
    { name: 'tries', type: BIGINT },
    { name: 'usage_reported', type: BOOLEAN },
    ...skipped,
  ];
}

/** `generation_result` as one type. */
export function resultType(plan: ExportPlan): ColumnType {
  if (plan.layout === 'json') return JSON_TEXT;
  return { kind: 'STRUCT', open: false, fields: resultColumns(plan.steps) };
}

/** Column name to DuckDB type, as Parquet has them. */
export function parquetColumns(plan: ExportPlan): Record<string, string> {
  const columns: Record<string, string> = {};
  for (const f of RECORD_FIELDS) columns[f.name] = sqlType(f.type, 'VARCHAR');
  columns['generation_result'] = sqlType(resultType(plan), 'VARCHAR');
  return columns;
}

/** How DuckDB reads dataset.jsonl: explicit types, never a guess from a sample. */
export function readJson(path: string, columns: readonly StructField[], longestLineBytes: number): string {
  const types = columns.map((c) => `${sqlName(c.name)}: ${sqlText(sqlType(c.type, 'JSON'))}`).join(', ');
  // Its read buffers grow with the longest object allowed, so this is what keeps them small.
  const longest = Math.max(65_536, longestLineBytes + 1_024);
  return (
    `read_json(${sqlText(path)}, format = 'newline_delimited', compression = 'uncompressed', ` +
    `maximum_object_size = ${String(longest)}, columns = {${types}})`
  );
}

/** SELECT of the Parquet columns. */
export function parquetSelect(plan: ExportPlan, path: string, longestLineBytes: number): string {
  const result = resultType(plan);
  const from = readJson(path, [...RECORD_FIELDS, { name: 'generation_result', type: result }], longestLineBytes);
  const own = RECORD_COLUMNS.map(sqlName).join(', ');
  const cast = `CAST(generation_result AS ${sqlType(result, 'VARCHAR')})`;
  const wanted = sqlType(result, 'JSON') === sqlType(result, 'VARCHAR') ? 'generation_result' : cast;
  return `SELECT ${own}, ${wanted} AS generation_result FROM ${from}`;
}

/** A spreadsheet runs a cell that begins with = + - @, tab or CR as a formula; a leading ' makes it text. */
export function guardFormula(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
const guarded = (sql: string): string =>
  `CASE WHEN ascii(${sql}) IN (61, 43, 45, 64, 9, 13) THEN '''' || ${sql} ELSE ${sql} END`;

/**
 * SELECT of the CSV columns: a dotted column for each scalar of a step, JSON text for lists and objects. Typed values
 * are read as JSON text here, so nothing is too large for its column.
 */
export function csvSelect(plan: ExportPlan, path: string, longestLineBytes: number): string {
  const columns: { name: string; sql: string }[] = RECORD_FIELDS.map(({ name, type }) => ({
    name,
    sql: type.kind === 'VARCHAR' ? guarded(sqlName(name)) : sqlName(name),
  }));
  const keys = columns.find((c) => c.name === 'seed_data_keys');
  const text = "(seed_data_keys->>'$')";
  if (keys) keys.sql = `CASE WHEN ascii(seed_data_keys) = 34 THEN ${guarded(text)} ELSE ${text} END`;
  const steps = plan.steps.map((s) => ({ id: s.id, fields: s.fields.map(csvField) }));
  if (plan.layout === 'json') {
    columns.push({ name: 'generation_result', sql: 'CAST(generation_result AS VARCHAR)' });
  } else {
    for (const step of steps) {
      for (const field of step.fields) {
        const sql = `generation_result.${sqlName(step.id)}.${sqlName(field.name)}`;
        columns.push({
          name: `generation_result.${step.id}.${field.name}`,
          sql: field.type.kind === 'VARCHAR' ? guarded(sql) : sql,
        });
      }
    }
  }
  const from = readJson(
    path,
    [
      ...RECORD_FIELDS.map((f) => (f.name === 'seed_data_keys' ? { name: f.name, type: JSON_TEXT } : f)),
      { name: 'generation_result', type: resultType({ layout: plan.layout, steps }) },
    ],
    longestLineBytes,
  );
  return `SELECT ${columns.map((c) => `${c.sql} AS ${sqlName(guardFormula(c.name))}`).join(', ')} FROM ${from}`;
}

function csvField(field: StructField): StructField {
  const scalar = field.type.kind === 'VARCHAR' || field.type.kind === 'BOOLEAN';
  const own = field.name !== 'json' && field.type.kind !== 'STRUCT';
  return scalar || own ? field : { name: field.name, type: JSON_TEXT };
}
