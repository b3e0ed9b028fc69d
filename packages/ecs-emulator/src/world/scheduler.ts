// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@stint/core';

export interface Scheduler {
  /** Calls `fn` once after `ms` real milliseconds; the returned function cancels it. Due together: in order of asking. */
  after(ms: number, fn: () => void): () => void;
  /** Forgets everything that waits. */
  close(): void;
}

interface Entry {
  at: number;
  order: number;
  fn: (() => void) | null;
}

/** Many waiting entries on one timer: a heap by due time. Ten thousand tasks wait here, each with one entry. */
export function createScheduler(clock: Clock): Scheduler {
  const heap: Entry[] = [];
  let order = 0;
  let closed = false;
  let armedAt = Infinity;
  let disarm: (() => void) | null = null;

  const arm = (): void => {
    const first = heap[0];
    if (!first || closed || first.at >= armedAt) return;
    disarm?.();
    armedAt = first.at;
    disarm = clock.after(Math.max(0, first.at - clock.monotonic()), run);
  };
  const run = (): void => {
    disarm = null;
    armedAt = Infinity;
    const now = clock.monotonic();
    try {
      for (let first = heap[0]; first && first.at <= now && !closed; first = heap[0]) {
        pop(heap);
        first.fn?.();
      }
    } finally {
      arm();
    }
  };
  return {
    after(ms, fn) {
      if (closed) return () => undefined;
      const entry: Entry = { at: clock.monotonic() + ms, order: order++, fn };
      push(heap, entry);
      arm();
      return () => void (entry.fn = null);
    },
    close() {
      closed = true;
      heap.length = 0;
      disarm?.();
    },
  };
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Entry[], entry: Entry): void {
  let i = heap.length;
  heap.push(entry);
  while (i > 0) {
    const up = (i - 1) >> 1;
    const parent = heap[up];
    if (!parent || before(parent, entry)) break;
    heap[i] = parent;
    i = up;
  }
  heap[i] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    let least = heap[child];
    const right = heap[child + 1];
    if (!least) break;
    if (right && before(right, least)) {
      child++;
      least = right;
    }
    if (before(last, least)) break;
    heap[i] = least;
    i = child;
  }
  heap[i] = last;
}
