// SPDX-License-Identifier: Apache-2.0
import type { TaskDocument } from '@stint/core';

/** Exit code of `task run` and `task wait`: the container's own, or the contract's (docs/executor.md). */
export function exitCodeOfTask({ outcome }: Pick<TaskDocument, 'outcome'>): number {
  switch (outcome?.code) {
    case 'COMPLETED':
    case 'NONZERO_EXIT':
    case 'OUT_OF_MEMORY':
    case 'BAD_COMMAND':
      return outcome.exitCode ?? 125;
    case 'CANCELED':
      return 130;
    case 'TIME_LIMIT':
      return 124;
    case 'QUOTA_EXCEEDED':
      return 5;
    case 'ACCESS_DENIED':
      return 3;
    default:
      return 125;
  }
}

/** Exit code of a task command that was refused or failed before a task existed. */
export function exitCodeOfTaskError(e: { code: string; reason: string }): number {
  switch (e.code) {
    case 'INVALID_ARGUMENT':
    case 'UNIMPLEMENTED':
      return 2;
    case 'PERMISSION_DENIED':
      return 3;
    case 'FAILED_PRECONDITION':
      // What the configuration names is not as it must be; all else is a task in another state than asked.
      return e.reason.startsWith('CLUSTER_') || e.reason === 'NO_ENGINE' || e.reason === 'NEWER_FORMAT' ? 2 : 4;
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
      return 4;
    case 'RESOURCE_EXHAUSTED':
      // A limit of the account does not pass by waiting, as a throttled call does.
      return e.reason === 'LIMIT_EXCEEDED' ? 5 : 6;
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return 6;
    case 'CANCELED':
      return 130;
    default:
      return 70;
  }
}
