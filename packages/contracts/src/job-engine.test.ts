// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { AppError, decodeUtf8, SHARD_SIZE } from '@stint/core';
import type { CallLog, DatasetRecord, ObjectStore } from '@stint/core';
import { Crash } from './crash-plan.ts';
import {
  billingProvider,
  committed,
  emptyBill,
  planJob,
  prompt,
  realClock,
  runOnDisk,
  startProcess,
} from './job-harness.ts';
import type { Bill, JobPlan, Script } from './job-harness.ts';
import { memoryDisk } from './memory-disk.ts';
import { nearlyFullShard } from './sweep-scenarios.ts';

const ONE = [{ id: 'a', model: 'm', prompt: 'Tell of {{ topic }}' }];
const TWO = [
  { id: 'a', model: 'm', prompt: 'Tell of {{ topic }}' },
  { id: 'b', model: 'm', prompt: 'More: {{ steps.a.output }}' },
];

async function setUp(plan: JobPlan, script?: Script) {
  const disk = memoryDisk();
  const bill: Bill = emptyBill();
  const job = await planJob(plan);
  const providers = new Map([['m', billingProvider(bill, script)]]);
  const run = (options: Parameters<typeof runOnDisk>[3] = {}) => runOnDisk(disk, job, providers, options);
  return { disk, bill, job, providers, run };
}

const noKey = new AppError('PERMISSION_DENIED', 'ACCESS_DENIED', 'no such key', { charge: 'none' });

