// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../ports/clock.ts';
import type { Compute, Observation } from '../ports/compute.ts';

export interface WatchDeps {
  clock: Clock;
  compute: Compute;
  seen: (observation: Observation) => void;
  problem: (error: unknown) => void;
}

const observesAtOnce = 4;
/** From the first handle after none to a look at it: with room for it, a task is on its way by then. */
const firstLookMs = 1_000;

/**
 * Looks at handles in batches: N of them cost ceil(N / batch) calls a tick, and the tick stretches so that looking takes
 * half of the backend's rate at most; the rest is for lookups and for other processes. Hints bring a look forward.
 */
export class TaskWatch {
  readonly #d: WatchDeps;
  /** When each was answered for, monotonic ms; Infinity while it waits for that. */
  readonly #handles = new Map<string, number>();
  readonly #hinted = new Set<string>();
  readonly #looking = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #cancelTick: (() => void) | null = null;
  #cancelHint: (() => void) | null = null;
  #ticking = false;

  constructor(deps: WatchDeps) {
    this.#d = deps;
  }

  /**
   * @param known - it was seen before: the first look may take its time
   * @returns whether it is new here
   */
  add(handle: string, known: boolean): boolean {
    const fresh = !this.#handles.has(handle);
    if (fresh) this.#handles.set(handle, -Infinity);
    const { pollIntervalMs } = this.#d.compute.traits;
    if (!this.#cancelTick && !this.#ticking) this.#arm(known ? pollIntervalMs : Math.min(firstLookMs, pollIntervalMs));
    return fresh;
  }

  delete(handle: string): void {
    this.#handles.delete(handle);
  }

  /** The handle may have changed: look at once, with all others hinted at by then, or after `delayMs`. */
  hint(handle: string, delayMs = 0): void {
    if (!this.#handles.has(handle)) return;
    if (delayMs > 0) {
      this.#d.clock.after(delayMs, () => this.hint(handle));
      return;
    }
    this.#hinted.add(handle);
    if (this.#abort.signal.aborted) return;
    this.#cancelHint ??= this.#d.clock.after(0, () => {
      this.#cancelHint = null;
      const handles = [...this.#hinted].filter((h) => this.#handles.has(h));
      this.#hinted.clear();
      void this.#look(handles);
    });
  }

  /** Looks at every handle, now. */
  lookNow(): Promise<void> {
    return this.#look([...this.#handles.keys()]);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelTick?.();
    this.#cancelHint?.();
    await Promise.allSettled(this.#looking);
    this.#handles.clear();
  }

  #arm(ms: number): void {
    if (this.#abort.signal.aborted) return;
    this.#cancelTick = this.#d.clock.after(Math.max(0, ms), () => void this.#tick());
  }

  async #tick(): Promise<void> {
    this.#cancelTick = null;
    this.#ticking = true;
    const { pollIntervalMs, observeBatch, observePerSecond } = this.#d.compute.traits;
    const startedAt = this.#d.clock.monotonic();
    // After a restart with thousands of tasks the first looks take longer than a tick: none is asked for twice for that.
    const before = startedAt - pollIntervalMs / 2;
    await this.#look([...this.#handles].filter(([, at]) => at <= before).map(([handle]) => handle));
    this.#ticking = false;
    if (this.#handles.size === 0) return;
    const fastestMs = (Math.ceil(this.#handles.size / observeBatch) / (observePerSecond / 2)) * 1000;
    this.#arm(Math.max(pollIntervalMs, fastestMs) - (this.#d.clock.monotonic() - startedAt));
  }

  async #look(handles: readonly string[]): Promise<void> {
    this.#note(handles, Infinity);
    const looking = this.#batches(handles);
    this.#looking.add(looking);
    await looking;
    this.#looking.delete(looking);
  }

  async #batches(handles: readonly string[]): Promise<void> {
    const { observeBatch } = this.#d.compute.traits;
    let from = 0;
    const worker = async (): Promise<void> => {
      while (from < handles.length && !this.#abort.signal.aborted) {
        const batch = handles.slice(from, from + observeBatch);
        from += batch.length;
        await this.#batch(batch);
      }
    };
    await Promise.all(Array.from({ length: observesAtOnce }, worker));
  }

  async #batch(handles: readonly string[]): Promise<void> {
    try {
      for (const o of await this.#d.compute.observe(handles, this.#abort.signal)) this.#d.seen(o);
    } catch (e) {
      // The next tick asks again; nothing is concluded from an answer that did not come.
      if (!this.#abort.signal.aborted) this.#d.problem(e);
    } finally {
      this.#note(handles, this.#d.clock.monotonic());
    }
  }

  #note(handles: readonly string[], at: number): void {
    for (const handle of handles) if (this.#handles.has(handle)) this.#handles.set(handle, at);
  }
}
