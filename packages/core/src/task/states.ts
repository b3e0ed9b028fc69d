// SPDX-License-Identifier: Apache-2.0
import { AppError } from '../errors.ts';
import type { EndState } from './outcome-codes.ts';

/** States of a task, in TES's words. */
export type TaskState = 'QUEUED' | 'INITIALIZING' | 'RUNNING' | 'CANCELING' | EndState;
/** States of an attempt. SUBMITTING: its request is stored and may have been sent. */
export type AttemptState = 'SUBMITTING' | 'STARTING' | 'RUNNING' | 'ENDED';

/** The legal moves of a task; drawn in docs/executor.md, which a test keeps equal. */
export const taskMoves: Readonly<Record<TaskState, readonly TaskState[]>> = {
  QUEUED: ['INITIALIZING', 'RUNNING', 'CANCELING', 'COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'],
  INITIALIZING: ['RUNNING', 'QUEUED', 'CANCELING', 'COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'],
  RUNNING: ['QUEUED', 'CANCELING', 'COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'],
  CANCELING: ['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'],
  COMPLETE: [],
  EXECUTOR_ERROR: [],
  SYSTEM_ERROR: [],
  CANCELED: [],
};

/** The legal moves of an attempt. An outcome is read at ENDED only. */
export const attemptMoves: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  SUBMITTING: ['STARTING', 'RUNNING', 'ENDED'],
  STARTING: ['RUNNING', 'ENDED'],
  RUNNING: ['ENDED'],
  ENDED: [],
};

export const isEnded = (state: TaskState): state is EndState => taskMoves[state].length === 0;

/** @throws AppError INTERNAL/ILLEGAL_MOVE: the one place that refuses a move. */
export function requireMove<S extends string>(moves: Readonly<Record<S, readonly S[]>>, from: S, to: S): void {
  if (from !== to && !moves[from].includes(to)) {
    throw new AppError('INTERNAL', 'ILLEGAL_MOVE', `${from} may not become ${to}`);
  }
}
