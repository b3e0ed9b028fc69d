// SPDX-License-Identifier: Apache-2.0
// The power fails: files were forced to disk, the last rows of the call log were not. What they cost is charged again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError, usdToNearestNano } from '@stint/core';
import type { DatasetRecord, ObjectStore, RejectRow, StoredCall } from '@stint/core';
import { billingProvider, committed, emptyBill, planJob, startProcess } from './job-harness.ts';
import type { Script } from './job-harness.ts';
import { memoryDisk } from './memory-disk.ts';
import type { MemoryDisk } from './memory-disk.ts';

const job = await planJob({
  steps: [
    { id: 'a', model: 'm', prompt: 'Tell of {{ topic }} ({{ record.index }}).' },
    { id: 'b', model: 'm', prompt: 'More: {{ steps.a.output }}' },
  ],
  numRecords: 8,
  concurrency: 3,
  budgetNanoUsd: 1_000_000_000,
  spec: { checkpoint_interval: 3, max_failures: { records: 5 } },
});

/** Record 2 needs a second attempt, record 4 is given up. */
const script: Script = (r) => {
  if (r.idempotencyKey.includes(':2:1:a:') || r.idempotencyKey.includes(':4:')) return '';
  return `answer to ${r.messages[0]?.content ?? ''}`;
};

/** Refuses the `n`-th and every later write to a shard's checkpoint. */
function refusing(store: ObjectStore, n: number): ObjectStore {
  let puts = 0;
  return {
    ...store,
    async put(key, body, condition) {
      if (key.startsWith('shards/') && ++puts >= n) throw new AppError('UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'full');
      return store.put(key, body, condition);
    },
  };
}

/** Takes rows away, or back to what they were before their answer, and makes the sums fit. */
function lose(disk: MemoryDisk, fate: (n: number) => 'kept' | 'gone' | 'sent'): void {
  const { rows, totals } = disk.state;
  let n = 0;
  for (const [index, calls] of rows) {
    const left = calls.flatMap((call): StoredCall[] => {
      const what = call.state === 'SETTLED' ? fate(n++) : 'kept';
      if (what === 'kept') return [call];
      totals.settledNanoUsd -= call.costNanoUsd;
      totals.calls--;
      totals.inputTokens -= call.usage?.inputTokens ?? 0;
      totals.outputTokens -= call.usage?.outputTokens ?? 0;
      if (what === 'gone') return [];
      totals.heldNanoUsd += call.holdNanoUsd;
      return [{ ...call, state: 'SENT', costNanoUsd: 0, usage: null, answer: null }];
    });
    rows.set(index, left);
  }
}

/** Cost of every attempt that a checkpoint names, by its own account. */
async function costs(disk: MemoryDisk): Promise<Map<string, number>> {
  const { records, docs } = await committed(disk.objects);
  const rejects: RejectRow[] = [];
  for (const { key } of docs.flatMap((d) => d.rejects)) {
    const text = new TextDecoder().decode((await disk.objects.get(key)).body);
    for (const line of text.split('\n')) if (line !== '') rejects.push(JSON.parse(line) as RejectRow);
  }
  const costOf = (r: DatasetRecord): number =>
    Object.values(r.generation_result).reduce((sum, s) => sum + usdToNearestNano(s.cost_usd ?? 0), 0);
  return new Map([
    ...records.map((r) => [`${r.index}/${r.attempt}`, costOf(r)] as const),
    ...rejects.map((r) => [`${r.index}/${r.attempt}`, usdToNearestNano(r.cost_usd)] as const),
  ]);
}

describe('rows of the call log that were lost with the power', () => {
  it('are charged again: of records and rejects, of whole attempts and of single calls, and of adopted ones', async () => {
    const arbFate = fc.constantFrom<('kept' | 'gone' | 'sent')[]>('kept', 'gone', 'sent');
    const arb = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.array(arbFate, { minLength: 30, maxLength: 30 }));
    await fc.assert(
      fc.asyncProperty(arb, async ([refusedFrom, fates]) => {
        const disk = memoryDisk();
        const bill = emptyBill();
        const providers = new Map([['m', billingProvider(bill, script)]]);
        const store = refusing(disk.objects, refusedFrom);
        await (
          await startProcess({ ...disk.open(), store }, job, providers)
        ).done;
        lose(disk, (n) => fates[n % fates.length] ?? 'kept');
        const again = await startProcess({ ...disk.open(), store: disk.objects }, job, providers, {
          limits: { numRecords: 9 },
        });
        expect(await again.done).toEqual({ status: 'COMPLETED', reason: null });
        const { log } = disk.open();
        const settled = new Map<string, number>();
        for (const { key, state, costNanoUsd } of await log.calls(0, 20)) {
          const attempt = `${key.index}/${key.attempt}`;
          if (state === 'SETTLED') settled.set(attempt, (settled.get(attempt) ?? 0) + costNanoUsd);
        }
        for (const [attempt, cost] of await costs(disk)) expect(settled.get(attempt) ?? 0, attempt).toBe(cost);
        expect(await log.recount()).toEqual(await log.totals());
      }),
      { numRuns: 60 },
    );
  });
});
