// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError } from '@stint/core/base';
import type { ErrorCode } from '@stint/core';

/**
 * Errors of the ECS, EC2 and CloudWatch Logs clients by name (ThrottlingException is not modelled: it comes as the base
 * class, with HTTP 400). What is not here is UNAVAILABLE where nobody answered or the service failed, else INTERNAL.
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
  CredentialsProviderError: ['PERMISSION_DENIED', 'NO_CREDENTIALS'],
  ClusterNotFoundException: ['NOT_FOUND', 'CLUSTER_NOT_FOUND'],
  ResourceNotFoundException: ['NOT_FOUND', 'NOT_FOUND'],
  InvalidParameterException: ['INVALID_ARGUMENT', 'INVALID_PARAMETER'],
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

interface SdkError {
  name: string;
  message: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
}

/** An SDK error as the AppError of the port; `what` names the call. */
export function toEcsError(e: unknown, what: string): AppError {
  if (isAppError(e)) return e;
  const error = e as SdkError;
  const status = error.$metadata?.httpStatusCode;
  const known =
    byName[error.name] ??
    (status === undefined || status >= 500 ? (['UNAVAILABLE', 'SERVICE_UNAVAILABLE'] as const) : null);
  const [code, reason] = known ?? (['INTERNAL', 'UNEXPECTED'] as const);
  return new AppError(code, reason, `${what}: ${error.name}: ${error.message}`, {
    cause: e,
    details: {
      name: error.name,
      message: error.message,
      status: status ?? null,
      requestId: error.$metadata?.requestId ?? null,
    },
    ...(code === 'PERMISSION_DENIED' && {
      hint: 'Compare the permissions with docs/executor.md; `stint doctor` shows what is missing.',
    }),
    ...(code === 'UNAVAILABLE' && { hint: 'Try again; `stint doctor` shows whether AWS can be reached.' }),
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