describe('the cap', () => {
  it.each([1, 8, 64])('is never passed at concurrency %d, and leaves no half-paid record', async (concurrency) => {
    const capNanoUsd = 4_000_000;
    const { disk, bill, run } = await setUp(
      { steps: TWO, numRecords: 500, concurrency, budgetNanoUsd: capNanoUsd, maxTokens: 40 },
      (r, n) => ({ text: `word ${r.idempotencyKey} `.repeat(1 + (n % 3)), afterMs: n % 5 }),
    );
    const end = await run();
    expect(end).toMatchObject({ status: 'BUDGET_EXCEEDED', reason: { reason: 'BUDGET_EXCEEDED' } });
    expect(bill.nanoUsd).toBeLessThanOrEqual(capNanoUsd);
    expect(bill.nanoUsd).toBeGreaterThan(capNanoUsd * 0.7);
    const { lines } = await committed(disk.objects);
    // Two calls a record: every record that was begun is whole.
    expect(bill.calls).toHaveLength(lines.size * 2);
    const totals = await disk.open().log.totals();
    expect(totals).toMatchObject({ settledNanoUsd: bill.nanoUsd, unknownNanoUsd: 0, heldNanoUsd: 0 });
  });

  it('raised, the job goes on and pays nothing twice', async () => {
    const { disk, bill, run } = await setUp({ steps: TWO, numRecords: 40, budgetNanoUsd: 2_000_000, maxTokens: 40 });
    expect((await run()).status).toBe('BUDGET_EXCEEDED');
    const before = (await committed(disk.objects)).lines;
    expect(before.size).toBeGreaterThan(3);
    const end = await run({ limits: { budgetNanoUsd: 1_000_000_000 } });
    expect(end.status).toBe('COMPLETED');
    const { lines } = await committed(disk.objects);
    expect([...lines.keys()]).toEqual(Array.from({ length: 40 }, (_, i) => i));
    for (const [i, line] of before) expect(lines.get(i)).toBe(line);
    expect(new Set(bill.calls.map((c) => c.key)).size).toBe(80);
    expect(bill.calls).toHaveLength(80);
  });

  it('holds when calls time out and are billed all the same', async () => {
    const capNanoUsd = 3_000_000;
    const { disk, bill, run } = await setUp(
      { steps: ONE, numRecords: 200, concurrency: 16, budgetNanoUsd: capNanoUsd, maxTokens: 40, timeoutS: 0.03 },
      (_r, n) => ({ text: 'late '.repeat(40), afterMs: n % 3 === 0 ? 200 : 0 }),
    );
    await run();
    expect(bill.nanoUsd).toBeLessThanOrEqual(capNanoUsd);
    const totals = await disk.open().log.totals();
    expect(totals.unknownNanoUsd).toBeGreaterThan(0);
    expect(totals.settledNanoUsd + totals.unknownNanoUsd).toBeLessThanOrEqual(capNanoUsd);
    expect(totals.settledNanoUsd + totals.unknownNanoUsd).toBeGreaterThanOrEqual(bill.nanoUsd);
  });

  it('an answer without usage settles at its hold, marked', async () => {
    const { disk, run } = await setUp({ steps: ONE, numRecords: 2, budgetNanoUsd: 1_000_000_000 }, () => ({
      text: 'x',
      usage: null,
    }));
    expect((await run()).status).toBe('COMPLETED');
    const { records } = await committed(disk.objects);
    expect(records[0]?.generation_result['a']).toMatchObject({ usage_reported: false });
    expect(records[0]?.generation_result['a']?.cost_usd).toBeGreaterThan(0);
  });

  it.each([
    ['negative', { inputTokens: -1 }],
    ['broken', { outputTokens: 1.5 }],
    ['no number', { cacheReadTokens: NaN }],
    ['beyond any model', { inputTokens: 9_000_000_000_000_000 }],
  ])('a report of usage that is %s counts as none', async (_name, change) => {
    const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, ...change };
    const { disk, run } = await setUp({ steps: ONE, numRecords: 1 }, () => ({ text: 'x', usage }));
    expect((await run()).status).toBe('COMPLETED');
    const { records } = await committed(disk.objects);
    expect(records[0]?.generation_result['a']).toMatchObject({ usage_reported: false });
  });

  it('a provider that bills more than the worst case is believed, and counted on', async () => {
    const { disk, run } = await setUp(
      { steps: ONE, numRecords: 300, concurrency: 4, budgetNanoUsd: 20_000_000 },
      () => ({ text: 'x', usage: { inputTokens: 1000, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 } }),
    );
    expect((await run()).status).toBe('BUDGET_EXCEEDED');
    const totals = await disk.open().log.totals();
    expect(totals.settledNanoUsd).toBeLessThanOrEqual(20_000_000);
  });

  it('a provider that bills more than the worst case is counted on by the runs that follow, too', async () => {
    const { disk, bill, run } = await setUp(
      { steps: TWO, numRecords: 300, concurrency: 3, budgetNanoUsd: 20_000_000 },
      (_r, n) => ({
        text: 'x',
        usage: { inputTokens: 1000 + (n % 7), outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
      }),
    );
    expect((await run()).status).toBe('BUDGET_EXCEEDED');
    // Each run has room for what calls should cost, and not for what they do.
    for (let cap = 20_500_000; cap < 24_000_000; cap += 500_000) {
      expect((await run({ limits: { budgetNanoUsd: cap } })).status).toBe('BUDGET_EXCEEDED');
      expect((await disk.open().log.totals()).settledNanoUsd).toBeLessThanOrEqual(cap);
      expect(bill.calls).toHaveLength((await committed(disk.objects)).lines.size * 2);
    }
  });

  it('that is too small for one record says what one may cost, which is enough', async () => {
    const { bill, run } = await setUp({ steps: TWO, numRecords: 5, budgetNanoUsd: 1 });
    const short = await run();
    expect(bill.calls).toEqual([]);
    const { details, message } = short.reason ?? {};
    expect(message).toMatch(/budget_limit \$0\.000000001 is reached with 0 of 5 records; one may cost \$0\.0/);
    const cap = Math.round((details as { next_record_usd: number }).next_record_usd * 1e9);
    expect((await run({ limits: { budgetNanoUsd: cap - 1 } })).status).toBe('BUDGET_EXCEEDED');
    expect(bill.calls).toEqual([]);
    await run({ limits: { budgetNanoUsd: cap } });
    expect(bill.calls.length).toBeGreaterThanOrEqual(2);
  });

  it('throttling on the way to it leaves no half-paid record', async () => {
    const slow = new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'slow down', { charge: 'none', retryAfterMs: 1 });
    const { disk, bill, run } = await setUp(
      { steps: TWO, numRecords: 500, concurrency: 16, budgetNanoUsd: 4_000_000, maxTokens: 40 },
      (r) => {
        // Every answer costs its worst case, so nothing comes back that could hide what a new record took.
        const usage = { inputTokens: prompt(r).length + 16, outputTokens: 40, cacheReadTokens: 0, cacheWriteTokens: 0 };
        return r.idempotencyKey.endsWith(':b:1') ? slow : { text: 'word '.repeat(32), usage };
      },
    );
    expect((await run()).status).toBe('BUDGET_EXCEEDED');
    const { lines } = await committed(disk.objects);
    expect(lines.size).toBeGreaterThan(8);
    expect(bill.calls).toHaveLength(lines.size * 2);
  });
});

