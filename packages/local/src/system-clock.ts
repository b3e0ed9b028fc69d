// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@stint/core';

/** Longest delay of a timer of Node, ms; a longer one would fire at once. */
const maxDelayMs = 2_147_483_647;

/** The clock of this machine. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms, fn) {
      const timer = setTimeout(fn, Math.min(Math.max(ms, 0), maxDelayMs));
      return () => {
        clearTimeout(timer);
      };
    },
  };
}
