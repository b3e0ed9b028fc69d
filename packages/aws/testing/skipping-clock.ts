// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@stint/core';
import { systemClock } from '@stint/local';

/** The system's clock, which a test moves ahead: what was to come within that time comes at once. */
export interface SkippingClock extends Clock {
  skip(ms: number): void;
}

export function skippingClock(): SkippingClock {
  const real = systemClock();
  const waiting = new Set<{ at: number; arm: () => void; cancel: () => void }>();
  let aheadMs = 0;
  const monotonic = (): number => real.monotonic() + aheadMs;
  return {
    ...real,
    now: () => real.now() + aheadMs,
    monotonic,
    after(ms, fn) {
      const start = (): (() => void) =>
        real.after(Math.max(0, entry.at - monotonic()), () => {
          waiting.delete(entry);
          fn();
        });
      const entry = { at: monotonic() + ms, arm: () => void (entry.cancel = start()), cancel: (): void => undefined };
      waiting.add(entry);
      entry.arm();
      return () => {
        waiting.delete(entry);
        entry.cancel();
      };
    },
    skip(ms) {
      aheadMs += ms;
      for (const entry of waiting) {
        entry.cancel();
        entry.arm();
      }
    },
  };
}
