// SPDX-License-Identifier: Apache-2.0
import type { CallKey } from '@stint/core';

const buckets = 4_096;

/**
 * Calls by key, for few at a time that come and go by the thousand: in buckets by the low bits of their index. Not a
 * `Map`, whose outgrown tables keep what was deleted (see LiveSet of core).
 */
export class LiveCalls<T extends { readonly key: CallKey }> {
  readonly #buckets: T[][] = Array.from({ length: buckets }, () => []);

  find(key: CallKey): T | undefined {
    for (const call of this.#bucketOf(key)) if (same(call.key, key)) return call;
    return undefined;
  }

  /** It is not there yet. */
  add(call: T): void {
    this.#bucketOf(call.key).push(call);
  }

  delete(call: T): void {
    const bucket = this.#bucketOf(call.key);
    const at = bucket.indexOf(call);
    if (at < 0) return;
    const last = bucket.pop();
    if (last !== undefined && last !== call) bucket[at] = last;
  }

  clear(): void {
    for (const bucket of this.#buckets) bucket.length = 0;
  }

  #bucketOf(key: CallKey): T[] {
    return this.#buckets[key.index % buckets] as T[];
  }
}

const same = (a: CallKey, b: CallKey): boolean =>
  a.index === b.index && a.attempt === b.attempt && a.step === b.step && a.try === b.try;