describe('at the cap', () => {
  const output = {
    type: 'object',
    required: ['t'],
    properties: { t: { type: 'string' } },
    additionalProperties: false,
  };
  const big = 'x'.repeat(500);
  const often = '{% for i in range(60) %}{{ topic }} {% endfor %}';
  it.each<[string, Record<string, unknown>[]]>([
    [
      'uses a computed value',
      [{ id: 'c', compute: `${'steps.a.output ~ '.repeat(4)}''` }, use('{{ steps.c.output }}')],
    ],
    ['uses a long sample', [{ id: 's', sample: { type: 'category', values: [big] } }, use('{{ steps.s.output }}')]],
    ['uses fields of an output', [use(`${often}{{ steps.a.json.t }}`)]],
    ['asks whether a step was skipped', [use(`${often}{{ steps.a.skipped }}`)]],
  ])('no record is half paid where a later prompt %s', async (_name, later) => {
    const first = { id: 'a', model: 'm', prompt: 'Tell of {{ topic }}', max_tokens: 20, output };
    const { disk, bill, run } = await setUp(
      { steps: [first, ...later], numRecords: 200, concurrency: 8, budgetNanoUsd: 30_000_000, maxTokens: 20 },
      (r) => {
        const text = r.schema ? JSON.stringify({ t: 'y'.repeat(60) }) : 'fine';
        // The most that it can cost, so that nothing comes back.
        const usage = { inputTokens: prompt(r).length + 16, outputTokens: 20, cacheReadTokens: 0, cacheWriteTokens: 0 };
        return { text, usage: r.schema ? { ...usage, inputTokens: usage.inputTokens + 100 } : usage };
      },
    );
    expect((await run()).status).toBe('BUDGET_EXCEEDED');
    const { lines } = await committed(disk.objects);
    expect(lines.size).toBeGreaterThan(5);
    expect(bill.calls).toHaveLength(lines.size * 2);
  });
});

function use(text: string): Record<string, unknown> {
  return { id: 'b', model: 'm', prompt: text };
}

describe('records that cannot be made', () => {
  const bad: Script = (r) => (/:(5|50|77):/.test(r.idempotencyKey) ? '' : `fine ${r.idempotencyKey}`);

  it('are replaced by the next indices', async () => {
    const { disk, run } = await setUp({ steps: ONE, numRecords: 150, concurrency: 8 }, bad);
    expect(await run()).toEqual({ status: 'COMPLETED', reason: null });
    const { lines, docs } = await committed(disk.objects);
    expect(lines.size).toBe(150);
    expect(Math.max(...lines.keys())).toBe(152);
    expect(docs[0]?.failed.map((f) => [f.index, f.attempts, f.code])).toEqual([
      [5, 3, 'EMPTY'],
      [50, 3, 'EMPTY'],
      [77, 3, 'EMPTY'],
    ]);
    expect(docs[0]?.rejects.reduce((n, r) => n + r.rows, 0)).toBe(9);
  });

  it('are missing where that is accepted', async () => {
    const { disk, run } = await setUp({ steps: ONE, numRecords: 150, spec: { on_shortfall: 'accept' } }, bad);
    expect((await run()).status).toBe('COMPLETED');
    expect((await committed(disk.objects)).lines.size).toBe(147);
  });

  it('fail the job where that is asked for, and get new attempts when it is resumed', async () => {
    let heal = false;
    const { disk, run } = await setUp({ steps: ONE, numRecords: 150, spec: { on_shortfall: 'fail' } }, (r, n) =>
      heal ? 'healed' : bad(r, n),
    );
    expect(await run()).toMatchObject({ status: 'FAILED', reason: { reason: 'SHORTFALL' } });
    heal = true;
    expect((await run()).status).toBe('COMPLETED');
    const { lines, docs } = await committed(disk.objects);
    expect(lines.size).toBe(150);
    expect(JSON.parse(lines.get(5) ?? '')).toMatchObject({ index: 5, attempt: 4 });
    expect(docs[0]).toMatchObject({ failed: [], retrying: [] });
  });

  it('more of them than max_failures end the job', async () => {
    const { bill, run } = await setUp(
      { steps: ONE, numRecords: 1000, spec: { max_failures: { records: 4 } } },
      () => '',
    );
    expect(await run()).toMatchObject({ status: 'FAILED', reason: { reason: 'RECORDS_FAILED' } });
    expect(bill.calls.length).toBeLessThan(100);
  });

  it.each([
    ['RECORDS_FAILED', { max_failures: { records: 2 } }],
    ['SHORTFALL', { on_shortfall: 'fail' }],
  ] as const)('%s is not forgotten by a death before the status was written', async (reason, spec) => {
    let heal = false;
    const { disk, job, providers, run } = await setUp({ steps: ONE, numRecords: 20, spec }, () => (heal ? 'fine' : ''));
    const { log, jobs } = disk.open();
    const dying = { ...jobs, release: () => Promise.reject(new Crash('died')) };
    const first = await startProcess({ store: disk.objects, log, jobs: dying }, job, providers);
    await first.done;
    heal = true;
    expect(await run()).toMatchObject({ status: 'FAILED', reason: { reason } });
    expect((await run()).status).toBe('COMPLETED');
    expect((await committed(disk.objects)).lines.size).toBe(20);
  });
});

