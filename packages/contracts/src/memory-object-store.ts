// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { AppError } from '@stint/core';
import type { ObjectStore, PutCondition, StoredObject } from '@stint/core';

const pieceBytes = 16 * 1024;

/** An object store that works, on a map that outlives the store where the caller keeps it. */
export function memoryObjectStore(objects = new Map<string, StoredObject>()): ObjectStore {
  const find = (key: string): StoredObject => {
    const found = objects.get(key);
    if (!found) throw new AppError('NOT_FOUND', 'OBJECT_NOT_FOUND', `no object ${key}`, { details: { key } });
    return found;
  };
  return {
    async get(key) {
      const { body, etag } = find(key);
      return { body: body.slice(), etag };
    },
    async put(key, body, condition: PutCondition) {
      const old = objects.get(key);
      if ('create' in condition) {
        if (old) throw new AppError('ALREADY_EXISTS', 'OBJECT_EXISTS', `object ${key} exists`, { details: { key } });
      } else if (old?.etag !== condition.etag) {
        throw new AppError('FAILED_PRECONDITION', 'ETAG_MISMATCH', `object ${key} changed since it was read`, {
          details: { key, expectedEtag: condition.etag },
        });
      }
      const copy = body.slice();
      const etag = createHash('sha256').update(copy).digest('hex');
      objects.set(key, { body: copy, etag });
      return { etag };
    },
    async list(prefix) {
      // The default order of sort() is that of code units.
      return [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    async *stream(key, start = 0) {
      const { body } = find(key);
      const piece = new Uint8Array(pieceBytes);
      for (let at = start; at < body.length; at += pieceBytes) {
        const found = body.subarray(at, at + pieceBytes);
        piece.set(found);
        yield piece.subarray(0, found.length);
      }
    },
  };
}
