// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import type { ErrorCode } from '@stint/core';

interface Row {
  code: ErrorCode;
  reason: string;
  charge?: 'none' | 'unknown';
  hint?: string;
}

const THROTTLED: Row = { code: 'RESOURCE_EXHAUSTED', reason: 'THROTTLED' };
const PROVIDER_ERROR: Row = { code: 'UNAVAILABLE', reason: 'PROVIDER_ERROR' };
const BAD_REQUEST: Row = { code: 'INVALID_ARGUMENT', reason: 'BAD_REQUEST' };
const FILTERED: Row = { code: 'INVALID_ARGUMENT', reason: 'CONTENT_FILTERED' };
const CONNECT_FAILED: Row = { code: 'UNAVAILABLE', reason: 'CONNECT_FAILED' };
const LOST: Row = { code: 'UNAVAILABLE', reason: 'CONNECTION_LOST', charge: 'unknown' };
const BAD_ANSWER: Row = { code: 'UNAVAILABLE', reason: 'BAD_ANSWER', charge: 'unknown' };
const MODEL_UNKNOWN: Row = {
  code: 'NOT_FOUND',
  reason: 'MODEL_UNKNOWN',
  hint: 'Check the model id and the region; some models are called by their inference profile (us.…, eu.…).',
};
const DENIED: Row = {
  code: 'PERMISSION_DENIED',
  reason: 'ACCESS_DENIED',
  hint: 'Check the AWS credentials, bedrock:InvokeModel, and whether the account has access to this model.',
};

/** By the name of the exception, which goes before its status. */
const BY_NAME: Readonly<Record<string, Row>> = {
  ThrottlingException: THROTTLED,
  TooManyRequestsException: THROTTLED,
  ServiceQuotaExceededException: THROTTLED,
  // Not billed: the model was not ready, or ended before it answered.
  ModelNotReadyException: PROVIDER_ERROR,
  ModelTimeoutException: PROVIDER_ERROR,
  ModelErrorException: PROVIDER_ERROR,
  ModelStreamErrorException: PROVIDER_ERROR,
  InternalServerException: PROVIDER_ERROR,
  ServiceUnavailableException: PROVIDER_ERROR,
  ValidationException: BAD_REQUEST,
  ConflictException: BAD_REQUEST,
  ResourceNotFoundException: MODEL_UNKNOWN,
  AccessDeniedException: DENIED,
  UnrecognizedClientException: DENIED,
  InvalidSignatureException: DENIED,
  SignatureDoesNotMatch: DENIED,
  ExpiredTokenException: DENIED,
  ExpiredToken: DENIED,
  InvalidClientTokenId: DENIED,
  MissingAuthenticationTokenException: DENIED,
  IncompleteSignature: DENIED,
  OptInRequired: DENIED,
  // Thrown here, before anything is sent.
  CredentialsProviderError: DENIED,
  TokenProviderError: DENIED,
};

/** Where the exception is not known by name. */
function byStatus(status: number): Row | undefined {
  if (status >= 200 && status < 300) return BAD_ANSWER;
  if (status === 429) return THROTTLED;
  if (status === 401 || status === 403) return DENIED;
  if (status === 404) return MODEL_UNKNOWN;
  if (status === 408 || status >= 500) return PROVIDER_ERROR;
  return status >= 300 ? BAD_REQUEST : undefined;
}

/** What a ValidationException says in its text only. */
const BY_TEXT: readonly [RegExp, Row][] = [
  [/model identifier is invalid|model.{0,40}(?:not found|doesn.t exist|end of its life)/i, MODEL_UNKNOWN],
  [/on-demand throughput isn.t supported|inference profile/i, MODEL_UNKNOWN],
  [/content (?:filter|polic)|blocked by/i, FILTERED],
];

/** Never sent: no address, refused, no route, or the secure channel did not come about. */
const NOT_SENT =
  /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|ERR_TLS_|ERR_PROXY_|ERR_SSL_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

interface AwsError {
  name?: string;
  message?: string;
  code?: string;
  cause?: { code?: string };
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string> };
}

/** Whatever the SDK throws, as the port's error. What was answered with an error was not billed. */
export function bedrockError(thrown: unknown): AppError {
  const e = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as AwsError;
  const row = rowOf(e);
  const status = e.$metadata?.httpStatusCode;
  const said = (e.message ?? '').split('\n')[0]?.slice(0, 500) ?? '';
  return new AppError(row.code, row.reason, `bedrock: ${e.name ?? 'error'}: ${said}`, {
    cause: thrown,
    charge: row.charge ?? 'none',
    hint: row.hint,
    retryAfterMs: retryAfter(e.$response?.headers?.['retry-after']),
    details: status === undefined ? undefined : { status },
  });
}

function rowOf(e: AwsError): Row {
  const known = Object.hasOwn(BY_NAME, e.name ?? '') ? BY_NAME[e.name ?? ''] : undefined;
  if (known === BAD_REQUEST) return BY_TEXT.find(([pattern]) => pattern.test(e.message ?? ''))?.[1] ?? known;
  if (known) return known;
  const code = e.code ?? e.cause?.code ?? '';
  // The handler's own limit on the time to connect.
  if (NOT_SENT.test(code) || /did not establish a connection/i.test(e.message ?? '')) return CONNECT_FAILED;
  const status = e.$metadata?.httpStatusCode;
  if (e instanceof SyntaxError) return BAD_ANSWER;
  return (status === undefined ? undefined : byStatus(status)) ?? LOST;
}

function retryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && header !== '' && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
