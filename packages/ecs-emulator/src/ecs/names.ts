// SPDX-License-Identifier: Apache-2.0
import type { Failure } from './types.ts';

/** Letters, digits, `_` and `-`: names of families, containers, clusters, providers and volumes. */
export const isName = (text: string | undefined): boolean => /^[A-Za-z0-9_-]{1,255}$/.test(text ?? '');

/** A member of `failures` in an answer. */
export const failure = (arn: string, reason: string, detail?: string): Failure => ({
  arn,
  reason,
  ...(detail !== undefined && { detail }),
});
/** What is not there, or not to be seen. */
export const missing = (arn: string): Failure => failure(arn, 'MISSING');