describe('a provider that fails', () => {
  it.each([
    [noKey, 'ACCESS_DENIED'],
    [new AppError('PERMISSION_DENIED', 'QUOTA_EXHAUSTED', 'pay', { charge: 'none' }), 'ACCESS_DENIED'],
    [new AppError('NOT_FOUND', 'MODEL_UNKNOWN', 'no such model', { charge: 'none' }), 'MODEL_UNKNOWN'],
    [new AppError('INVALID_ARGUMENT', 'BAD_REQUEST', 'no', { charge: 'none' }), 'RECORDS_FAILED'],
  ])('for good (%s) fails the job at the first record', async (error, reason) => {
    let asked = 0;
    const { bill, run } = await setUp({ steps: ONE, numRecords: 1000, concurrency: 4 }, () => {
      asked++;
      return error;
    });
    expect(await run()).toMatchObject({ status: 'FAILED', reason: { reason } });
    expect(asked).toBeLessThanOrEqual(4);
    expect(bill.nanoUsd).toBe(0);
  });

  it('by throttling never loses a record', async () => {
    const { disk, run } = await setUp({ steps: ONE, numRecords: 60, concurrency: 16 }, (_r, n) =>
      n % 2 === 0 ? new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'slow', { charge: 'none', retryAfterMs: 2 }) : 'ok',
    );
    expect((await run()).status).toBe('COMPLETED');
    const { lines, docs } = await committed(disk.objects);
    expect(lines.size).toBe(60);
    expect(docs[0]?.rejects).toEqual([]);
  });

  it('too often for one attempt has given it up for every later run, too', async () => {
    const ID = 'test-abcdefghij';
    let first = true;
    const { disk, bill, job, providers, run } = await setUp({ steps: ONE, numRecords: 60, concurrency: 4 }, (r) => {
      if (!first || !r.idempotencyKey.startsWith(`${ID}:1:`)) return { text: 'fine', afterMs: 3 };
      // Its second attempt is on its way when the process is taken over.
      if (r.idempotencyKey.startsWith(`${ID}:1:2:`)) return { text: 'never', afterMs: 60_000 };
      return new AppError('UNAVAILABLE', 'PROVIDER_ERROR', 'hiccup', { charge: 'none' });
    });
    const taken = await startProcess({ store: disk.objects, ...disk.open() }, job, providers);
    await expect.poll(() => bill.calls.some((c) => c.key.startsWith(`${ID}:1:2:`))).toBe(true);
    first = false;
    expect((await run()).status).toBe('COMPLETED');
    expect(await taken.done).toMatchObject({ reason: { reason: 'LEASE_LOST' } });
    const { records, docs } = await committed(disk.objects);
    expect(records.find((r) => r.index === 1)?.attempt).toBe(2);
    expect(docs[0]?.rejects.reduce((n, r) => n + r.rows, 0)).toBe(1);
    expect(bill.calls.some((c) => c.key.startsWith(`${ID}:1:1:`))).toBe(false);
  });

  it('for too long sends the job back to the queue', async () => {
    const { disk, run } = await setUp(
      { steps: ONE, numRecords: 10, spec: { give_up_after_ms: 150 } },
      () => new AppError('UNAVAILABLE', 'PROVIDER_ERROR', 'down', { charge: 'none' }),
    );
    expect(await run()).toMatchObject({ status: 'QUEUED', reason: { reason: 'SERVICE_UNAVAILABLE' } });
    expect((await disk.open().jobs.read())?.lease).toBeNull();
  });

  it('now and then is retried within the attempt', async () => {
    const { disk, run } = await setUp({ steps: ONE, numRecords: 30 }, (_r, n) =>
      n % 4 === 1 ? new AppError('UNAVAILABLE', 'PROVIDER_ERROR', 'hiccup', { charge: 'none' }) : 'ok',
    );
    expect((await run()).status).toBe('COMPLETED');
    const { records } = await committed(disk.objects);
    expect(records.every((r) => r.attempt === 1)).toBe(true);
  });

  it('with a refused answer gets one corrective turn that says what was wrong', async () => {
    const { disk, bill, run } = await setUp({ steps: ONE, numRecords: 1 }, (_r, n) => (n === 0 ? '  ' : 'better'));
    expect((await run()).status).toBe('COMPLETED');
    expect(bill.calls[1]?.prompt).toContain('not accepted');
    const { records } = await committed(disk.objects);
    expect(records[0]?.generation_result['a']).toMatchObject({
      output: 'better',
      tries: 2,
      prompt: bill.calls[0]?.prompt,
    });
  });
});

