// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core';

/** Unsigned 32-bit generator (mulberry32): small, seeded, good enough for faults. */
export function seededRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Flakiness {
  seed: number;
  /** Share of calls that fail, 0 to 1. */
  rate: number;
  /** Methods that may fail; all promises where absent. */
  only?: readonly string[];
}

/**
 * A port whose calls sometimes fail with UNAVAILABLE/STORAGE_UNAVAILABLE, half of them after they took effect. `stream`,
 * which is an iterable, and `close` never do.
 */
export function flaky<T extends object>(port: T, { seed, rate, only }: Flakiness): T {
  const random = seededRandom(seed);
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const method = String(name);
      const call = (args: unknown[]): unknown => Reflect.apply(value, target, args) as unknown;
      const spared = method === 'stream' || method === 'close';
      if (spared || (only && !only.includes(method))) return (...args: unknown[]) => call(args);
      return async (...args: unknown[]) => {
        const fails = random() < rate;
        const after = random() < 0.5;
        const result = fails && !after ? undefined : await call(args);
        if (!fails) return result;
        throw new AppError('UNAVAILABLE', 'STORAGE_UNAVAILABLE', `${method} failed on purpose (seed ${seed})`);
      };
    },
  });
}
