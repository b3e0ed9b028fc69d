// SPDX-License-Identifier: Apache-2.0
import { toAppError } from '@stint/core/base';
import type { ErrorBody } from '../commands.ts';
import { exitCodeOfTaskError } from './task-exit-codes.ts';

/** A command of container tasks that was refused, as its result. */
export function refusedTask(e: unknown): { exitCode: number; body: { error: ErrorBody } } {
  const { code, reason, message, info } = toAppError(e);
  const error = { code, reason, message, hint: info.hint ?? null, details: info.details ?? null };
  return { exitCode: exitCodeOfTaskError(error), body: { error } };
}
