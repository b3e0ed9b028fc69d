// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../jobs/digest.ts';
import type { Clock } from '../ports/clock.ts';
import type { TaskStore } from '../ports/task-store.ts';
import type { TaskDocument } from './task-document.ts';

/** What a pump is given beside its backend. */
export interface PumpDeps {
  store: TaskStore;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  sha256: Sha256;
  /** Owner id of this process. */
  selfId: string;
  /** A task was stored with these contents, or left our hands. */
  changed: (task: TaskDocument) => void;
  /** A task waits for room: what a dead process left may hold it. */
  noRoom: () => void;
  /** Something failed and will be tried again. */
  problem: (taskId: string | null, what: string, error: unknown) => void;
}
