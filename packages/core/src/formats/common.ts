// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { AppError } from '../errors.ts';

/** Count of things, >= 0. */
export const count = z.int().min(0);
/** Integer nano-dollars. */
export const nanoUsd = z.int().min(0);
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
/** A path below some folder: no `..`, nothing absolute, no empty part. */
export const innerPath = z.string().regex(/^(?!\.\.(?:\/|$))[^/\\\0]+(?:\/(?!\.\.(?:\/|$))[^/\\\0]+)*$/);
/** Inclusive range of record indices. */
export const indexRange = z.tuple([count, count]);

/**
 * Reads a stored document, refusing what a newer stint wrote and what does not fit its schema.
 * @param kind - for example `stint.job`; the document says `"schema": "stint.job/1"`.
 * @throws AppError FAILED_PRECONDITION/NEWER_FORMAT, FAILED_PRECONDITION/DAMAGED
 */
export function readDocument<T>(schema: z.ZodType<T>, kind: string, version: number, where: string, value: unknown): T {
  const said = typeof value === 'object' && value !== null ? (value as { schema?: unknown }).schema : undefined;
  const found = typeof said === 'string' && said.startsWith(`${kind}/`) ? Number(said.slice(kind.length + 1)) : NaN;
  if (found > version) {
    throw new AppError(
      'FAILED_PRECONDITION',
      'NEWER_FORMAT',
      `${where} was written by a newer stint (${String(said)})`,
      { hint: 'Upgrade stint, then run the command again.', details: { file: where, schema: said } },
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  throw new AppError(
    'FAILED_PRECONDITION',
    'DAMAGED',
    `${where} is not a valid ${kind} document: ${first ? `${first.path.join('.')}: ${first.message}` : 'unreadable'}`,
    { hint: 'Run `stint verify` on the folder; restore the file from a copy.', details: { file: where } },
  );
}
