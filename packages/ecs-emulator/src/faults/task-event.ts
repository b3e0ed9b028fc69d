// SPDX-License-Identifier: Apache-2.0

export const PULL_ERRORS = ['notFound', 'denied', 'rateLimited', 'architecture', 'noSpace'] as const;
export const NO_CAPACITY = ['insufficient', 'vcpuQuota', 'timeout'] as const;
export type PullError = (typeof PULL_ERRORS)[number];
export type NoCapacity = (typeof NO_CAPACITY)[number];

/** What the fault script has in store for a task; decided when the task is made. */
export interface TaskEvent {
  at: 'PROVISIONING' | 'PENDING' | 'RUNNING';
  /** Real ms after the task came to `at`. */
  afterMs: number;
  event:
    | 'spotReclaim'
    | 'hostLost'
    | 'pullError'
    | 'stuck'
    | 'outOfMemory'
    | 'resourceInit'
    | 'badCommand'
    | 'noCapacity'
    | 'vanish';
  exitCode: number | null;
  kind: PullError | NoCapacity | null;
}
