// SPDX-License-Identifier: Apache-2.0

/** `create`: only where no object is there (If-None-Match: *). `etag`: only while it is still that one (If-Match). */
export type PutCondition = { create: true } | { etag: string };

export interface StoredObject {
  body: Uint8Array;
  etag: string;
}

/**
 * Objects of one job by key (`outputs/batch-….jsonl`, `/` separates). Every write is conditional: nothing is ever
 * overwritten blindly. A write is complete and durable when its promise resolves, and never seen half done.
 */
export interface ObjectStore {
  /** @throws AppError NOT_FOUND/OBJECT_NOT_FOUND; UNAVAILABLE/STORAGE_UNAVAILABLE or PERMISSION_DENIED are never absence. */
  get(key: string): Promise<StoredObject>;
  /**
   * @returns the new etag; equal bodies may have equal etags.
   * @throws AppError ALREADY_EXISTS/OBJECT_EXISTS (create), FAILED_PRECONDITION/ETAG_MISMATCH (changed or gone),
   * UNAVAILABLE/STORAGE_UNAVAILABLE (disk full too): the write may or may not have happened.
   */
  put(key: string, body: Uint8Array, condition: PutCondition): Promise<{ etag: string }>;
  /** Keys that begin with `prefix`, in ascending code-unit order; half-written ones never show. */
  list(prefix: string): Promise<string[]>;
  /**
   * The body in pieces, in order; `start` is a byte offset. Bounded memory: a piece may be overwritten once the next is
   * asked for. Throws as `get`.
   */
  stream(key: string, start?: number): AsyncIterable<Uint8Array>;
}