describe('a record', () => {
  it('is committed only once its calls are durable', async () => {
    const { disk, job, providers } = await setUp({ steps: TWO, numRecords: 20, spec: { checkpoint_interval: 1 } });
    const { log, jobs } = disk.open();
    const durable = new Set<number>();
    const slowLog: CallLog = {
      ...log,
      append: async (lease, entries) => {
        await log.append(lease, entries);
        for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
        for (const e of entries) if (e.type === 'settle' && e.key.step === 1) durable.add(e.key.index);
      },
    };
    const tooEarly: number[] = [];
    const store: ObjectStore = {
      ...disk.objects,
      put: (key, body, condition) => {
        if (key.startsWith('outputs/')) {
          const lines = decodeUtf8(body).trimEnd().split('\n');
          const indices = lines.map((line) => (JSON.parse(line) as DatasetRecord).index);
          tooEarly.push(...indices.filter((index) => !durable.has(index)));
        }
        return disk.objects.put(key, body, condition);
      },
    };
    const running = await startProcess({ store, log: slowLog, jobs }, job, providers);
    expect(await running.done).toEqual({ status: 'COMPLETED', reason: null });
    expect(tooEarly).toEqual([]);
    expect(durable.size).toBe(20);
  });
});

describe('stopping', () => {
  it('lets calls in flight finish, commits them and gives the lease back', async () => {
    const { disk, job, bill, providers } = await setUp({ steps: ONE, numRecords: 100, concurrency: 5 }, () => ({
      text: 'slow answer',
      afterMs: 80,
    }));
    const running = await startProcess({ store: disk.objects, ...disk.open() }, job, providers);
    await expect.poll(() => bill.inFlight).toBe(5);
    running.stop({ type: 'interrupted', signal: 'SIGTERM' });
    expect(await running.done).toMatchObject({ status: 'QUEUED', reason: { reason: 'INTERRUPTED' } });
    const { lines } = await committed(disk.objects);
    expect(lines.size).toBe(bill.calls.length);
    expect(await disk.open().jobs.read()).toMatchObject({ status: 'QUEUED', lease: null });
  });

  it('that comes before the first record ends the run, which calls nothing', async () => {
    const { disk, job, bill, providers } = await setUp({ steps: ONE, numRecords: 5 }, () => 'unasked');
    const running = await startProcess({ store: disk.objects, ...disk.open() }, job, providers);
    running.stop({ type: 'interrupted', signal: 'SIGTERM' });
    expect(await running.done).toMatchObject({ status: 'QUEUED', reason: { reason: 'INTERRUPTED' } });
    expect(bill.calls).toEqual([]);
    expect(await disk.open().jobs.read()).toMatchObject({ status: 'QUEUED', lease: null });
  });

  it('that comes during the exports leaves no timer that would keep the process', async () => {
    const { disk, job, providers } = await setUp({ steps: ONE, numRecords: 5 }, () => 'done');
    const timers = new Set<object>();
    const clock: typeof realClock = {
      ...realClock,
      after: (ms, fn) => {
        const timer = {};
        timers.add(timer);
        const cancel = realClock.after(ms, () => {
          timers.delete(timer);
          fn();
        });
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
    };
    const exporting = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const running = await startProcess({ store: disk.objects, ...disk.open() }, job, providers, {
      clock,
      onExport: () => {
        exporting.resolve();
        return stopped.promise;
      },
    });
    await exporting.promise;
    running.stop({ type: 'interrupted', signal: 'SIGTERM' });
    stopped.reject(new AppError('CANCELED', 'ABORTED', 'stopped'));
    expect(await running.done).toMatchObject({ status: 'QUEUED', reason: { reason: 'INTERRUPTED' } });
    expect(timers.size).toBe(0);
  });

  it('ends what is in flight at the soft limit and charges it at worst case', async () => {
    const { disk, job, bill, providers } = await setUp(
      { steps: ONE, numRecords: 10, concurrency: 3, budgetNanoUsd: 1_000_000_000 },
      () => ({ text: 'never', afterMs: 60_000 }),
    );
    const running = await startProcess({ store: disk.objects, ...disk.open() }, job, providers, { softLimitMs: 20 });
    await expect.poll(() => bill.inFlight).toBe(3);
    running.stop({ type: 'interrupted', signal: 'SIGINT' });
    expect((await running.done).status).toBe('QUEUED');
    const totals = await disk.open().log.totals();
    expect(totals).toMatchObject({ heldNanoUsd: 0, settledNanoUsd: 0, calls: 3 });
    expect(totals.unknownNanoUsd).toBeGreaterThanOrEqual(bill.nanoUsd);
  });

  it('a holder that is taken over stops, and nothing is lost, doubled or overwritten', async () => {
    const { disk, job, bill, providers } = await setUp(
      { steps: TWO, numRecords: 60, concurrency: 4, spec: { checkpoint_interval: 3 } },
      (r) => ({ text: `from ${r.idempotencyKey}`, afterMs: 5 }),
    );
    const first = await startProcess({ store: disk.objects, ...disk.open() }, job, providers);
    await expect.poll(() => bill.calls.length).toBeGreaterThan(20);
    const second = await startProcess({ store: disk.objects, ...disk.open() }, job, providers);
    const [one, two] = await Promise.all([first.done, second.done]);
    expect(one).toMatchObject({ reason: { reason: 'LEASE_LOST' } });
    expect(two).toEqual({ status: 'COMPLETED', reason: null });
    const { lines } = await committed(disk.objects);
    expect([...lines.keys()]).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(bill.calls.length).toBeLessThanOrEqual(120 + 4);
  });

  it('a run seals every shard that is not decided, also those that it does not come to', async () => {
    let down = false;
    const { disk, job, run, providers } = await setUp(
      { steps: ONE, numRecords: SHARD_SIZE + 3, concurrency: 3 },
      (r) => {
        if (down) return noKey;
        // The first record of the run stays open, in shard 0, while shard 1 gets its own.
        return { text: 'fine', afterMs: r.idempotencyKey.includes(`:${SHARD_SIZE - 2}:`) ? 60_000 : 0 };
      },
    );
    await nearlyFullShard(disk);
    const first = await startProcess({ store: disk.objects, ...disk.open() }, job, providers);
    await expect.poll(async () => (await committed(disk.objects)).docs[1]?.ok).toEqual([[SHARD_SIZE, SHARD_SIZE + 2]]);
    down = true;
    expect(await run()).toMatchObject({ status: 'FAILED', reason: { reason: 'ACCESS_DENIED' } });
    expect((await committed(disk.objects)).docs.map((d) => d.epoch)).toEqual([2, 2]);
    expect(await first.done).toMatchObject({ reason: { reason: 'LEASE_LOST' } });
  });
});

describe('a job that is done', () => {
  it('grows when its target does', async () => {
    const { disk, bill, run } = await setUp({ steps: ONE, numRecords: 5 });
    await run();
    expect((await run({ limits: { numRecords: 8 } })).status).toBe('COMPLETED');
    expect((await committed(disk.objects)).lines.size).toBe(8);
    expect(bill.calls).toHaveLength(8);
  });

  it('spans shards, sealed one by one', async () => {
    const { disk, run } = await setUp({ steps: [{ id: 'n', compute: 'topic' }], numRecords: 20_500, concurrency: 64 });
    expect((await run()).status).toBe('COMPLETED');
    const { lines, docs } = await committed(disk.objects);
    expect(docs).toHaveLength(3);
    expect(lines.size).toBe(20_500);
  }, 20_000);
});
