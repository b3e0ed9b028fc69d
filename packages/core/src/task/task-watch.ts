// SPDX-License-Identifier: Apache-2.0
import { toAppError } from '../errors.ts';
import { pause } from '../pause.ts';
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
/** Until what was throttled is asked for again; the backend itself spaces the calls. */
const throttledMs = 1_000;

/**
 * Looks at handles in batches: N of them cost ceil(N / batch) calls a tick, and the tick stretches so that looking takes
 * half of the backend's rate at most; the rest is for lookups and for other processes. The calls of a tick are spread, or
 * whoever comes after a tick with thousands of tasks, as this process after a restart, would find the limit used up. Hints
 * bring a look forward, and go as fast as the backend lets them.
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
      this.#hintAll([handle], delayMs);
      return;
    }
    this.#hinted.add(handle);
    if (this.#abort.signal.aborted) return;
    this.#cancelHint ??= this.#d.clock.after(0, () => {
      this.#cancelHint = null;
      const handles = [...this.#hinted];
      this.#hinted.clear();
      void this.#lookAtOnce(handles);
    });
  }

  /** Looks at every handle, now. */
  lookNow(): Promise<void> {
    return this.#lookAtOnce([...this.#handles.keys()]);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelTick?.();
    this.#cancelHint?.();
    await Promise.allSettled(this.#looking);
    this.#handles.clear();
  }

  /** None of them has its turn in a tick before it is answered for. */
  async #lookAtOnce(handles: readonly string[]): Promise<void> {
    this.#note(handles, Infinity);
    await this.#look(handles, (handle) => this.#handles.has(handle), 0);
  }

  #arm(ms: number): void {
    if (this.#abort.signal.aborted) return;
    this.#cancelTick = this.#d.clock.after(Math.max(0, ms), () => void this.#tick());
  }

  async #tick(): Promise<void> {
    this.#cancelTick = null;
    this.#ticking = true;
    const { pollIntervalMs, observeBatch, observePerSecond } = this.#d.compute.traits;
    const apartMs = 1000 / (observePerSecond / 2);
    const lengthMs = (): number => Math.max(pollIntervalMs, Math.ceil(this.#handles.size / observeBatch) * apartMs);
    const halfMs = lengthMs() / 2;
    const startedAt = this.#d.clock.monotonic();
    // What a hint has looked at meanwhile, or is looking at, is not asked for again.
    const due = (handle: string): boolean =>
      (this.#handles.get(handle) ?? Infinity) <= this.#d.clock.monotonic() - halfMs;
    await this.#look([...this.#handles.keys()], due, apartMs);
    this.#ticking = false;
    if (this.#handles.size > 0) this.#arm(lengthMs() - (this.#d.clock.monotonic() - startedAt));
  }

  /** Asks for the handles that are due when their turn comes, in calls so far apart. */
  async #look(handles: readonly string[], due: (handle: string) => boolean, apartMs: number): Promise<void> {
    const looking = this.#batches(handles, due, apartMs);
    this.#looking.add(looking);
    await looking;
    this.#looking.delete(looking);
  }

  async #batches(handles: readonly string[], due: (handle: string) => boolean, apartMs: number): Promise<void> {
    const { observeBatch } = this.#d.compute.traits;
    let from = 0;
    const next = (): string[] => {
      const batch: string[] = [];
      for (; from < handles.length && batch.length < observeBatch; from++) {
        const handle = handles[from];
        if (handle !== undefined && due(handle)) batch.push(handle);
      }
      return batch;
    };
    let turnAt = this.#d.clock.monotonic();
    const worker = async (): Promise<void> => {
      while (!this.#abort.signal.aborted) {
        const batch = next();
        if (batch.length === 0) return;
        this.#note(batch, Infinity);
        const now = this.#d.clock.monotonic();
        const waitMs = turnAt - now;
        turnAt = Math.max(turnAt, now) + apartMs;
        if (waitMs > 0) await pause(this.#d.clock, waitMs, this.#abort.signal);
        if (!this.#abort.signal.aborted) await this.#batch(batch);
      }
    };
    await Promise.all(Array.from({ length: observesAtOnce }, worker));
  }

  async #batch(handles: readonly string[]): Promise<void> {
    try {
      const seen = await this.#d.compute.observe(handles, this.#abort.signal);
      this.#note(handles, this.#d.clock.monotonic());
      for (const o of seen) this.#d.seen(o);
    } catch (e) {
      // Nothing is concluded from an answer that did not come; the next tick asks again.
      this.#note(handles, -Infinity);
      if (this.#abort.signal.aborted) return;
      this.#d.problem(e);
      // It was not looked at, and a tick with thousands of tasks is long.
      if (toAppError(e).reason === 'THROTTLED') this.#hintAll(handles, throttledMs);
    }
  }

  #hintAll(handles: readonly string[], afterMs: number): void {
    this.#d.clock.after(afterMs, () => {
      for (const handle of handles) this.hint(handle);
    });
  }

  #note(handles: readonly string[], at: number): void {
    for (const handle of handles) if (this.#handles.has(handle)) this.#handles.set(handle, at);
  }
}
