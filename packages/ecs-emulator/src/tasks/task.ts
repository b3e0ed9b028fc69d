// SPDX-License-Identifier: Apache-2.0
import type { ContainerExit } from '@stint/core';
import type { Instance } from '../capacity/instance.ts';
import type { Constraint } from '../capacity/constraint.ts';
import type { ManagedProvider } from '../capacity/provider.ts';
import type { Cluster } from '../ecs/cluster.ts';
import type { TaskSize } from '../ecs/sizes.ts';
import type { TaskDefinition } from '../ecs/task-definition.ts';
import type { ContainerDefinition, ContainerOverride, ManagedEbsVolume, Tag, TaskOverride } from '../ecs/types.ts';
import type { TaskEvent } from '../faults/task-event.ts';

export type TaskStatus =
  'PROVISIONING' | 'PENDING' | 'ACTIVATING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING' | 'DEPROVISIONING' | 'STOPPED';

export type StopCode =
  | 'TaskFailedToStart'
  | 'EssentialContainerExited'
  | 'UserInitiated'
  | 'SpotInterruption'
  | 'TerminationNotice'
  | 'InfrastructureHealth';

/** Where a task runs. A Fargate task started by launch type has no provider. */
export type Capacity =
  | { kind: 'fargate'; spot: boolean; providerName: string | null; platformVersion: string }
  | { kind: 'managed'; spot: boolean; provider: ManagedProvider };

export interface TaskContainer {
  readonly index: number;
  readonly definition: ContainerDefinition;
  readonly override: ContainerOverride | undefined;
  status: 'PENDING' | 'RUNNING' | 'STOPPED';
  /** Name in the container engine; null = not there. */
  handle: string | null;
  /** `start` of the engine was called; it may not have answered yet. */
  asked: boolean;
  /** Began to run, whatever became of it. */
  started: boolean;
  healthy: boolean;
  /** null: never ran, or the outcome is unknown. */
  exitCode: number | null;
  reason: string | null;
  /** Ended while the fault script keeps its task stuck: not told to anyone yet. */
  heldExit: ContainerExit | null;
}

/** Epoch ms, real time. */
export interface TaskTimes {
  createdAt: number;
  connectivityAt?: number;
  pullStartedAt?: number;
  pullStoppedAt?: number;
  startedAt?: number;
  stoppingAt?: number;
  executionStoppedAt?: number;
  stoppedAt?: number;
}

export interface Task {
  readonly id: string;
  readonly arn: string;
  /** Order of creation, in the whole emulator. */
  readonly ordinal: number;
  readonly cluster: Cluster;
  readonly definition: TaskDefinition;
  readonly capacity: Capacity;
  readonly size: TaskSize;
  readonly overrides: TaskOverride;
  readonly constraints: readonly Constraint[];
  readonly distinctInstance: boolean;
  readonly group: string;
  readonly startedBy: string | undefined;
  readonly enableExecuteCommand: boolean;
  readonly subnet: string | null;
  readonly ebs: { volumeName: string; id: string; volume: ManagedEbsVolume } | null;
  readonly event: TaskEvent | null;
  readonly containers: readonly TaskContainer[];
  readonly times: TaskTimes;
  availabilityZone: string | null;
  tags: Tag[];
  status: TaskStatus;
  desired: 'RUNNING' | 'STOPPED';
  version: number;
  stopCode: StopCode | null;
  stoppedReason: string | null;
  instance: Instance | null;
  /** Monotonic ms until which no call sees it; 0 = seen. */
  hiddenUntil: number;
  /** Cancels the next step that waits. */
  cancelStep: (() => void) | null;
  /** The fault script holds it where it is, until it is stopped from outside. */
  stuck: boolean;
}

/** Its host is its own: a fault that takes the host must take no other task. */
export const hostIsLost = (task: Task): boolean =>
  task.event?.event === 'hostLost' || (task.event?.event === 'spotReclaim' && task.capacity.kind === 'managed');

export const providerNameOf = (capacity: Capacity): string | null =>
  capacity.kind === 'managed' ? capacity.provider.name : capacity.providerName;
