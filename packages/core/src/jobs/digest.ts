// SPDX-License-Identifier: Apache-2.0

/** sha256 as lower-case hex; given by the composition root, since core has no crypto of its own. */
export type Sha256 = (data: Uint8Array | string) => string;

const encoder = new TextEncoder();
export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);
const decoder = new TextDecoder();
export const decodeUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

/** A document with the digest of its own canonical text (keys sorted), so that an edit shows. */
export function withDigest<T extends { digest: string }>(sha256: Sha256, doc: Omit<T, 'digest'>): T {
  return { ...doc, digest: sha256(canonical(doc)) } as T;
}

export function digestHolds(sha256: Sha256, doc: { digest: string }): boolean {
  const { digest, ...rest } = doc;
  return sha256(canonical(rest)) === digest;
}

/** JSON text that does not depend on the order of keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return v;
    const sorted: Record<string, unknown> = {};
    for (const key of Object.keys(v).sort()) sorted[key] = (v as Record<string, unknown>)[key];
    return sorted;
  });
}
