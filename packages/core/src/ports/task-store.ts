// SPDX-License-Identifier: Apache-2.0
import type { TaskDocument, TaskOwner } from '../task/task-document.ts';
import type { TaskState } from '../task/states.ts';

export interface TaskFilter {
  states?: readonly TaskState[];
  namePrefix?: string;
  /** Every label given must be there; an empty value means that the key must exist. */
  labels?: Readonly<Record<string, string>>;
}

export interface TaskPage {
  tasks: TaskDocument[];
  /** null = the last page. */
  cursor: string | null;
}

/**
 * Task documents of one place. Each is written as a whole and by compare-and-swap; there is no transaction over several,
 * so that a key-value table can hold them. A write is durable when its promise resolves; writes that wait together may
 * share one sync. Errors of every method: AppError UNAVAILABLE/STORAGE_UNAVAILABLE, which is never absence.
 */
export interface TaskStore {
  /** Names this store for ever, random: part of every idempotency token, so that two stores never share one. */
  readonly id: string;
  /**
   * Keeps a new task (`version` 1).
   * @returns the task that has this id or, where its `idempotencyKey` is taken, the one that has the key: `created: false`.
   */
  create(task: TaskDocument): Promise<{ task: TaskDocument; created: boolean }>;
  /** @throws AppError NOT_FOUND/TASK_NOT_FOUND */
  read(id: string): Promise<TaskDocument>;
  /**
   * Puts `task` (whose `version` is `expectedVersion + 1`) in the place of version `expectedVersion`.
   * @throws AppError FAILED_PRECONDITION/VERSION_MISMATCH when another was written or it is gone; nothing changed.
   */
  replace(task: TaskDocument, expectedVersion: number): Promise<void>;
  /** Forgets a task and its key. @throws AppError FAILED_PRECONDITION/VERSION_MISMATCH; silent where it is gone. */
  remove(id: string, expectedVersion: number): Promise<void>;
  /** Newest first. @throws AppError INVALID_ARGUMENT/BAD_CURSOR */
  list(filter: TaskFilter, cursor: string | null, limit: number): Promise<TaskPage>;
  /** Tasks that have not ended or are not settled, oldest first; with `ownerId` only of that owner (`null`: of nobody). */
  open(ownerId?: string | null): Promise<TaskDocument[]>;
  /**
   * Who looks after what `open` gives, each owner id once, with how many tasks: asked about twice a second by every process
   * that looks after tasks, so it must be cheap where there are many of them.
   */
  owners(): Promise<{ owner: TaskOwner; open: number }[]>;
  /** Ids of open tasks with a cancel wish that their owner has not taken up yet (their state is not CANCELING). */
  cancelWishes(): Promise<string[]>;
  close(): Promise<void>;
}
