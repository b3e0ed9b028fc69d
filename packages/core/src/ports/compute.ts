// SPDX-License-Identifier: Apache-2.0
import type { AttemptEnd } from '../task/outcome-codes.ts';
import type { Placement } from '../task/offers.ts';
import type { Attempt, ComputeTarget, TaskDocument, WhereItRan } from '../task/task-document.ts';
import type { TaskSpec } from '../task/task-spec.ts';
import type { SpotPolicy, Wants } from '../task/wants.ts';

/** What earlier attempts of a task tell about where the next one should go. */
export interface PlacementHistory {
  spotReclaims: number;
  /** Offers that had no capacity for this attempt or missed its start deadline, latest last. */
  exhausted: readonly { offer: string; market: 'spot' | 'onDemand'; why: 'capacity' | 'startDeadline' }[];
  /** What other open tasks of this backend have been given, for backends that admit by size. */
  inUse: { cpus: number; memoryMib: number };
}

/** Of a task that was never placed, on a backend that is empty. */
export const noHistory: PlacementHistory = { spotReclaims: 0, exhausted: [], inUse: { cpus: 0, memoryMib: 0 } };

export type PlaceResult =
  | { kind: 'placed'; placement: Placement }
  /** It fits, but not now; `waitingFor` says what it waits for. */
  | { kind: 'wait'; waitingFor: string }
  /** Nothing that this backend has can ever hold it; each problem names the want, what was asked and what there is. */
  | { kind: 'never'; problems: string[] };

/** An attempt as it is known before anything was sent. */
export interface AttemptDraft {
  taskId: string;
  attempt: number;
  /** Counts requests that were definitely refused; part of the idempotency token. */
  submission: number;
  /** `stint/<task id>/<attempt>`. */
  startedBy: string;
  spec: TaskSpec;
  placement: Placement;
}

/** A request ready to be sent. */
export interface PreparedStart {
  /** Byte for byte as it is sent; forgotten once it was answered. */
  request: string;
  /** What the backend must know of the attempt for ever, without any configuration (where its log is). */
  notes: Readonly<Record<string, string>>;
  /** Said once to the user, beside the placement's own: what the request can't give. */
  warnings?: readonly string[];
}

/** Why a request was definitely refused: nothing was started, and its token is used up. */
export interface StartRefusal {
  /** `stale`: what the request refers to is gone, so it has to be made anew. */
  kind: 'capacity' | 'quota' | 'invalid' | 'access' | 'stale';
  /** The backend's own name for it, `RESOURCE:MEMORY`. */
  code: string;
  message: string;
  raw: Record<string, unknown>;
}

export type StartResult =
  | { kind: 'started'; handle: string }
  /**
   * `ofFirstSend`: it is the answer to this request whenever it was sent first. Else it tells of this sending alone: the
   * same request may have been taken before.
   */
  | { kind: 'refused'; refusal: StartRefusal; ofFirstSend?: boolean }
  /** It ended while it was being started, and nothing of it is left. */
  | { kind: 'ended'; end: AttemptEnd };

/** One attempt as the backend sees it now. */
export interface Observation {
  handle: string;
  /** `missing`: the backend does not know it: not yet, or no longer. */
  phase: 'starting' | 'running' | 'stopping' | 'stopped' | 'missing';
  /** The backend's own word. */
  rawStatus: string;
  startedAtMs: number | null;
  stoppedAtMs: number | null;
  where: WhereItRan | null;
  /** Set exactly where `phase` is `stopped`. */
  end: AttemptEnd | null;
}

export interface TaskLogLine {
  stream: 'stdout' | 'stderr';
  text: string;
  /** A part of a very long line, which goes on in the next one of this stream. */
  partial?: boolean;
  /** Epoch ms, where the backend keeps it. */
  atMs: number | null;
}

export interface TaskLogPage {
  lines: TaskLogLine[];
  /** Opaque; null = still at the start. */
  cursor: string | null;
  /** Nothing will follow, as far as the backend can tell. */
  end: boolean;
}

