// SPDX-License-Identifier: Apache-2.0
import { parseData, toJson } from '@stint/jinja';
import { RE2JS } from 're2js';
import { AppError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { StopReason } from '../ports/model-provider.ts';
import type { CompiledStep } from './compile-template.ts';
import { utf8Bytes } from './money.ts';

export type AnswerProblem = 'EMPTY' | 'CONTENT_FILTERED' | 'TRUNCATED' | 'INVALID_JSON' | 'SCHEMA' | 'REGEX' | 'LENGTH';
export type Verdict = { ok: true; json?: unknown } | { ok: false; code: AnswerProblem; message: string };
export type AnswerValidator = (text: string, stopReason: StopReason) => Verdict;

const no = (code: AnswerProblem, message: string): Verdict => ({ ok: false, code, message });

/** Size and depth that a schema may have: a hostile one must not cost more than its job. */
const MAX_SCHEMA_BYTES = 256 * 1024;
const MAX_SCHEMA_DEPTH = 64;
/** 0.07 is a multiple of 0.01, though in binary their quotient is a hair off 7. */
const MULTIPLE_OF_DECIMALS = 6;

/**
 * The check of a step's answers: its stop reason, `output` and `expect`. Patterns are RE2 (linear), schemas may not
 * refer outside themselves.
 * @throws AppError INVALID_ARGUMENT/BAD_SCHEMA, INVALID_ARGUMENT/BAD_PATTERN
 */
export async function compileValidator(step: Pick<CompiledStep, 'id' | 'spec' | 'schema'>): Promise<AnswerValidator> {
  const { expect } = step.spec;
  const structured = step.schema ? await compileSchema(step.schema, `step "${step.id}": output`) : null;
  const inText = expect?.json_schema
    ? await compileSchema(expect.json_schema as JsonObject, `step "${step.id}": expect.json_schema`)
    : null;
  const pattern = expect?.regex === undefined ? null : compilePattern(expect.regex, `step "${step.id}": expect.regex`);
  return (text, stopReason) => {
    if (stopReason === 'content_filter') return no('CONTENT_FILTERED', 'the provider filtered the answer');
    if (text.trim() === '') return no('EMPTY', 'the answer is empty');
    if (stopReason === 'length' && (expect?.complete || structured)) {
      return no('TRUNCATED', 'the answer was cut off at max_tokens');
    }
    if (expect) {
      const length = expect.min_length === undefined && expect.max_length === undefined ? 0 : codePoints(text);
      if (expect.min_length !== undefined && length < expect.min_length) {
        return no('LENGTH', `the answer has ${length} characters, fewer than ${expect.min_length}`);
      }
      if (expect.max_length !== undefined && length > expect.max_length) {
        return no('LENGTH', `the answer has ${length} characters, more than ${expect.max_length}`);
      }
      if (pattern && !pattern.matcher(text).find())
        return no('REGEX', `the answer does not match ${expect.regex ?? ''}`);
    }
    if (!structured && !inText) return { ok: true };
    return checkJson(text, [structured, inText], structured !== null);
  };
}

function checkJson(text: string, checks: readonly (SchemaCheck | null)[], keep: boolean): Verdict {
  let json: unknown;
  try {
    json = parseData(withoutFence(text));
  } catch (e) {
    return no('INVALID_JSON', `the answer is not valid JSON (${e instanceof Error ? e.message : String(e)})`);
  }
  // The schema sees plain values; the record keeps 1.0 and big numbers as they were written.
  const plain: unknown = JSON.parse(toJson(json));
  for (const check of checks) {
    const problem = check?.(plain);
    if (problem) return no('SCHEMA', problem);
  }
  return keep ? { ok: true, json } : { ok: true };
}

/** Models like to wrap JSON in a Markdown fence. */
function withoutFence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith('```') || !trimmed.endsWith('```')) return trimmed;
  const start = trimmed.indexOf('\n');
  return start < 0 ? trimmed : trimmed.slice(start + 1, -3);
}

function codePoints(s: string): number {
  let n = 0;
  for (const _ of s) n++;
  return n;
}

/** What is wrong with a plain JSON value, in words; null = it fits. */
export type SchemaCheck = (value: unknown) => string | null;

function compilePattern(pattern: string, where: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATTERN', `${where}: not a pattern in RE2 syntax: ${pattern}`, {
      cause,
      hint: 'RE2 has no look-around and no back-references.',
    });
  }
}

/** RE2 in the place of RegExp: what ajv calls on it is `test`, and what it tells patterns apart by is `toString`. */
function linearRegExp(pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = RE2JS.compile(pattern);
  return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
}

/** @throws AppError INVALID_ARGUMENT/BAD_SCHEMA */
export async function compileSchema(schema: JsonObject, where: string): Promise<SchemaCheck> {
  const bad = (message: string, cause?: unknown): AppError =>
    new AppError('INVALID_ARGUMENT', 'BAD_SCHEMA', `${where}: ${message}`, {
      cause,
      hint: 'Write a JSON Schema (draft 2020-12 or 07) that refers to nothing outside itself.',
    });
  if (isDeeper(schema, MAX_SCHEMA_DEPTH)) throw bad(`the schema is nested more than ${MAX_SCHEMA_DEPTH} levels deep`);
  if (utf8Bytes(JSON.stringify(schema)) > MAX_SCHEMA_BYTES) {
    throw bad(`the schema is larger than ${MAX_SCHEMA_BYTES} bytes`);
  }
  const draft07 = typeof schema['$schema'] === 'string' && schema['$schema'].includes('draft-07');
  // eslint-disable-next-line no-restricted-syntax -- pure code, loaded only where a step has a schema
  const { Ajv } = draft07 ? await import('ajv') : { Ajv: (await import('ajv/dist/2020.js')).Ajv2020 };
  const regExp = Object.assign((pattern: string) => linearRegExp(pattern), { code: 'linearRegExp' });
  try {
    const ajv = new Ajv({
      strict: false,
      validateFormats: false,
      allErrors: false,
      multipleOfPrecision: MULTIPLE_OF_DECIMALS,
      code: { regExp },
    });
    const validate = ajv.compile(schema);
    return (value) => {
      if (validate(value)) return null;
      const [first] = validate.errors ?? [];
      const at = first?.instancePath ? first.instancePath : 'the answer';
      return `${at} ${first?.message ?? 'does not fit the schema'}${allowed(first?.params)}`;
    };
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const allowed = (params: Record<string, unknown> | undefined): string => {
  const values = params?.['allowedValues'];
  return Array.isArray(values) ? ` (${values.map((v) => JSON.stringify(v)).join(', ')})` : '';
};

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((v) => isDeeper(v, levels - 1));
}
