// SPDX-License-Identifier: Apache-2.0
// A process that froze before a write and wakes while another one takes the job over, at every pair of such moments.
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '@stint/core';
import { billingProvider, committed, emptyBill, planJob, startProcess } from './job-harness.ts';
import type { Ports } from './job-harness.ts';
import { memoryDisk } from './memory-disk.ts';

const job = await planJob({
  steps: [{ id: 'text', model: 'm', prompt: 'Write about {{ topic }}.' }],
  numRecords: 4,
  concurrency: 2,
  budgetNanoUsd: 1_000_000_000,
  spec: { checkpoint_interval: 2 },
});

/** Waits before its `n`-th put until it is let go; `asleep` tells that it waits. */
function freezing(store: ObjectStore, n: number) {
  let puts = 0;
  let wake = (): void => undefined;
  let noteAsleep = (): void => undefined;
  let noteDone = (): void => undefined;
  const asleep = new Promise<void>((resolve) => (noteAsleep = resolve));
  const done = new Promise<void>((resolve) => (noteDone = resolve));
  const woken = new Promise<void>((resolve) => (wake = resolve));
  return {
    asleep,
    /** Lets the put go, and waits until it is over. */
    async wake() {
      wake();
      await done;
    },
    store: {
      ...store,
      async put(...args: Parameters<ObjectStore['put']>) {
        if (++puts !== n) return store.put(...args);
        noteAsleep();
        await woken;
        try {
          return await store.put(...args);
        } finally {
          noteDone();
        }
      },
    } satisfies ObjectStore,
  };
}

/** Runs `then` once, before the `n`-th call of any method of the store. */
function before(store: ObjectStore, n: number, then: () => Promise<void>) {
  const seen = { calls: 0 };
  const step = async (): Promise<void> => {
    if (++seen.calls === n) await then();
  };
  const watched: ObjectStore = {
    get: async (key) => (await step(), store.get(key)),
    put: async (...args) => (await step(), store.put(...args)),
    list: async (prefix) => (await step(), store.list(prefix)),
    stream: (...args) => store.stream(...args),
  };
  return { watched, seen };
}

describe('a zombie that wakes in the middle of a take-over', () => {
  it('changes nothing that counts, whatever it was about to write and whenever it wakes', async () => {
    let pairs = 0;
    for (let put = 1, more = true; more; put++) {
      for (let call = 1, wakes = true; wakes; call++) {
        const what = `frozen before put ${put}, awake before call ${call} of the other`;
        const disk = memoryDisk();
        const bill = emptyBill();
        const providers = new Map([['m', billingProvider(bill)]]);
        const frozen = freezing(disk.objects, put);
        const first = await startProcess({ ...disk.open(), store: frozen.store }, job, providers, { softLimitMs: 0 });
        if ((await Promise.race([frozen.asleep, first.done])) !== undefined) {
          more = wakes = false;
          continue;
        }
        const { watched, seen } = before(disk.objects, call, () => frozen.wake());
        const ports: Ports = { ...disk.open(), store: watched };
        const second = await startProcess(ports, job, providers, { softLimitMs: 0 });
        expect(await second.done, what).toEqual({ status: 'COMPLETED', reason: null });
        wakes = seen.calls >= call;
        await frozen.wake();
        expect((await first.done).reason?.reason, what).toBe('LEASE_LOST');
        const { lines } = await committed(disk.objects).catch((e: unknown) => {
          throw new Error(`${what}: ${String(e)}`);
        });
        expect([...lines.keys()], what).toEqual([0, 1, 2, 3]);
        pairs++;
      }
    }
    expect(pairs).toBeGreaterThan(50);
  }, 60_000);
});
