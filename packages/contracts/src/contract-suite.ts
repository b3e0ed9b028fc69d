// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';

/** Rule id → why this adapter cannot keep it. One that names no rule fails. */
export type Skips = Readonly<Record<string, string>>;

export interface Closing {
  close(): Promise<void>;
}

/** A contract: rules by id, each run on a fresh harness that is closed whatever happens. */
export function contractSuite<H extends Closing>(
  title: string,
  make: () => Promise<H>,
  skip: Skips,
  rules: Readonly<Record<string, (harness: H) => Promise<void>>>,
): void {
  describe(title, () => {
    for (const [id, rule] of Object.entries(rules)) {
      const why = skip[id];
      it.skipIf(why !== undefined)(why === undefined ? id : `${id} (skipped: ${why})`, async () => {
        const harness = await make();
        try {
          await rule(harness);
        } finally {
          await harness.close();
        }
      });
    }
    it('has no stale skip', () => {
      expect(Object.keys(skip).filter((id) => !(id in rules))).toEqual([]);
    });
  });
}

/** Expects a refusal with this code and reason. */
export async function refused(promise: Promise<unknown>, code: string, reason: string): Promise<void> {
  await expect(promise).rejects.toMatchObject({ code, reason });
}

/** Everything an async iterable gives. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}
