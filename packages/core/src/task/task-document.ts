// SPDX-License-Identifier: Apache-2.0
import type { LeaseOwner } from '../ports/job-store.ts';
import type { Outcome } from './outcome-codes.ts';
import type { Placement } from './offers.ts';
import type { AttemptState, TaskState } from './states.ts';
import type { TaskSpec } from './task-spec.ts';

/** Which backend a task belongs to, so that it can be looked after without any configuration file. */
export type ComputeTarget =
  | { compute: 'ecs'; region: string; clusterArn: string }
  | { compute: 'container'; engine: string }
  | { compute: 'process' };

/** Where an attempt ran; null where the backend does not say. */
export interface WhereItRan {
  provider: string | null;
  zone: string | null;
  instanceId: string | null;
  instanceType: string | null;
}

/** Who looks after a task. The epoch grows with each change of hands, so a write of an earlier one is recognised. */
export interface TaskOwner extends LeaseOwner {
  epoch: number;
}

/** Why a request or an attempt was stopped by us. */
export type StopWhy = 'cancel' | 'timeLimit' | 'startDeadline';

/** A request that was definitely refused. */
export interface RefusedSubmission {
  submission: number;
  offer: string;
  market: 'spot' | 'onDemand';
  kind: 'capacity' | 'quota' | 'invalid' | 'access' | 'stale';
  code: string;
  message: string;
  atMs: number;
}

/** One try of placing and running a task. */
export interface Attempt {
  /** From 1. */
  number: number;
  state: AttemptState;
  placement: Placement;
  /** From 1; grows with each definite refusal. */
  submission: number;
  clientToken: string;
  /** The whole request as it is sent; null once it can't be sent again: it was refused, or a handle is known. */
  request: string | null;
  /** The backend's own notes of the attempt. */
  notes: Readonly<Record<string, string>>;
  /** When this submission was first sent (stored before it was), epoch ms. */
  firstSentAtMs: number;
  /** When the attempt was begun, with its first submission; the start deadline counts from here. */
  createdAtMs: number;
  /** Refusals of earlier submissions, the last ten: they are no attempts. */
  refusals: RefusedSubmission[];
  handle: string | null;
  /** The backend knew it at least once. */
  seen: boolean;
  /** Backend's own word for its state. */
  rawStatus: string | null;
  startedAtMs: number | null;
  endedAtMs: number | null;
  where: WhereItRan | null;
  /** A stop that we wish for; `sentAtMs` once the backend took it. */
  stop: { why: StopWhy; wishedAtMs: number; sentAtMs: number | null } | null;
  outcome: Outcome | null;
  /** The backend was told to free what it held. */
  settled: boolean;
}

/** A task: one versioned document, written as a whole, compare-and-swap by `version`. */
export interface TaskDocument {
  schema: 'stint.task/1';
  /** ULID. */
  id: string;
  /** 1 when it is created; each write adds one. */
  version: number;
  createdAtMs: number;
  spec: TaskSpec;
  target: ComputeTarget;
  idempotencyKey: string | null;
  /** sha256 of what was asked, to tell another request with the same key. */
  requestDigest: string;
  state: TaskState;
  /** What it waits for, in words; null where it does not. */
  waitingFor: string | null;
  /** The next attempt or submission may not go before this, epoch ms. */
  notBeforeMs: number | null;
  /** Oldest first. */
  attempts: Attempt[];
  cancel: { reason: string; atMs: number } | null;
  owner: TaskOwner | null;
  endedAtMs: number | null;
  outcome: Outcome | null;
}
