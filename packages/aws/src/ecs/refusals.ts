// SPDX-License-Identifier: Apache-2.0
import type { Failure } from '@aws-sdk/client-ecs';
import type { AppError, StartRefusal } from '@stint/core';
import { nameOfError, wordsOfError } from './ecs-errors.ts';

/** `failures[].reason` of RunTask, and what ClientException says, as ECS words them; first match counts. */
const texts: readonly [pattern: RegExp, kind: StartRefusal['kind']][] = [
  // Deregistered since the request was made: a new request names a new revision.
  [/TaskDefinition (?:is inactive|not found)/i, 'stale'],
  // Typographic apostrophe in AWS's own text: matched on what follows it.
  [/limit on the number of vCPUs|VcpuLimitExceeded|MaxSpotInstanceCountExceeded/i, 'quota'],
  [/PROVISIONING/i, 'quota'],
  [
    /^RESOURCE:|^AGENT|Capacity is unavailable|InsufficientInstanceCapacity|UnfulfillableCapacity|EMPTY CAPACITY PROVIDER/i,
    'capacity',
  ],
  [/^ATTRIBUTE|^LOCATION|^INACTIVE|MemberOf/i, 'invalid'],
  [/AccessDenied|not authorized/i, 'access'],
];

/** A refusal told with HTTP 200. */
export function refusalOfFailure(failure: Failure): StartRefusal {
  const reason = failure.reason ?? 'unknown';
  const kind = texts.find(([pattern]) => pattern.test(reason))?.[1] ?? 'capacity';
  const message = [reason, failure.detail].filter((t) => t !== undefined && t !== '').join(': ');
  return { kind, code: reason.slice(0, 80), message, raw: { ...failure } };
}

/** A refusal told as an error; null: it is no definite one. */
export function refusalOfError(e: AppError): StartRefusal | null {
  const name = nameOfError(e) || e.reason;
  const said = wordsOfError(e);
  const raw = { name, message: said };
  switch (e.code) {
    case 'PERMISSION_DENIED':
      return { kind: 'access', code: name, message: said, raw };
    case 'INVALID_ARGUMENT':
    case 'NOT_FOUND':
      return { kind: 'invalid', code: name, message: said, raw };
    case 'RESOURCE_EXHAUSTED':
      return e.reason === 'LIMIT_EXCEEDED' ? { kind: 'quota', code: name, message: said, raw } : null;
    case 'FAILED_PRECONDITION': {
      const kind = texts.find(([pattern]) => pattern.test(said))?.[1] ?? 'invalid';
      return { kind, code: name, message: said, raw };
    }
    default:
      return null;
  }
}
