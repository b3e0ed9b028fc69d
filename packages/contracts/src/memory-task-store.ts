// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';
import { isEnded, needsCare } from '@stint/core/tasks';
import type { TaskDocument, TaskFilter, TaskOwner, TaskStore } from '@stint/core';

export interface MemoryTasks {
  id: string;
  tasks: Map<string, TaskDocument>;
  keys: Map<string, string>;
}

export const emptyMemoryTasks = (): MemoryTasks => ({ id: 'memory-store', tasks: new Map(), keys: new Map() });

/** A task store that works; two that share `state` are two processes on one store. */
export function memoryTaskStore(state: MemoryTasks = emptyMemoryTasks()): TaskStore {
  const requireVersion = (id: string, expected: number): TaskDocument => {
    const found = state.tasks.get(id);
    if (found?.version === expected) return found;
    const is = found ? `version ${found.version}` : 'gone';
    throw new AppError('FAILED_PRECONDITION', 'VERSION_MISMATCH', `task ${id} is ${is}, not version ${expected}`);
  };
  return {
    id: state.id,

    async create(task) {
      const other = task.idempotencyKey === null ? undefined : state.keys.get(task.idempotencyKey);
      const there = state.tasks.get(other ?? task.id);
      if (there) return { task: structuredClone(there), created: false };
      state.tasks.set(task.id, structuredClone(task));
      if (task.idempotencyKey !== null) state.keys.set(task.idempotencyKey, task.id);
      return { task: structuredClone(task), created: true };
    },

    async read(id) {
      const found = state.tasks.get(id);
      if (!found) throw new AppError('NOT_FOUND', 'TASK_NOT_FOUND', `no task ${id}`);
      return structuredClone(found);
    },

    async replace(task, expectedVersion) {
      requireVersion(task.id, expectedVersion);
      state.tasks.set(task.id, structuredClone(task));
    },

    async remove(id, expectedVersion) {
      if (!state.tasks.has(id)) return;
      const { idempotencyKey } = requireVersion(id, expectedVersion);
      state.tasks.delete(id);
      if (idempotencyKey !== null) state.keys.delete(idempotencyKey);
    },

    async list(filter, cursor, limit) {
      if (cursor !== null && !/^[0-9A-Z]{26}$/.test(cursor)) {
        throw new AppError('INVALID_ARGUMENT', 'BAD_CURSOR', 'not a cursor of this store');
      }
      const ids = [...state.tasks.keys()].sort().reverse();
      const all = ids.flatMap((id) => {
        const task = state.tasks.get(id);
        return task && (cursor === null || id < cursor) && matches(task, filter) ? [task] : [];
      });
      const tasks = all.slice(0, limit);
      const cursorAfter = all.length > limit ? (tasks.at(-1)?.id ?? null) : null;
      return { tasks: structuredClone(tasks), cursor: cursorAfter };
    },

    async open(ownerId) {
      const ofOwner = (t: TaskDocument): boolean => ownerId === undefined || (t.owner?.id ?? null) === ownerId;
      return structuredClone([...state.tasks.values()].filter((t) => needsCare(t) && ofOwner(t)).sort(byId));
    },

    async owners() {
      const all = new Map<string, { owner: TaskOwner; open: number }>();
      for (const { owner } of [...state.tasks.values()].filter(needsCare)) {
        if (owner) all.set(owner.id, { owner: structuredClone(owner), open: (all.get(owner.id)?.open ?? 0) + 1 });
      }
      return [...all.values()].sort((a, b) => (a.owner.id < b.owner.id ? -1 : 1));
    },

    async cancelWishes() {
      return [...state.tasks.values()]
        .filter((t) => t.cancel && t.state !== 'CANCELING' && !isEnded(t.state))
        .map((t) => t.id);
    },

    async close() {
      // Nothing is held open.
    },
  };
}

const byId = (a: TaskDocument, b: TaskDocument): number => (a.id < b.id ? -1 : 1);

function matches(task: TaskDocument, filter: TaskFilter): boolean {
  if (filter.states && !filter.states.includes(task.state)) return false;
  if (filter.namePrefix !== undefined && !(task.spec.name ?? '').startsWith(filter.namePrefix)) return false;
  return Object.entries(filter.labels ?? {}).every(([key, value]) => {
    const has = Object.hasOwn(task.spec.labels, key) ? task.spec.labels[key] : undefined;
    return value === '' ? has !== undefined : has === value;
  });
}
