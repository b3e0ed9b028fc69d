// SPDX-License-Identifier: Apache-2.0

/** Class of a failure. What each means for retry and exit code: docs/errors.md. */
export type ErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'INVALID_ARGUMENT'
  | 'FAILED_PRECONDITION'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL';

export interface ErrorInfo {
  /** What a person can do next. */
  hint?: string | undefined;
  details?: Record<string, unknown> | undefined;
  /** The other side asked to wait this long, in ms. */
  retryAfterMs?: number | undefined;
  /**
   * Only for failed model calls: `none` = certainly not billed (never sent, or answered 4xx, 429, 5xx),
   * `unknown` = may have been billed (connection lost, time-out, unreadable answer). Absent counts as `unknown`.
   */
  charge?: 'none' | 'unknown' | undefined;
  cause?: unknown;
}

/** Base of every error that crosses a port. `code` and `reason` are API; `message` is prose and may change. */
export class AppError extends Error {
  override readonly name: string = 'AppError';
  readonly code: ErrorCode;
  readonly reason: string;
  readonly info: ErrorInfo;

  constructor(code: ErrorCode, reason: string, message: string, info: ErrorInfo = {}) {
    super(message, { cause: info.cause });
    this.code = code;
    this.reason = reason;
    this.info = info;
  }
}

const mark = Symbol.for('stint.AppError');
Object.defineProperty(AppError.prototype, mark, { value: true });

/** True for an AppError of any copy of this package. */
export function isAppError(e: unknown): e is AppError {
  return typeof e === 'object' && e !== null && mark in e;
}

/** Any thrown thing as an AppError; what is not one yet becomes INTERNAL with its cause. */
export function toAppError(e: unknown): AppError {
  if (isAppError(e)) return e;
  const message = e instanceof Error ? e.message : String(e);
  return new AppError('INTERNAL', 'UNEXPECTED', message, { cause: e });
}
