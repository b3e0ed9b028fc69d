// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../ports/clock.ts';
import type { Committer } from './committer.ts';

/** Decided records that may wait for their commit, and their text in UTF-16 units, before admission pauses. */
const MAX_WAITING = 20_000;
/** Decided records that are committed before their time: a fast job would hold much text for a second. */
const COMMIT_AT = 4_096;
const MAX_BACKLOG = 32 * 1024 * 1024;
const EVERY_MS = 1_000;
/** A commit may take this share of the time between commits, so that slow storage is not kept busy with state. */
const SHARE = 10;

export interface CommitPacerEvents {
  /** Resolves once the rows of all records decided so far are durable. */
  durable: () => Promise<void>;
  committed: () => void;
  failed: (e: unknown) => void;
}

/** Commits about once a second, sooner when `checkpoint_interval` or memory says so; one commit at a time. */
export class CommitPacer {
  readonly #committer: Committer;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #on: CommitPacerEvents;
  #running: Promise<void> | null = null;
  #dueAt: number;
  #cancelTimer: (() => void) | null = null;
  #closed = false;

  constructor(committer: Committer, clock: Clock, checkpointInterval: number | 'auto', on: CommitPacerEvents) {
    this.#committer = committer;
    this.#clock = clock;
    this.#most = Math.min(checkpointInterval === 'auto' ? COMMIT_AT : checkpointInterval, MAX_WAITING);
    this.#on = on;
    this.#dueAt = clock.monotonic() + EVERY_MS;
  }

  /** False while too much waits to be committed. */
  get hasRoom(): boolean {
    return this.#committer.waiting < MAX_WAITING && this.#committer.backlog < MAX_BACKLOG;
  }

  /** Call when a record was decided: commits now, or sets the time for it. */
  poke(): void {
    if (this.#running || this.#closed || this.#committer.waiting === 0) return;
    const now = this.#clock.monotonic();
    if (this.#committer.waiting >= this.#most || this.#committer.backlog >= MAX_BACKLOG / 2 || now >= this.#dueAt) {
      this.#cancelTimer?.();
      this.#cancelTimer = null;
      this.#running = this.#commit();
      return;
    }
    this.#cancelTimer ??= this.#clock.after(this.#dueAt - now, () => {
      this.#cancelTimer = null;
      this.poke();
    });
  }

  /** No commit begins any more; resolves when the one under way is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#running;
  }

  async #commit(): Promise<void> {
    const startedAt = this.#clock.monotonic();
    try {
      await this.#committer.commit(this.#on.durable());
    } catch (e) {
      this.#running = null;
      this.#on.failed(e);
      return;
    }
    this.#running = null;
    const now = this.#clock.monotonic();
    const took = now - startedAt;
    this.#dueAt = now + Math.max(EVERY_MS - took, SHARE * took);
    this.#on.committed();
  }
}
