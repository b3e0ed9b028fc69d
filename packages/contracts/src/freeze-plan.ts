// SPDX-License-Identifier: Apache-2.0
import type { CrashMoment } from './crash-plan.ts';

export interface FreezePlan {
  /** Wraps a port; all wrapped ones share the count, and stand still together. */
  wrap<T extends object>(port: T): T;
  /** Resolves while the process is not frozen. */
  thawed(): Promise<void>;
  /** False after a run: it ended before its `freezeAt`-th call. */
  readonly frozen: boolean;
}

/**
 * Stops the simulated process at its `freezeAt`-th port call (from 1), before or after that took effect, until `during` is
 * over; then it goes on as if nothing had been, like one that was suspended beyond its lease.
 */
export function freezePlan(freezeAt: number, when: CrashMoment, during: () => Promise<void>): FreezePlan {
  let calls = 0;
  let standstill: Promise<void> | null = null;
  const thawed = async (): Promise<void> => {
    if (standstill) await standstill;
  };
  const step = async (call: () => unknown): Promise<unknown> => {
    // Nothing may slip through between the look and the call, so there is no wait where nothing stands still.
    if (standstill) await standstill;
    const mine = ++calls;
    if (mine === freezeAt && when === 'before') await (standstill = during());
    try {
      return await call();
    } finally {
      if (mine === freezeAt && when === 'after') standstill = during();
      await thawed();
    }
  };
  return {
    thawed,
    get frozen() {
      return standstill !== null;
    },
    wrap: <T extends object>(port: T): T =>
      new Proxy(port, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function' || name === 'stream' || name === 'scan') return value;
          return (...args: unknown[]) => step(() => Reflect.apply(value, target, args) as unknown);
        },
      }),
  };
}
