// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { AppError } from '@stint/core';
import { crashPlan } from './crash-plan.ts';
import type { CrashMoment } from './crash-plan.ts';
import { billingProvider, committed, emptyBill, planJob, runOnDisk, startProcess } from './job-harness.ts';
import type { Bill, Script } from './job-harness.ts';
import { memoryDisk } from './memory-disk.ts';
import type { MemoryDisk } from './memory-disk.ts';

const TWO_STEPS = [
  { id: 'tone', sample: { type: 'category', values: ['dry', 'warm', 'odd'] } },
  { id: 'plan', model: 'm', prompt: 'Plan about {{ topic }}, {{ steps.tone.output }}, {{ "a b c d" | random_word }}.' },
  { id: 'text', model: 'm', prompt: 'Write it: {{ steps.plan.output }}' },
];
const CONCURRENCY = 3;

/** Attempts 1 of some records give an empty answer twice, so that rejects and new attempts are in the sweep. */
const withRejects: Script = (r, n) => {
  const text = r.messages[0]?.content ?? '';
  if (r.idempotencyKey.includes(':2:1:plan:')) return '';
  if (n % 7 === 3)
    return new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'slow down', { charge: 'none', retryAfterMs: 1 });
  return `answer to ${text}`;
};

const job = await planJob({
  steps: TWO_STEPS,
  numRecords: 6,
  concurrency: CONCURRENCY,
  budgetNanoUsd: 1_000_000_000,
  spec: { checkpoint_interval: 2 },
});

const prompts = (records: Awaited<ReturnType<typeof committed>>['records']): string[] =>
  records.flatMap((r) => [r.generation_result['plan']?.prompt ?? '', r.generation_result['text']?.prompt ?? '']);

async function undisturbed(): Promise<{ prompts: string[]; calls: number; nanoUsd: number }> {
  const disk = memoryDisk();
  const bill = emptyBill();
  const end = await runOnDisk(disk, job, new Map([['m', billingProvider(bill, withRejects)]]));
  expect(end).toEqual({ status: 'COMPLETED', reason: null });
  const { records } = await committed(disk.objects);
  const totals = await disk.open().log.totals();
  expect(totals.settledNanoUsd).toBe(bill.nanoUsd);
  return { prompts: prompts(records), calls: bill.calls.length, nanoUsd: bill.nanoUsd };
}

async function crashOnce(
  disk: MemoryDisk,
  bill: Bill,
  at: number,
  when: CrashMoment,
): Promise<{ crashed: boolean; inFlight: number }> {
  const plan = crashPlan(at, when);
  const { log, jobs } = disk.open();
  let dead = false;
  // A dead process sends nothing: what it had in flight stays billed, what it would send later never goes out.
  const inner = billingProvider(bill, withRejects);
  const provider = {
    ...inner,
    complete: (...args: Parameters<typeof inner.complete>) => {
      if (plan.crashed) dead = true;
      return dead ? new Promise<never>(() => undefined) : inner.complete(...args);
    },
  };
  try {
    const running = await startProcess(
      { store: plan.wrap(disk.objects), log: plan.wrap(log), jobs: plan.wrap(jobs) },
      job,
      new Map([['m', provider]]),
      { softLimitMs: 0 },
    );
    await running.done;
  } catch (e) {
    if (!plan.crashed) throw e;
  }
  return { crashed: plan.crashed, inFlight: CONCURRENCY };
}

describe('a job whose process dies at any port call', () => {
  it.each(['before', 'after'] as const)(
    '%s it takes effect ends complete, every record once',
    async (when) => {
      const calm = await undisturbed();
      let crashes = 0;
      for (let at = 1; ; at++) {
        const disk = memoryDisk();
        const bill = emptyBill();
        const { crashed } = await crashOnce(disk, bill, at, when);
        const before = (await committed(disk.objects)).lines;
        const end = await runOnDisk(disk, job, new Map([['m', billingProvider(bill, withRejects)]]));
        expect(end, `crash ${when} call ${at}`).toEqual({ status: 'COMPLETED', reason: null });
        const after = await committed(disk.objects);
        expect([...after.lines.keys()]).toEqual([0, 1, 2, 3, 4, 5]);
        for (const [index, line] of before) expect(after.lines.get(index)).toBe(line);
        expect(prompts(after.records)).toEqual(calm.prompts);
        const totals = await disk.open().log.totals();
        expect(totals.heldNanoUsd).toBe(0);
        expect(totals.settledNanoUsd + totals.unknownNanoUsd).toBeGreaterThanOrEqual(bill.nanoUsd);
        expect(await disk.open().log.recount()).toEqual(totals);
        expect(bill.calls.length).toBeLessThanOrEqual(calm.calls + CONCURRENCY);
        const rejects = after.docs.flatMap((d) => d.rejects).reduce((n, r) => n + r.rows, 0);
        expect(rejects).toBe(1);
        if (!crashed) break;
        crashes++;
      }
      expect(crashes).toBeGreaterThan(40);
    },
    60_000,
  );

  it('again and again, at seeded places, still ends complete', async () => {
    const calm = await undisturbed();
    for (let seed = 1; seed <= 30; seed++) {
      const disk = memoryDisk();
      const bill = emptyBill();
      let kills = 0;
      for (let n = seed; kills < 6; n = (n * 16807) % 2147483647) {
        const { crashed } = await crashOnce(disk, bill, 3 + (n % 37), n % 2 === 0 ? 'before' : 'after');
        if (!crashed) break;
        kills++;
      }
      await runOnDisk(disk, job, new Map([['m', billingProvider(bill, withRejects)]]));
      const { lines, records } = await committed(disk.objects);
      expect([...lines.keys()], `seed ${seed}`).toEqual([0, 1, 2, 3, 4, 5]);
      expect(prompts(records)).toEqual(calm.prompts);
      expect(bill.calls.length).toBeLessThanOrEqual(calm.calls + kills * CONCURRENCY);
    }
  }, 60_000);
});
