// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError } from '@stint/core';
import { DuckDbError } from './duckdb-process.ts';

/** Error codes of the file system that mean: no room, or the disk fails. */
const STORAGE_CODES = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EFBIG']);
/** DuckDB gives text only. Seen in 1.5.4: `IO Error: Could not write all bytes to file …: wanted=… wrote=…`. */
const STORAGE_TEXT =
  /No space left on device|Disk quota exceeded|Could not write|Input\/output error|failed to offload/i;

/** True where DuckDB ran out of the memory it was allowed. */
export const isOutOfMemory = (e: unknown): boolean => e instanceof DuckDbError && /Out of Memory/i.test(e.message);
/** True where a value did not fit the type its column declares. */
export const isTypeMismatch = (e: unknown): boolean =>
  e instanceof DuckDbError && /JSON transform error|Conversion Error|Could not convert/i.test(e.message);
/** True where a line has an escape of half a surrogate pair, which JSON allows and DuckDB refuses. */
export const isLoneSurrogate = (e: unknown): boolean =>
  e instanceof DuckDbError && /Malformed JSON.*(surrogate|escaped sequence|unicode)/is.test(e.message);

/** What went wrong while an export was written, as an AppError; what already is one stays. */
export function toExportError(e: unknown, what: string): unknown {
  if (isAppError(e)) return e;
  const code = e instanceof Error && 'code' in e ? String(e.code) : '';
  const message = e instanceof Error ? e.message : String(e);
  if (STORAGE_CODES.has(code) || (e instanceof DuckDbError && STORAGE_TEXT.test(message))) {
    return new AppError('UNAVAILABLE', 'STORAGE_UNAVAILABLE', `${what}: ${message}`, {
      cause: e,
      hint: 'Free some space on that disk, then run `stint export` on the folder. The records are safe.',
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new AppError('PERMISSION_DENIED', 'STORAGE_DENIED', `${what}: ${message}`, {
      cause: e,
      hint: 'Allow writing in the exports folder of the job.',
    });
  }
  if (e instanceof DuckDbError) {
    return new AppError('INTERNAL', 'EXPORT_FAILED', `${what}: ${message}`, {
      cause: e,
      hint: 'dataset.jsonl holds every record and can be exported alone: output_format: JSONL.',
    });
  }
  return e;
}
