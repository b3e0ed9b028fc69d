// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError } from '@stint/core/base';
import type { ErrorCode } from '@stint/core';

interface Meaning {
  code: ErrorCode;
  reason: string;
  hint: string;
}

const unavailable = (hint: string): Meaning => ({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE', hint });
const denied: Meaning = {
  code: 'PERMISSION_DENIED',
  reason: 'STORAGE_DENIED',
  hint: 'Give this user the right to read and write the folder.',
};
const full = unavailable('Free disk space, then run the same command again.');
const device = unavailable('The disk reports errors; check it before you go on.');

/** Errors of the file system by errno name (POSIX); what is not here is UNAVAILABLE too, never absence. */
const byErrno: Readonly<Record<string, Meaning>> = {
  ENOSPC: full,
  EDQUOT: full,
  EFBIG: full,
  EIO: device,
  EACCES: denied,
  EPERM: denied,
  EROFS: { ...denied, hint: 'The file system is read-only; choose another folder.' },
  EMFILE: unavailable('Raise the limit of open files (ulimit -n).'),
  ENFILE: unavailable('Raise the limit of open files of this machine.'),
};

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const bySqlite: Readonly<Record<number, Meaning>> = {
  3: denied,
  5: unavailable('Another process holds the state file for long; try again.'),
  6: unavailable('Another process holds the state file for long; try again.'),
  8: { ...denied, hint: 'The state file is read-only here; choose another folder or change its mode.' },
  10: device,
  11: { code: 'FAILED_PRECONDITION', reason: 'DAMAGED', hint: 'Restore it from a copy.' },
  13: full,
  14: unavailable('The state file cannot be opened: check its folder and its mode.'),
  26: { code: 'FAILED_PRECONDITION', reason: 'DAMAGED', hint: 'Restore it from a copy.' },
};

/** errno name of a Node error, else ''. */
export function errnoOf(e: unknown): string {
  return e instanceof Error && 'code' in e && typeof e.code === 'string' ? e.code : '';
}

/** True for what a call of the operating system failed with. */
export const isSystemError = (e: unknown): e is NodeJS.ErrnoException =>
  e instanceof Error && 'syscall' in e && typeof e.syscall === 'string';

/** A failed file operation as the AppError of the port; `what` names it for people ("write outputs/a.jsonl"). */
export function toFileError(e: unknown, what: string): AppError {
  if (isAppError(e)) return e;
  const meaning = byErrno[errnoOf(e)] ?? unavailable('Check the disk and the folder, then run the same command again.');
  return new AppError(meaning.code, meaning.reason, `cannot ${what}: ${e instanceof Error ? e.message : String(e)}`, {
    hint: meaning.hint,
    cause: e,
  });
}

/** Primary result code of an SQLite error, else null. */
export function sqliteCodeOf(e: unknown): number | null {
  return e instanceof Error && 'errcode' in e && typeof e.errcode === 'number' ? e.errcode & 0xff : null;
}

/** A failed statement as the AppError of the port; what is no SQLite error passes unchanged. */
export function toDatabaseError(e: unknown, path: string): unknown {
  const code = sqliteCodeOf(e);
  if (code === null) return e;
  const meaning = bySqlite[code];
  const text = `${path}: ${(e as Error).message}`;
  if (!meaning) return new AppError('INTERNAL', 'UNEXPECTED', text, { cause: e });
  return new AppError(meaning.code, meaning.reason, text, { hint: meaning.hint, cause: e, details: { file: path } });
}
