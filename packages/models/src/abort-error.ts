// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError } from '@stint/core';
import type { ErrorInfo } from '@stint/core';

/** What an aborted call rejects with: TIMEOUT where the signal's reason says so, else ABORTED. */
export function abortError(reason: unknown, sent: boolean): AppError {
  const info: ErrorInfo = { charge: sent ? 'unknown' : 'none', cause: reason };
  if (isAppError(reason) && reason.code === 'DEADLINE_EXCEEDED') {
    return new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', reason.message, info);
  }
  return new AppError('CANCELED', 'ABORTED', 'the call was aborted', info);
}

/** What a call to a closed provider rejects with. */
export function closedError(): AppError {
  return new AppError('CANCELED', 'ABORTED', 'the provider was closed', { charge: 'none' });
}
