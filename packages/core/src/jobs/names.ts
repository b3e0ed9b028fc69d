// SPDX-License-Identifier: Apache-2.0
import { batchKeyPattern, rejectsKeyPattern } from '../formats/shard-checkpoint.ts';

const pad = (n: number, width: number): string => String(n).padStart(width, '0');

/** `outputs/batch-<epoch:06>-<seq:09>-<first 16 of sha256>.jsonl`: never reused, and an orphan proves itself. */
export function batchKey(epoch: number, seq: number, sha256: string): string {
  return `outputs/batch-${pad(epoch, 6)}-${pad(seq, 9)}-${sha256.slice(0, 16)}.jsonl`;
}

export function rejectsKey(epoch: number, seq: number, sha256: string): string {
  return `rejects/rejects-${pad(epoch, 6)}-${pad(seq, 9)}-${sha256.slice(0, 16)}.jsonl`;
}

export function parseBatchKey(key: string): { epoch: number; seq: number; sha256Start: string } | null {
  const m = batchKeyPattern.exec(key) ?? rejectsKeyPattern.exec(key);
  return m ? { epoch: Number(m[1]), seq: Number(m[2]), sha256Start: m[3] ?? '' } : null;
}
