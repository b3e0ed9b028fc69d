// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@stint/core';

export interface FakeClock extends Clock {
  /** Moves time on by `ms`, and fires each timer at its own time; between them the event loop gets a few turns. */
  advance(ms: number): Promise<void>;
  /** Jumps from timer to timer until the promise settles. Throws where it never can: no timer is left. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Timers that wait. */
  readonly waiting: number;
}

const turnsPerTimer = 3;
/** So many idle turns without a timer mean that nothing more will happen. */
const idleTurns = 2_000;

/** A clock that stands still unless it is moved. */
export function fakeClock(startMs = 1_700_000_000_000): FakeClock {
  let elapsed = 0;
  let order = 0;
  const timers = new Map<number, { at: number; fn: () => void }>();
  const next = (): [number, { at: number; fn: () => void }] | undefined => {
    let best: [number, { at: number; fn: () => void }] | undefined;
    for (const entry of timers) if (!best || entry[1].at < best[1].at) best = entry;
    return best;
  };
  const breathe = async (): Promise<void> => {
    for (let i = 0; i < turnsPerTimer; i++) await turn();
  };
  const fire = (id: number, timer: { at: number; fn: () => void }): void => {
    timers.delete(id);
    elapsed = Math.max(elapsed, timer.at);
    timer.fn();
  };
  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    after(ms, fn) {
      const id = order++;
      timers.set(id, { at: elapsed + Math.max(0, ms), fn });
      return () => void timers.delete(id);
    },
    async advance(ms) {
      const until = elapsed + ms;
      await breathe();
      for (let due = next(); due && due[1].at <= until; due = next()) {
        fire(...due);
        await breathe();
      }
      elapsed = until;
    },
    async run(promise) {
      let settled = false;
      const done = (): void => void (settled = true);
      promise.then(done, done);
      for (let idle = 0; !settled;) {
        await breathe();
        if (settled) break;
        const due = next();
        if (due) {
          idle = 0;
          fire(...due);
        } else if (++idle > idleTurns) throw new Error('the clock has no timer left, and the promise is still open');
      }
      return await promise;
    },
    get waiting() {
      return timers.size;
    },
  };
}
