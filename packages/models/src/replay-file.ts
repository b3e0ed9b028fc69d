// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { AppError, isJsonObject, linesOf } from '@stint/core';
import type { ErrorCode, StopReason } from '@stint/core';

/** One line of a recordings file: what a payload was answered with, or how it failed. */
export type Recording =
  | {
      hash: string;
      text: string;
      usage: {
        input_tokens: number;
        output_tokens: number;
        cache_read_tokens?: number;
        cache_write_tokens?: number;
      } | null;
      stop_reason: StopReason;
      model: string;
    }
  | {
      hash: string;
      error: {
        code: ErrorCode;
        reason: string;
        message: string;
        retry_after_ms?: number | undefined;
        charge?: 'none' | 'unknown' | undefined;
      };
    };

/** What a call can fail with, but CANCELED, which says nothing about the answer. */
const ERROR_CODES = new Set<unknown>([
  'RESOURCE_EXHAUSTED',
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'PERMISSION_DENIED',
] satisfies ErrorCode[]);
const STOP_REASONS = new Set<unknown>(['stop', 'length', 'content_filter', 'other'] satisfies StopReason[]);

/**
 * Lines of a recordings file; blank ones are passed over.
 * @throws AppError INVALID_ARGUMENT/BAD_PATH, INVALID_ARGUMENT/BAD_RECORDINGS naming the line
 */
export async function* readRecordings(path: string): AsyncGenerator<Recording> {
  let line = 0;
  const input = createReadStream(path);
  try {
    for await (const bytes of linesOf(input)) {
      line++;
      const text = Buffer.from(bytes).toString();
      if (text.trim() !== '') yield parseRecording(text, () => `${path}, line ${line}`);
    }
  } catch (e) {
    if (e instanceof AppError) throw e;
    const { code = 'unknown' } = e as NodeJS.ErrnoException;
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `can't read the recordings ${path} (${code})`, { cause: e });
  } finally {
    input.destroy();
  }
}

function parseRecording(text: string, where: () => string): Recording {
  const bad = (why: string): AppError => new AppError('INVALID_ARGUMENT', 'BAD_RECORDINGS', `${where()}: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad('no JSON');
  }
  if (!isJsonObject(value)) throw bad('not an object');
  if (typeof value['hash'] !== 'string' || !/^[0-9a-f]{64}$/.test(value['hash'])) throw bad('hash is no sha256 in hex');
  const error = value['error'];
  if (error !== undefined) {
    if (!isJsonObject(error) || !['code', 'reason', 'message'].every((key) => typeof error[key] === 'string')) {
      throw bad('error needs code, reason and message');
    }
    if (!ERROR_CODES.has(error['code'])) throw bad(`error.code is none of ${[...ERROR_CODES].join(', ')}`);
    const { charge, retry_after_ms: wait } = error;
    if (charge !== undefined && charge !== 'none' && charge !== 'unknown')
      throw bad('error.charge is neither none nor unknown');
    if (wait !== undefined && !(typeof wait === 'number' && wait >= 0)) throw bad('error.retry_after_ms is no time');
  } else {
    if (typeof value['text'] !== 'string') throw bad('text is missing');
    if (typeof value['model'] !== 'string') throw bad('model is missing');
    if (!STOP_REASONS.has(value['stop_reason']))
      throw bad('stop_reason is none of stop, length, content_filter, other');
    if (value['usage'] !== null && !isUsage(value['usage'])) throw bad('usage is neither null nor token counts');
  }
  return value as unknown as Recording;
}

function isUsage(usage: unknown): boolean {
  if (!isJsonObject(usage)) return false;
  const counts = usage as Record<string, unknown>;
  const isCount = (key: string, optional: boolean) =>
    (optional && counts[key] === undefined) || (Number.isSafeInteger(counts[key]) && (counts[key] as number) >= 0);
  return (
    isCount('input_tokens', false) &&
    isCount('output_tokens', false) &&
    isCount('cache_read_tokens', true) &&
    isCount('cache_write_tokens', true)
  );
}
