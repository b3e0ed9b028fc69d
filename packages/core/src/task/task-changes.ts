// SPDX-License-Identifier: Apache-2.0
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

/** Wakes who waits for a task, and nobody else: thousands are waited for at once. */
export class TaskChanges {
  readonly #clock: Clock;
  readonly #watchers = new Map<string, Set<TaskWatcher>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes changes from now on; `close` it. */
  watch(id: string): TaskWatcher {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers);
    const watcher = new TaskWatcher(this.#clock, () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id);
    });
    watchers.add(watcher);
    return watcher;
  }

  tell(id: string): void {
    for (const watcher of this.#watchers.get(id) ?? []) watcher.tell();
  }

  tellAll(): void {
    for (const id of this.#watchers.keys()) this.tell(id);
  }
}

export class TaskWatcher {
  readonly close: () => void;
  readonly #clock: Clock;
  #told = false;
  #wake: (() => void) | null = null;

  constructor(clock: Clock, close: () => void) {
    this.#clock = clock;
    this.close = close;
  }

  tell(): void {
    this.#told = true;
    this.#wake?.();
  }

  /** Resolves where the task has changed since the last call, at its next change, or after `ms`. @throws AppError CANCELED/ABORTED */
  next(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        this.#wake = null;
        this.#told = false;
        if (signal?.aborted) reject(new AppError('CANCELED', 'ABORTED', 'no longer waited for'));
        else resolve();
      };
      const cancel = this.#clock.after(ms, done);
      this.#wake = done;
      signal?.addEventListener('abort', done, { once: true });
      if (this.#told || signal?.aborted) done();
    });
  }
}
