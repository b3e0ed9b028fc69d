// SPDX-License-Identifier: Apache-2.0
import type { TaskStore } from '../ports/task-store.ts';
import type { Placement } from './offers.ts';
import type { Entry } from './pump-entry.ts';
import type { TaskDocument } from './task-document.ts';
import { liveAttempt } from './task-machine.ts';

/** Room that open tasks have: those in our hands, and those of other processes on the same store. */
export async function roomInUse(
  ours: ReadonlyMap<string, Entry>,
  store: TaskStore,
  selfId: string,
): Promise<{ cpus: number; memoryMib: number }> {
  const sum = { cpus: 0, memoryMib: 0 };
  const add = (p: Placement | null | undefined): void => {
    sum.cpus += p?.cpus ?? 0;
    sum.memoryMib += p?.memoryMib ?? 0;
  };
  const addOther = (task: TaskDocument): void => {
    // Containers and processes share a machine.
    if (!ours.has(task.id) && task.target.compute !== 'ecs') add(liveAttempt(task)?.placement);
  };
  // What nobody owns was never placed, and our own tasks are read only where the store knows of more than we hold here:
  // this is asked for before each placement.
  for (const { owner, open } of await store.owners()) {
    if (owner.id !== selfId || open > ours.size) (await store.open(owner.id)).forEach(addOther);
  }
  for (const e of ours.values()) add(liveAttempt(e.task)?.placement ?? e.reserved);
  return sum;
}
