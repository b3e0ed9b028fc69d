// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';

const allowed = /^[A-Za-z0-9._=%-]+(?:\/[A-Za-z0-9._=%-]+)*$/;
/** Longest name of a file on common file systems, bytes. */
const maxSegment = 255;

/** Folder for half-written objects, below the store's own. */
export const temporaryFolder = '.tmp';

/** True for a key that names a place below the store's folder, and nothing of its own. */
export function isObjectKey(key: string): boolean {
  if (!allowed.test(key) || key.length > 1_024) return false;
  const segments = key.split('/');
  return segments[0] !== temporaryFolder && segments.every((s) => s !== '.' && s !== '..' && s.length <= maxSegment);
}

/** @throws AppError INVALID_ARGUMENT/BAD_KEY */
export function requireObjectKey(key: string): void {
  if (isObjectKey(key)) return;
  throw new AppError('INVALID_ARGUMENT', 'BAD_KEY', `not a key of an object: ${JSON.stringify(key.slice(0, 200))}`, {
    hint: 'Keys are relative, with segments of letters, digits and . _ = % - between slashes.',
  });
}
