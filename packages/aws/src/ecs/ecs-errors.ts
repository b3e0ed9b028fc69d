// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError } from '@stint/core/base';
import type { ErrorCode } from '@stint/core';

/**
 * Errors of the ECS, EC2 and CloudWatch Logs clients by name (ThrottlingException is not modelled: it comes as the base
 * class, with HTTP 400). What is not here is judged by its HTTP status.
 */
const byName: Readonly<Record<string, [ErrorCode, string]>> = {
  ThrottlingException: ['RESOURCE_EXHAUSTED', 'THROTTLED'],
  Throttling: ['RESOURCE_EXHAUSTED', 'THROTTLED'],
  RequestLimitExceeded: ['RESOURCE_EXHAUSTED', 'THROTTLED'],
  TooManyRequestsException: ['RESOURCE_EXHAUSTED', 'THROTTLED'],
  AccessDeniedException: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  AccessDenied: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  UnauthorizedOperation: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  UnrecognizedClientException: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  InvalidClientTokenId: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  ExpiredTokenException: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  SignatureDoesNotMatch: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  // As the JSON services say it.
  InvalidSignatureException: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  // As EC2 says it.
  AuthFailure: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  OptInRequired: ['PERMISSION_DENIED', 'ACCESS_DENIED'],
  CredentialsProviderError: ['PERMISSION_DENIED', 'NO_CREDENTIALS'],
  ClusterNotFoundException: ['NOT_FOUND', 'CLUSTER_NOT_FOUND'],
  ResourceNotFoundException: ['NOT_FOUND', 'NOT_FOUND'],
  InvalidParameterException: ['INVALID_ARGUMENT', 'INVALID_PARAMETER'],
  ValidationException: ['INVALID_ARGUMENT', 'INVALID_PARAMETER'],
  SerializationException: ['INVALID_ARGUMENT', 'INVALID_PARAMETER'],
  ClientException: ['FAILED_PRECONDITION', 'CLIENT_EXCEPTION'],
  LimitExceededException: ['RESOURCE_EXHAUSTED', 'LIMIT_EXCEEDED'],
  UpdateInProgressException: ['UNAVAILABLE', 'SERVICE_UNAVAILABLE'],
  UnsupportedFeatureException: ['INVALID_ARGUMENT', 'UNSUPPORTED'],
  PlatformUnknownException: ['INVALID_ARGUMENT', 'UNSUPPORTED'],
  PlatformTaskDefinitionIncompatibilityException: ['INVALID_ARGUMENT', 'UNSUPPORTED'],
  BlockedException: ['PERMISSION_DENIED', 'ACCOUNT_BLOCKED'],
  ServerException: ['UNAVAILABLE', 'SERVICE_UNAVAILABLE'],
  TimeoutError: ['DEADLINE_EXCEEDED', 'TIMED_OUT'],
};

export const howToLogIn =
  'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with the AWS CLI.';

interface SdkError {
  name: string;
  message: string;
  $metadata?: { httpStatusCode?: number; requestId?: string; clockSkewCorrected?: boolean };
}

/** What the SDK could not read: a page of a proxy, or half an answer. Nothing follows from it, whatever its status is. */
const unreadable = ({ name, message }: SdkError): boolean =>
  name === 'SyntaxError' || name === 'Unknown' || /XML parse error/.test(message);

function judge(error: SdkError): readonly [ErrorCode, string] {
  const { httpStatusCode: status, clockSkewCorrected } = error.$metadata ?? {};
  // Only this machine's clock was wrong; the SDK has learnt the time from the answer, and signs the next call with it.
  if (clockSkewCorrected === true) return ['UNAVAILABLE', 'CLOCK_WRONG'];
  if (unreadable(error)) return ['UNAVAILABLE', 'UNREADABLE'];
  const known = byName[error.name];
  if (known) return known;
  if (status === undefined || status >= 500) return ['UNAVAILABLE', 'SERVICE_UNAVAILABLE'];
  if (status === 401 || status === 403) return ['PERMISSION_DENIED', 'ACCESS_DENIED'];
  if (status === 408) return ['DEADLINE_EXCEEDED', 'TIMED_OUT'];
  if (status === 429) return ['RESOURCE_EXHAUSTED', 'THROTTLED'];
  return status >= 400 ? ['FAILED_PRECONDITION', 'REFUSED'] : ['INTERNAL', 'UNEXPECTED'];
}

/** An SDK error as the AppError of the port; `what` names the call. */
export function toEcsError(e: unknown, what: string): AppError {
  if (isAppError(e)) return e;
  const error = e as SdkError;
  const status = error.$metadata?.httpStatusCode;
  const [code, reason] = judge(error);
  const said =
    reason === 'UNREADABLE' && status !== undefined
      ? `its answer (HTTP ${status}) is none of AWS: ${error.message.split('\n')[0]}`
      : `${error.name}: ${error.message}`;
  return new AppError(code, reason, `${what}: ${said}`, {
    cause: e,
    details: {
      name: error.name,
      message: error.message,
      status: status ?? null,
      requestId: error.$metadata?.requestId ?? null,
    },
    ...(code === 'PERMISSION_DENIED' && {
      hint:
        reason === 'NO_CREDENTIALS'
          ? howToLogIn
          : 'Compare the permissions with docs/executor.md; `stint doctor` shows what is missing.',
    }),
    ...(code === 'UNAVAILABLE' && {
      hint:
        reason === 'UNREADABLE'
          ? 'Look at a proxy and at AWS_ENDPOINT_URL, then try again.'
          : 'Try again; `stint doctor` shows whether AWS can be reached.',
    }),
  });
}

/** The service's own name for an error of ours; '' where it has none. */
export function nameOfError(e: AppError): string {
  const name = e.info.details?.['name'];
  return typeof name === 'string' ? name : '';
}

/** The service's own words. */
export function wordsOfError(e: AppError): string {
  const message = e.info.details?.['message'];
  return typeof message === 'string' ? message : e.message;
}
