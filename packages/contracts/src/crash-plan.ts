// SPDX-License-Identifier: Apache-2.0

/** End of a simulated process. No AppError: nothing in the product may handle it. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export type CrashMoment = 'before' | 'after';

export interface CrashPlan {
  /** Wraps a port; all wrapped ones share the count, and after the crash every one of them only throws. */
  wrap<T extends object>(port: T): T;
  /** Calls seen so far; each step of an async iterable is one. */
  readonly calls: number;
  /** False after a run: it ended before call `failAt`, so a sweep over `failAt` is through. */
  readonly crashed: boolean;
}

const iterables = new Set(['stream']);
const plain = new Set(['now', 'monotonic', 'after', 'row', 'onChange', 'check']);

/**
 * Ends the simulated process at its `failAt`-th port call (from 1), before or after the call took effect. A refusal is an
 * outcome too: it is replaced by the crash. A method named `stream` is an async iterable, those of a clock and `row` are
 * plain functions that are not counted, and all others give promises.
 */
export function crashPlan(failAt: number, when: CrashMoment): CrashPlan {
  let calls = 0;
  let crashed = false;
  const die = (): never => {
    crashed = true;
    throw new Crash(`crashed ${when} call ${failAt}`);
  };
  const step = async <R>(call: () => R | Promise<R>): Promise<R> => {
    if (crashed) die();
    const mine = ++calls;
    if (mine === failAt && when === 'before') die();
    try {
      return await call();
    } finally {
      // A call in flight when the process died has no one to come back to.
      if (crashed || mine === failAt) die();
    }
  };
  async function* steps(source: AsyncIterable<unknown>): AsyncIterable<unknown> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await step(() => iterator.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return {
    get calls() {
      return calls;
    },
    get crashed() {
      return crashed;
    },
    wrap: <T extends object>(port: T): T =>
      new Proxy(port, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          const call = (args: unknown[]): unknown => Reflect.apply(value, target, args) as unknown;
          if (iterables.has(String(name))) return (...args: unknown[]) => steps(call(args) as AsyncIterable<unknown>);
          if (plain.has(String(name))) return (...args: unknown[]) => (crashed ? die() : call(args));
          return (...args: unknown[]) => step(() => call(args));
        },
      }),
  };
}

/** One port under a crash plan of its own. */
export function crashing<T extends object>(port: T, failAt: number, when: CrashMoment): T {
  return crashPlan(failAt, when).wrap(port);
}