export interface ComputeTraits {
  /** Handles in one `observe` at most. */
  observeBatch: number;
  /** Calls of `observe` a second that may be made in the long run, with everything that shares their limit. */
  observePerSecond: number;
  /** How often open tasks are looked at, ms, where nothing says that they changed. */
  pollIntervalMs: number;
  /** How often output is asked for while somebody follows it, ms. */
  logPollMs: number;
  /** `start`s that may be under way at once. */
  maxStarting: number;
  /** A handle that was never seen may still show up for so long after its start, ms. */
  appearsWithinMs: number;
  /** The same request may be sent again for so long after it was first sent, ms. */
  resendWithinMs: number;
  /** An attempt that has not started within this is stopped, ms. */
  startTimeoutMs: number;
  /** Admits tasks by size, so `place` must be told what is in use. */
  admitsBySize: boolean;
  /** SIGTERM to SIGKILL where a task says nothing, s. */
  stopTimeoutS: number;
  spotPolicy: SpotPolicy;
  /** Reclaims after which spotFirst goes on-demand. */
  spotFallbackAfter: number;
  /** Reclaims survived by new attempts. */
  maxSpotAttempts: number;
}

/**
 * A backend that runs the attempts of tasks: ECS, or containers and processes of this machine. It translates: retries,
 * deadlines and what an outcome means are the engine's. Every call may wait for the backend's rate limit.
 *
 * Errors of every method: AppError RESOURCE_EXHAUSTED/THROTTLED (wait, same request again), UNAVAILABLE or
 * DEADLINE_EXCEEDED (it may or may not have taken effect), PERMISSION_DENIED/ACCESS_DENIED, CANCELED/NOT_SENT after an abort.
 */
export interface Compute {
  readonly target: ComputeTarget;
  readonly traits: ComputeTraits;
  /** What it can never take of this task beside its wants (labels that can't be tags); empty where nothing. */
  check(spec: TaskSpec): string[];
  /** Chooses where the next attempt goes. Asks the backend at most for what it offers, and remembers that. */
  place(wants: Wants, policy: SpotPolicy, history: PlacementHistory): Promise<PlaceResult>;
  /**
   * Runs `place` and the storing of what it chose while no other process does, for backends that admit by size: else two of
   * them could both give away the last room.
   */
  alone?(run: () => Promise<void>): Promise<void>;
  /**
   * Makes the whole request as `start` will send it, byte for byte, and whatever it refers to (a task definition).
   * It is stored before it is sent, so a later process can send exactly the same. Idempotent.
   * @throws AppError INVALID_ARGUMENT: it can never be sent (overrides too long).
   */
  prepare(draft: AttemptDraft, clientToken: string, signal: AbortSignal): Promise<PreparedStart>;
  /**
   * Sends the stored request. The same attempt and submission never starts twice: a second send answers with the first
   * handle. An abort counts only while it is certain that nothing was sent (CANCELED/NOT_SENT); later it is ignored.
   */
  start(task: TaskDocument, attempt: Attempt, signal: AbortSignal): Promise<StartResult>;
  /**
   * What became of these handles, in any order. At most `traits.observeBatch`. One that is left out could not be looked
   * at, which means nothing.
   */
  observe(handles: readonly string[], signal: AbortSignal): Promise<Observation[]>;
  /** Looks for an attempt whose handle is not known, running or ended. null = it cannot be found, now or ever. */
  find(task: TaskDocument, attempt: Attempt, signal: AbortSignal): Promise<string | null>;
  /**
   * Asks for its end; resolves when the backend has taken the wish. What ended stays as it is.
   * @returns false where the backend does not know the handle: not yet, or no longer.
   */
  stop(handle: string, reason: string, signal: AbortSignal): Promise<boolean>;
  /** Output of an attempt from `cursor` on (null = from the start); does not wait for more. */
  logs(task: TaskDocument, attempt: Attempt, cursor: string | null, signal: AbortSignal): Promise<TaskLogPage>;
  /** Called when the end of an attempt is stored: frees what it holds. Its logs stay readable. Idempotent. */
  settle(task: TaskDocument, attempt: Attempt): Promise<void>;
  /** Called when a task is removed: forgets its logs, where they are the backend's to forget. Idempotent. */
  forget(task: TaskDocument): Promise<void>;
  /** Calls `listener` with a handle that may have changed: a hint that saves a poll. */
  onChange?(listener: (handle: string) => void): () => void;
  close(): Promise<void>;
}
