// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import { describe, expect, it } from 'vitest';
import { toDatabaseError, toFileError } from './storage-errors.ts';

const errno = (code: string): Error => Object.assign(new Error(`${code}: something`), { code });
const sqlite = (errcode: number): Error => Object.assign(new Error('something'), { code: 'ERR_SQLITE_ERROR', errcode });

describe('storage errors', () => {
  it.each([
    ['ENOSPC', 'UNAVAILABLE', 'STORAGE_UNAVAILABLE', /free disk space/i],
    ['EDQUOT', 'UNAVAILABLE', 'STORAGE_UNAVAILABLE', /free disk space/i],
    ['EIO', 'UNAVAILABLE', 'STORAGE_UNAVAILABLE', /disk/],
    ['EACCES', 'PERMISSION_DENIED', 'STORAGE_DENIED', /right/],
    ['EPERM', 'PERMISSION_DENIED', 'STORAGE_DENIED', /right/],
    ['EROFS', 'PERMISSION_DENIED', 'STORAGE_DENIED', /read-only/],
    ['EMFILE', 'UNAVAILABLE', 'STORAGE_UNAVAILABLE', /ulimit/],
    ['ESTALE', 'UNAVAILABLE', 'STORAGE_UNAVAILABLE', /disk/],
  ])('the file error %s is %s/%s', (name, code, reason, hint) => {
    const error = toFileError(errno(name), 'write k');
    expect(error).toMatchObject({ code, reason });
    expect(error.info.hint).toMatch(hint);
    expect(error.cause).toMatchObject({ code: name });
  });

  it.each([
    [5, 'UNAVAILABLE', 'STORAGE_UNAVAILABLE'],
    [5 | (2 << 8), 'UNAVAILABLE', 'STORAGE_UNAVAILABLE'],
    [8, 'PERMISSION_DENIED', 'STORAGE_DENIED'],
    [10 | (3 << 8), 'UNAVAILABLE', 'STORAGE_UNAVAILABLE'],
    [11, 'FAILED_PRECONDITION', 'DAMAGED'],
    [13, 'UNAVAILABLE', 'STORAGE_UNAVAILABLE'],
    [14, 'UNAVAILABLE', 'STORAGE_UNAVAILABLE'],
    [26, 'FAILED_PRECONDITION', 'DAMAGED'],
    [1, 'INTERNAL', 'UNEXPECTED'],
  ])('the SQLite result %i is %s/%s', (errcode, code, reason) => {
    expect(toDatabaseError(sqlite(errcode), 'state.sqlite')).toMatchObject({ code, reason });
  });

  it('what is an error of the port already stays as it is', () => {
    const error = new AppError('NOT_FOUND', 'X', 'x');
    expect(toFileError(error, 'read k')).toBe(error);
    expect(toDatabaseError(error, 'state.sqlite')).toBe(error);
  });
});
