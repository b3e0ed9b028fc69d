// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError, toAppError } from '@stint/core';
import { isSystemError, toFileError } from '@stint/local';
import { errorBody } from './commands.ts';
import type { CommandResult } from './commands.ts';
import { exitCodeOfError } from './exit-codes.ts';

/** Turns what a command throws into its body and exit code; only what is neither AppError nor a failing file is our fault. */
export async function asResult<T>(run: () => Promise<CommandResult<T>>): Promise<CommandResult<T>> {
  try {
    return await run();
  } catch (e) {
    const error = isSystemError(e)
      ? toFileError(e, `${e.syscall} ${e.path ?? 'a file'}`)
      : (missingPart(e) ?? toAppError(e));
    return { exitCode: exitCodeOfError(error), body: { error: errorBody(error) } };
  }
}

/** What a checkpoint or the call log names and the folder has not. */
function missingPart(e: unknown): AppError | null {
  if (!isAppError(e) || e.reason !== 'OBJECT_NOT_FOUND') return null;
  const file = e.info.details?.['key'];
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${String(file)} is missing in the job’s folder`, {
    cause: e,
    hint: '`stint verify` names all that is damaged; restore it from a copy of the folder.',
    details: { file },
  });
}
