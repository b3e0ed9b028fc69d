// SPDX-License-Identifier: Apache-2.0

export interface RecordedCall {
  method: string;
  args: readonly unknown[];
}

/** A port that notes each call, in order, before it is passed on. */
export function recording<T extends object>(port: T): { port: T; calls: RecordedCall[] } {
  const calls: RecordedCall[] = [];
  const wrapped = new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        calls.push({ method: String(name), args });
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return { port: wrapped, calls };
}
