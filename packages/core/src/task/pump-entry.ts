// SPDX-License-Identifier: Apache-2.0
import type { Placement } from './offers.ts';
import type { TaskDocument } from './task-document.ts';

/** What a pump keeps of a task beside its document; all of it may be lost. */
export interface Entry {
  task: TaskDocument;
  /** One action at a time. */
  busy: boolean;
  /** Tries of the present action that failed. */
  failures: number;
  /** Its draft was stored by us and `start` was not called yet, or said that nothing was sent. */
  unsent: boolean;
  /** Go although it was to wait longer. */
  hurry: boolean;
  timer: (() => void) | null;
  abort: AbortController;
  /** Room given to it that its document does not tell yet. */
  reserved: Placement | null;
  gone: boolean;
}

export const newEntry = (task: TaskDocument): Entry => ({
  task,
  busy: false,
  failures: 0,
  unsent: false,
  hurry: false,
  timer: null,
  abort: new AbortController(),
  reserved: null,
  gone: false,
});
