// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import type { ErrorCode, ErrorInfo } from '@stint/core';
import { badAnswer } from './openai-answer.ts';

interface Row {
  code: ErrorCode;
  reason: string;
  hint?: string;
}

const THROTTLED: Row = { code: 'RESOURCE_EXHAUSTED', reason: 'THROTTLED' };
const PROVIDER_ERROR: Row = { code: 'UNAVAILABLE', reason: 'PROVIDER_ERROR' };
const BAD_REQUEST: Row = {
  code: 'INVALID_ARGUMENT',
  reason: 'BAD_REQUEST',
  hint: 'The request has what the job file and the template say: its model, max_tokens, temperature, extra_body, schema.',
};
const FILTERED: Row = { code: 'INVALID_ARGUMENT', reason: 'CONTENT_FILTERED' };
const NO_MODEL: Row = {
  code: 'NOT_FOUND',
  reason: 'MODEL_UNKNOWN',
  hint: 'Check the model id and base_url; a wrong path looks the same.',
};
const DENIED: Row = { code: 'PERMISSION_DENIED', reason: 'ACCESS_DENIED', hint: 'Check the API key for this host.' };
const PAYMENT: Row = {
  code: 'PERMISSION_DENIED',
  reason: 'PAYMENT_REQUIRED',
  hint: 'Check the billing of this account.',
};
const NO_QUOTA: Row = {
  code: 'PERMISSION_DENIED',
  reason: 'QUOTA_EXHAUSTED',
  hint: 'The account has no credit or quota left; waiting does not help.',
};
const TOKEN_FIELD = 'Set token_field: max_completion_tokens for this model in the job file.';
const REDIRECT: Row = { ...BAD_REQUEST, hint: 'A redirect is never followed; set base_url to where it leads.' };

/** By HTTP status; other 4xx are BAD_REQUEST, 5xx PROVIDER_ERROR, 3xx refused. */
const BY_STATUS: Readonly<Record<number, Row>> = {
  401: DENIED,
  402: PAYMENT,
  403: DENIED,
  404: NO_MODEL,
  408: PROVIDER_ERROR,
  409: PROVIDER_ERROR,
  425: PROVIDER_ERROR,
  429: THROTTLED,
};

/** By `error.code` or `error.type` of a 4xx body: goes before the status. */
const BY_ERROR_CODE: Readonly<Record<string, Row>> = {
  insufficient_quota: NO_QUOTA,
  billing_hard_limit_reached: NO_QUOTA,
  billing_not_active: NO_QUOTA,
  insufficient_balance: NO_QUOTA,
  model_not_found: NO_MODEL,
  content_filter: FILTERED,
  content_policy_violation: FILTERED,
};

/** An answer that is no 2xx, as an error. Nothing was billed. */
export function statusError(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  apiKey: string | undefined,
  nowMs = Date.now(),
): AppError {
  const told = readErrorBody(body);
  const known = status >= 400 && status < 500 ? told.codes.map((c) => BY_ERROR_CODE[c]).find((r) => r) : undefined;
  const row =
    known ??
    BY_STATUS[status] ??
    (status >= 500 ? PROVIDER_ERROR : status >= 400 || status < 300 ? BAD_REQUEST : REDIRECT);
  const words = redact(told.message, apiKey).slice(0, 300);
  const message = words === '' ? '' : `: ${words}`;
  const code = told.codes[0] === undefined ? null : redact(told.codes[0], apiKey).slice(0, 100);
  const hint = row === BAD_REQUEST && told.message.includes('max_completion_tokens') ? TOKEN_FIELD : row.hint;
  const info: ErrorInfo = { charge: 'none', hint, details: { status, provider_code: code } };
  info.retryAfterMs = retryAfterMs(headers, nowMs);
  return new AppError(row.code, row.reason, `the provider answered ${status}${message}`, info);
}

/** The error that a provider put into a 200, in its words; '' = none. */
export function errorInAnswer(body: string, apiKey: string | undefined): string {
  return redact(readErrorBody(body).message, apiKey).slice(0, 300);
}

function readErrorBody(body: string): { message: string; codes: string[] } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { message: body.startsWith('<') ? '' : body, codes: [] };
  }
  const outer = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  const inner = outer['error'];
  if (typeof inner === 'string') return { message: inner, codes: [] };
  const error = (typeof inner === 'object' && inner !== null ? inner : outer) as Record<string, unknown>;
  const text = (key: string): string => (typeof error[key] === 'string' ? error[key] : '');
  return { message: text('message'), codes: [text('code'), text('type')].filter((c) => c !== '') };
}

/** On one line, without keys: providers quote the one that they refuse. */
function redact(text: string, apiKey: string | undefined): string {
  const known = apiKey === undefined || apiKey === '' ? text : text.replaceAll(apiKey, '[key]');
  return known.replace(/\bsk-[\w*.-]{4,}/g, '[key]').replace(/\s+/g, ' ');
}

/** `retry-after-ms`, or `retry-after` in seconds or as an HTTP date; undefined where neither can be read. */
export function retryAfterMs(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  nowMs: number,
): number | undefined {
  const ms = headers['retry-after-ms'];
  if (typeof ms === 'string' && /^\d+(\.\d+)?$/.test(ms)) return Math.ceil(Number(ms));
  const after = headers['retry-after'];
  if (typeof after !== 'string') return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(after)) return Math.ceil(Number(after) * 1000);
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const UNREADABLE = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);
const CLOSED = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);
const REFUSED_HERE = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);

/**
 * A failure of the transport. What decides the charge is whether the request had begun to be written (`sent`): before
 * that nothing can have been billed, whatever went wrong; after it nobody knows.
 */
export function transportError(error: unknown, sent: boolean, origin: string): AppError {
  const code = codeOf(error);
  const charge = sent ? 'unknown' : 'none';
  const info: ErrorInfo = { charge, cause: error, details: { transport_code: code } };
  if (CLOSED.has(code)) return new AppError('CANCELED', 'ABORTED', 'the provider was closed', info);
  if (REFUSED_HERE.has(code)) {
    return new AppError('INVALID_ARGUMENT', 'BAD_REQUEST', 'the request could not be put into words', info);
  }
  if (!sent) {
    info.hint = 'Check base_url, and that the service is running.';
    return new AppError('UNAVAILABLE', 'CONNECT_FAILED', `no connection to ${origin} (${code})`, info);
  }
  if (TIMEOUTS.has(code)) return new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', 'the provider did not answer', info);
  if (UNREADABLE.has(code) || code.startsWith('HPE_')) return badAnswer(`what is no HTTP answer (${code})`, error);
  return new AppError('UNAVAILABLE', 'CONNECTION_LOST', `the connection to ${origin} was lost (${code})`, info);
}

/** Node hides the code of a failed connection to several addresses in the first of its errors. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'UNKNOWN';
  const { name, code, errors, cause } = error as { name?: unknown; code?: unknown; errors?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  // undici leaves the code out where its parser tells none.
  if (name === 'HTTPParserError') return 'HPE_UNKNOWN';
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return cause === undefined ? 'UNKNOWN' : codeOf(cause);
}
