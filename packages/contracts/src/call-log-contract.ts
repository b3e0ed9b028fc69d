// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect } from 'vitest';
import { isAppError } from '@stint/core';
import type { CallLog, Lease, LogEntry, StoredCall } from '@stint/core';
import { arbHistory, callKey, CallLogModel, hold, keyOf, release, send, settle, unknown } from './call-log-model.ts';
import { collect, contractSuite, refused } from './contract-suite.ts';
import type { Skips } from './contract-suite.ts';
import { takeJob, testLimits } from './state-harness.ts';
import type { StateHarness } from './state-harness.ts';

const illegal = ['FAILED_PRECONDITION', 'ILLEGAL_MOVE'] as const;
const cap = ['FAILED_PRECONDITION', 'CAP_EXCEEDED'] as const;
const lost = ['FAILED_PRECONDITION', 'LEASE_LOST'] as const;
const [a, b, c] = [callKey(0), callKey(1), callKey(2)];
const none = { settledNanoUsd: 0, unknownNanoUsd: 0, heldNanoUsd: 0, calls: 0, inputTokens: 0, outputTokens: 0 };

interface Opened {
  log: CallLog;
  lease: Lease;
  /** The same storage opened anew. */
  again(): Promise<CallLog>;
}

async function opened(h: StateHarness, budgetNanoUsd: number | null = 1_000_000): Promise<Opened> {
  const { log, jobs } = await h.open();
  return { log, lease: await takeJob(jobs, 'one', budgetNanoUsd), again: async () => (await h.open()).log };
}

const brief = (rows: readonly StoredCall[]): string[] =>
  rows.map((row) => `${keyOf(row.key)} ${row.state} ${row.holdNanoUsd} ${row.costNanoUsd}`);

const moves: Record<string, (h: StateHarness) => Promise<void>> = {
  'a new log is empty': async (h) => {
    const { log } = await opened(h);
    expect(await log.totals()).toEqual(none);
    expect(await log.recount()).toEqual(none);
    expect(await log.calls(0, 1_000)).toEqual([]);
    expect(await collect(log.scan())).toEqual([]);
    expect(await log.commits()).toEqual(new Map());
    expect(await log.stepsRun()).toEqual([]);
    expect(await log.settledIndices([[0, 1_000]])).toBe(0);
  },
  'a call goes from HELD over SENT to SETTLED, and each move is kept': async (h) => {
    const { log, lease, again } = await opened(h);
    const row = { key: a, costNanoUsd: 0, usage: null, reported: false, answer: null };
    await log.append(lease, [hold(a, 100)]);
    expect(await (await again()).calls(0, 0)).toEqual([{ ...row, state: 'HELD', holdNanoUsd: 100, atMs: 10 }]);
    expect(await log.totals()).toEqual({ ...none, heldNanoUsd: 100 });
    await log.append(lease, [send(a, 80)]);
    expect(await (await again()).calls(0, 0)).toEqual([{ ...row, state: 'SENT', holdNanoUsd: 80, atMs: 20 }]);
    expect(await log.totals()).toEqual({ ...none, heldNanoUsd: 80 });
    const { answer, usage } = settle(a);
    await log.append(lease, [settle(a, 60)]);
    expect(await (await again()).calls(0, 0)).toEqual([
      {
        key: a,
        state: 'SETTLED',
        holdNanoUsd: 80,
        costNanoUsd: 60,
        usage,
        reported: true,
        answer,
        latencyMs: 12.5,
        stopReason: 'stop',
        atMs: 40,
      },
    ]);
    expect(await (await again()).totals()).toEqual({
      ...none,
      settledNanoUsd: 60,
      calls: 1,
      inputTokens: 7,
      outputTokens: 11,
    });
  },
  'a call may be sent without a hold before it': async (h) => {
    const { log, lease } = await opened(h);
    await log.append(lease, [send(a, 70)]);
    expect(brief(await log.calls(0, 0))).toEqual(['0/1/0/1 SENT 70 0']);
  },
  'send widens or narrows the hold': async (h) => {
    const { log, lease } = await opened(h);
    await log.append(lease, [hold(a, 100), hold(b, 100)]);
    await log.append(lease, [send(a, 150), send(b, 30)]);
    expect((await log.totals()).heldNanoUsd).toBe(180);
  },
  'UNKNOWN is charged at its hold, RELEASED at nothing': async (h) => {
    const { log, lease, again } = await opened(h);
    await log.append(lease, [send(a, 70), send(b, 50), hold(c, 20)]);
    await log.append(lease, [unknown(a), release(b), release(c)]);
    expect(brief(await (await again()).calls(0, 2))).toEqual([
      '0/1/0/1 UNKNOWN 70 70',
      '1/1/0/1 RELEASED 50 0',
      '2/1/0/1 RELEASED 20 0',
    ]);
    expect(await log.totals()).toEqual({ ...none, unknownNanoUsd: 70, calls: 1 });
    expect((await log.calls(0, 0))[0]).toMatchObject({ atMs: 30, usage: null, answer: null });
  },
  'an answer without reported usage is marked': async (h) => {
    const { log, lease } = await opened(h);
    await log.append(lease, [send(a), settle(a, 100, 'x', false)]);
    expect((await log.calls(0, 0))[0]?.reported).toBe(false);
  },
  'several moves of one call in one append are applied in order': async (h) => {
    const { log, lease, again } = await opened(h);
    await log.append(lease, [hold(a), send(a, 90), settle(a, 60), hold(b), release(b)]);
    expect(brief(await (await again()).calls(0, 1))).toEqual(['0/1/0/1 SETTLED 90 60', '1/1/0/1 RELEASED 100 0']);
    expect(await log.totals()).toEqual(await log.recount());
  },
  'any text of an answer is kept as it was': async (h) => {
    const { log, lease, again } = await opened(h);
    const texts = ['', 'a\0b', '\ud800 alone', '\u{1f600} ß', '"{}\n', ' \u2028 x'.repeat(5_000)];
    for (const [i, text] of texts.entries()) await log.append(lease, [send(callKey(i)), settle(callKey(i), 1, text)]);
    expect((await (await again()).calls(0, 10)).map((row) => row.answer?.text)).toEqual(texts);
  },
  'every move that is not legal is refused': async (h) => {
    const { log, lease } = await opened(h);
    const ready: [LogEntry[], LogEntry[]][] = [
      [[], [settle(a), release(a), unknown(a)]],
      [[hold(a)], [hold(a), settle(a), unknown(a)]],
      [[send(a)], [hold(a), send(a)]],
      [
        [send(a), settle(a)],
        [hold(a), send(a), settle(a), release(a), unknown(a)],
      ],
      [
        [hold(a), release(a)],
        [hold(a), send(a), settle(a), release(a), unknown(a)],
      ],
      [
        [send(a), unknown(a)],
        [hold(a), send(a), settle(a), release(a), unknown(a)],
      ],
    ];
    for (const [i, [before, tries]] of ready.entries()) {
      const at = <E extends LogEntry>(entry: E): E => ({ ...entry, key: callKey(i) });
      if (before.length > 0) await log.append(lease, before.map(at));
      const rows = brief(await log.calls(0, 99));
      for (const entry of tries) await refused(log.append(lease, [at(entry)]), ...illegal);
      expect(brief(await log.calls(0, 99))).toEqual(rows);
    }
    expect(await log.totals()).toEqual(await log.recount());
  },
  'a refused move changes none of its append, and none of the others of its turn': async (h) => {
    const { log, lease, again } = await opened(h);
    await log.append(lease, [send(c)]);
    const done = await Promise.allSettled([
      log.append(lease, [send(a, 10)]),
      log.append(lease, [settle(c, 5), hold(b, 10), settle(b), hold(callKey(9))]),
      log.append(lease, [settle(c, 6), hold(callKey(3), 20)]),
    ]);
    expect(done.map((d) => d.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(brief(await (await again()).calls(0, 99))).toEqual([
      '0/1/0/1 SENT 10 0',
      '2/1/0/1 SETTLED 100 6',
      '3/1/0/1 HELD 20 0',
    ]);
    expect(await log.totals()).toEqual(await log.recount());
  },
  'an illegal move of a call that is final is refused alone, after a reopen too': async (h) => {
    const { log, lease, again } = await opened(h);
    await log.append(lease, [send(a), settle(a), hold(b)]);
    const next = await again();
    const done = await Promise.allSettled([next.append(lease, [send(c)]), next.append(lease, [send(a)])]);
    expect(done.map((d) => d.status)).toEqual(['fulfilled', 'rejected']);
    await next.append(lease, [send(b, 100)]);
    await next.takeOver(lease, 50);
    await refused(next.append(lease, [send(b)]), ...illegal);
    expect(brief(await next.calls(0, 2))).toEqual([
      '0/1/0/1 SETTLED 100 60',
      '1/1/0/1 UNKNOWN 100 100',
      '2/1/0/1 UNKNOWN 100 100',
    ]);
  },
  'what is no key or no sum of money is refused': async (h) => {
    const { log, lease } = await opened(h);
    const bad = ['INVALID_ARGUMENT', 'BAD_ENTRY'] as const;
    await refused(log.append(lease, [send(callKey(-1))]), ...bad);
    await refused(log.append(lease, [send(callKey(0.5))]), ...bad);
    await refused(log.append(lease, [send(callKey(0, 0, 0))]), ...bad);
    await refused(log.append(lease, [send(callKey(0, 0, 1, 0))]), ...bad);
    await refused(log.append(lease, [send(a, -1)]), ...bad);
    await refused(log.append(lease, [send(a, 2 ** 53)]), ...bad);
    await refused(log.append(lease, [send(a), settle(a, 1.5)]), ...bad);
    expect(await log.totals()).toEqual(none);
  },
};

const money: Record<string, (h: StateHarness) => Promise<void>> = {
  'a hold beyond the budget is refused, up to it is not': async (h) => {
    const { log, lease } = await opened(h, 250);
    await log.append(lease, [hold(a, 100), hold(b, 150)]);
    await refused(log.append(lease, [hold(c, 1)]), ...cap);
    await refused(log.append(lease, [send(c, 1)]), ...cap);
    await refused(log.append(lease, [send(a, 101)]), ...cap);
    await log.append(lease, [send(a, 100)]);
    expect(await log.totals()).toEqual({ ...none, heldNanoUsd: 250 });
  },
  'an append beyond the budget is refused as a whole': async (h) => {
    const { log, lease, again } = await opened(h, 250);
    await log.append(lease, [send(a, 100)]);
    await refused(log.append(lease, [hold(b, 100), hold(c, 100), settle(a, 90)]), ...cap);
    expect(brief(await (await again()).calls(0, 9))).toEqual(['0/1/0/1 SENT 100 0']);
    expect(await log.totals()).toEqual({ ...none, heldNanoUsd: 100 });
  },
  'of appends in one turn those that fit are kept, in order': async (h) => {
    const { log, lease } = await opened(h, 250);
    const done = await Promise.allSettled(
      [a, b, c, callKey(3)].map((key, i) => log.append(lease, [hold(key, [100, 200, 150, 1][i])])),
    );
    expect(done.map((d) => d.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect((await log.totals()).heldNanoUsd).toBe(250);
  },
  'settled and unknown calls use the budget up, released ones give it back': async (h) => {
    const { log, lease } = await opened(h, 300);
    await log.append(lease, [send(a, 100), send(b, 100), send(c, 100)]);
    await log.append(lease, [settle(a, 40), unknown(b), release(c)]);
    await refused(log.append(lease, [hold(callKey(3), 161)]), ...cap);
    await log.append(lease, [hold(callKey(3), 160)]);
  },
  'a refund and a hold in one append count together': async (h) => {
    const { log, lease } = await opened(h, 100);
    await log.append(lease, [send(a, 100)]);
    await log.append(lease, [settle(a, 60), hold(b, 40)]);
    expect(await log.totals()).toMatchObject({ settledNanoUsd: 60, heldNanoUsd: 40 });
  },
  'a settle may cost more than its hold and than the budget': async (h) => {
    const { log, lease } = await opened(h, 100);
    await log.append(lease, [send(a, 90), hold(b, 10)]);
    await log.append(lease, [settle(a, 500)]);
    expect((await log.totals()).settledNanoUsd).toBe(500);
    await refused(log.append(lease, [hold(c, 1)]), ...cap);
    await refused(log.append(lease, [send(b, 11)]), ...cap);
    await log.append(lease, [send(b, 10), hold(c, 0)]);
  },
  'without a cap every hold is accepted': async (h) => {
    const { log, lease } = await opened(h, null);
    await log.append(lease, [hold(a, 9_000_000_000_000)]);
    expect((await log.totals()).heldNanoUsd).toBe(9_000_000_000_000);
  },
  'the budget in force is the one of the job store': async (h) => {
    const { log, jobs } = await h.open();
    const lease = await takeJob(jobs, 'one', 100);
    await log.append(lease, [hold(a, 100)]);
    await refused(log.append(lease, [hold(b, 50)]), ...cap);
    await (await h.open()).jobs.setLimits(lease, testLimits(150), 5);
    await log.append(lease, [hold(b, 50)]);
    await jobs.setLimits(lease, testLimits(200), 6);
    await log.append(lease, [hold(c, 50)]);
    await refused(log.append(lease, [hold(callKey(3), 1)]), ...cap);
  },
  'totals and rows of a random history equal those of the model, and never pass the budget by a hold': async (h) => {
    let base = 0;
    await fc.assert(
      fc.asyncProperty(arbHistory, fc.constantFrom(500, null), async (history, budget) => {
        const { log, jobs } = await h.open();
        // One storage for all runs: keys of their own for each, and totals as differences.
        base += 10;
        const shift = (entry: LogEntry): LogEntry => ({
          ...entry,
          key: { ...entry.key, index: entry.key.index + base },
        });
        let lease = await takeJob(jobs, 'one');
        const before = await log.takeOver(lease, 1);
        const spent = before.settledNanoUsd + before.unknownNanoUsd;
        await jobs.setLimits(lease, testLimits(budget === null ? null : spent + budget), 1);
        const model = new CallLogModel(budget);
        for (const step of history) {
          if ('takeOver' in step) {
            lease = await takeJob(jobs, 'next');
            model.takeOver();
            await log.takeOver(lease, 99);
            continue;
          }
          const expected = step.appends.map((entries) => model.append(entries));
          const done = await Promise.allSettled(step.appends.map((entries) => log.append(lease, entries.map(shift))));
          expect(
            done.map((d) => (d.status === 'fulfilled' ? null : isAppError(d.reason) ? d.reason.reason : d.reason)),
          ).toEqual(expected);
        }
        const want = model.totals();
        const got = await log.totals();
        expect({
          settledNanoUsd: got.settledNanoUsd - before.settledNanoUsd,
          unknownNanoUsd: got.unknownNanoUsd - before.unknownNanoUsd,
          heldNanoUsd: got.heldNanoUsd,
          calls: got.calls - before.calls,
          inputTokens: got.inputTokens - before.inputTokens,
          outputTokens: got.outputTokens - before.outputTokens,
        }).toEqual(want);
        expect(await log.recount()).toEqual(got);
        expect(await (await h.open()).log.totals()).toEqual(got);
        const rows = await log.calls(base, base + 9);
        expect(rows.map((row) => [keyOf({ ...row.key, index: row.key.index - base }), row.state])).toEqual(
          [...model.rows].map(([key, row]) => [key, row.state]).sort((x, y) => (String(x[0]) < String(y[0]) ? -1 : 1)),
        );
      }),
      { numRuns: 40 },
    );
  },
};

const fencing: Record<string, (h: StateHarness) => Promise<void>> = {
  'every write with an older lease is refused and changes nothing': async (h) => {
    const { log, lease } = await opened(h);
    await log.append(lease, [send(a), settle(a), send(b)]);
    const other = await h.open();
    await takeJob(other.jobs, 'two');
    await refused(log.append(lease, [send(c)]), ...lost);
    await refused(log.append(lease, []), ...lost);
    await refused(log.takeOver(lease, 9), ...lost);
    await refused(log.committed(lease, 0, 1, [[0, 9]]), ...lost);
    await refused(log.chargeLost(lease, [{ index: 5, attempt: 1, costNanoUsd: 3 }], 9), ...lost);
    expect(brief(await log.calls(0, 9))).toEqual(['0/1/0/1 SETTLED 100 60', '1/1/0/1 SENT 100 0']);
    expect((await log.calls(0, 0))[0]?.answer?.text).toBe('answer');
    expect(await log.commits()).toEqual(new Map());
  },
  'every write with a released lease, or one never granted, is refused': async (h) => {
    const { log, jobs } = await h.open();
    const lease = await takeJob(jobs);
    await refused(log.append({ ...lease, epoch: 9 }, [send(a)]), ...lost);
    await refused(log.append({ ...lease, resource: 'shard/9' }, [send(a)]), ...lost);
    await log.append(lease, [send(b)]);
    await jobs.release(lease, { status: 'QUEUED', reason: null, elapsedMs: 0 });
    await refused(log.append(lease, [settle(b)]), ...lost);
    expect(brief(await log.calls(0, 9))).toEqual(['1/1/0/1 SENT 100 0']);
  },
  'an append that waits while the lease is lost is refused alone': async (h) => {
    const { log, lease } = await opened(h);
    const other = await h.open();
    const next = await takeJob(other.jobs, 'two');
    const done = await Promise.allSettled([log.append(lease, [send(a)]), log.append(next, [send(b)])]);
    expect(done.map((d) => d.status)).toEqual(['rejected', 'fulfilled']);
    expect(brief(await log.calls(0, 9))).toEqual(['1/1/0/1 SENT 100 0']);
  },
  'take-over ends what the dead process left: HELD is RELEASED, SENT is UNKNOWN': async (h) => {
    const { log, lease } = await opened(h);
    await log.append(lease, [hold(a, 10), send(b, 20), send(c, 30), settle(c, 25)]);
    const dead = await h.open();
    const next = await takeJob(dead.jobs, 'two');
    const totals = await dead.log.takeOver(next, 77);
    expect(totals).toEqual({
      settledNanoUsd: 25,
      unknownNanoUsd: 20,
      heldNanoUsd: 0,
      calls: 2,
      inputTokens: 7,
      outputTokens: 11,
    });
    const rows = await dead.log.calls(0, 9);
    expect(brief(rows)).toEqual(['0/1/0/1 RELEASED 10 0', '1/1/0/1 UNKNOWN 20 20', '2/1/0/1 SETTLED 30 25']);
    expect(rows.map((row) => row.atMs)).toEqual([77, 77, 40]);
    expect(await dead.log.takeOver(next, 88)).toEqual(totals);
    expect(await dead.log.calls(0, 9)).toEqual(rows);
    expect(await dead.log.recount()).toEqual(totals);
  },
  'two processes with one lease see each other': async (h) => {
    const { log, lease, again } = await opened(h, 300);
    const other = await again();
    await log.append(lease, [send(a, 100)]);
    await other.append(lease, [send(b, 100)]);
    await log.append(lease, [settle(b, 50)]);
    await other.append(lease, [settle(a, 50)]);
    await refused(log.append(lease, [unknown(a)]), ...illegal);
    await refused(other.append(lease, [send(c, 201)]), ...cap);
    await log.append(lease, [send(c, 200)]);
    await refused(other.append(lease, [hold(c, 0)]), ...illegal);
    expect(await log.totals()).toEqual(await other.recount());
  },
};

const records: Record<string, (h: StateHarness) => Promise<void>> = {
  'calls gives the rows of a range of indices, ascending by key': async (h) => {
    const { log, lease } = await opened(h);
    const keys = [
      callKey(3),
      callKey(1, 1),
      callKey(1, 0, 2),
      callKey(1, 0, 1, 2),
      callKey(1),
      callKey(10),
      callKey(2),
    ];
    for (const key of keys) await log.append(lease, [hold(key, 1)]);
    expect((await log.calls(1, 3)).map((row) => keyOf(row.key))).toEqual([
      '1/1/0/1',
      '1/1/0/2',
      '1/1/1/1',
      '1/2/0/1',
      '2/1/0/1',
      '3/1/0/1',
    ]);
    expect(await log.calls(4, 9)).toEqual([]);
    expect(await log.calls(5, 4)).toEqual([]);
  },
  'committed drops the answers of its ranges, and nothing else': async (h) => {
    const { log, lease, again } = await opened(h);
    for (let i = 0; i < 6; i++) await log.append(lease, [send(callKey(i)), settle(callKey(i), i + 1, `t${i}`)]);
    const before = await log.totals();
    await log.committed(lease, 0, 1, [
      [0, 1],
      [4, 4],
    ]);
    const rows = await (await again()).calls(0, 9);
    expect(rows.map((row) => row.answer?.text ?? null)).toEqual([null, null, 't2', 't3', null, 't5']);
    expect(rows[0]).toMatchObject({ state: 'SETTLED', costNanoUsd: 1, latencyMs: 12.5, stopReason: 'stop' });
    expect(rows[0]?.usage).toEqual(settle(a).usage);
    expect(await log.totals()).toEqual(before);
    expect(await log.recount()).toEqual(before);
    // What comes after a prune keeps its own answer.
    await log.append(lease, [send(callKey(6)), settle(callKey(6), 1, 't6')]);
    expect((await log.calls(0, 9)).map((row) => row.answer?.text ?? null)).toEqual([
      null,
      null,
      't2',
      't3',
      null,
      't5',
      't6',
    ]);
  },
  'committed remembers the last sequence number of each shard': async (h) => {
    const { log, lease, again } = await opened(h);
    await log.committed(lease, 0, 1, []);
    await log.committed(lease, 3, 1, [[30_000, 30_010]]);
    await log.committed(lease, 0, 2, []);
    await log.committed(lease, 0, 2, []);
    await log.committed(lease, 0, 1, []);
    expect(await (await again()).commits()).toEqual(
      new Map([
        [0, 2],
        [3, 1],
      ]),
    );
  },
  'an append before committed, in the same turn, is pruned with it': async (h) => {
    const { log, lease } = await opened(h);
    await Promise.all([log.append(lease, [send(a), settle(a)]), log.committed(lease, 0, 1, [[0, 0]])]);
    expect((await log.calls(0, 0))[0]).toMatchObject({ state: 'SETTLED', answer: null });
  },
  'settledIndices counts indices with a SETTLED row, each once': async (h) => {
    const { log, lease } = await opened(h);
    for (const i of [0, 1, 2, 5])
      await log.append(lease, [send(callKey(i)), settle(callKey(i)), send(callKey(i, 1)), settle(callKey(i, 1))]);
    await log.append(lease, [send(callKey(3)), unknown(callKey(3)), hold(callKey(4))]);
    expect(await log.settledIndices([[0, 9]])).toBe(4);
    expect(
      await log.settledIndices([
        [4, 9],
        [0, 1],
      ]),
    ).toBe(3);
    expect(
      await log.settledIndices([
        [0, 2],
        [1, 5],
      ]),
    ).toBe(4);
    expect(await log.settledIndices([])).toBe(0);
  },
  'stepsRun names the steps that were sent': async (h) => {
    const { log, lease } = await opened(h);
    await log.append(lease, [hold(callKey(0, 0)), hold(callKey(0, 1)), release(callKey(0, 1)), send(callKey(0, 4))]);
    await log.append(lease, [send(callKey(0, 2)), settle(callKey(0, 2)), send(callKey(1, 3)), unknown(callKey(1, 3))]);
    await log.append(lease, [send(callKey(2, 5)), release(callKey(2, 5))]);
    expect(await log.stepsRun()).toEqual([2, 3, 4]);
  },
  'chargeLost charges each record once': async (h) => {
    const { log, lease, again } = await opened(h, 100);
    const charge = [
      { index: 7, attempt: 2, costNanoUsd: 90 },
      { index: 8, attempt: 1, costNanoUsd: 50 },
    ];
    await log.chargeLost(lease, charge, 5);
    await log.chargeLost(lease, [...charge, { index: 9, attempt: 1, costNanoUsd: 1 }], 6);
    expect(brief(await (await again()).calls(0, 9))).toEqual([
      '7/2/0/0 SETTLED 0 90',
      '8/1/0/0 SETTLED 0 50',
      '9/1/0/0 SETTLED 0 1',
    ]);
    expect((await log.calls(7, 7))[0]).toMatchObject({ atMs: 5, reported: false, answer: null });
    expect(await log.totals()).toEqual({ ...none, settledNanoUsd: 141, calls: 3 });
    expect(await log.recount()).toEqual(await log.totals());
    await refused(log.append(lease, [hold(a, 1)]), ...cap);
  },
  'scan gives all rows in key order, in pieces, without answers': async (h) => {
    const { log, lease } = await opened(h, null);
    const count = 2_345;
    for (let i = count - 1; i >= 0; i -= 100) {
      const keys = Array.from({ length: Math.min(100, i + 1) }, (_, k) => callKey(i - k));
      await log.append(
        lease,
        keys.flatMap((key) => [send(key), settle(key)]),
      );
    }
    const pieces = await collect(log.scan());
    const rows = pieces.flat();
    expect(rows.map((row) => row.key.index)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(1_000);
    expect(rows.every((row) => row.answer === null && row.state === 'SETTLED' && row.latencyMs === 12.5)).toBe(true);
  },
  'a scan sees each row once while others are added': async (h) => {
    const { log, lease } = await opened(h, null);
    for (let i = 0; i < 1_500; i += 500)
      await log.append(
        lease,
        Array.from({ length: 500 }, (_, k) => hold(callKey((i + k) * 2), 1)),
      );
    const seen: number[] = [];
    for await (const piece of log.scan()) {
      await log.append(lease, [hold(callKey(seen.length * 2 + 1), 1)]);
      seen.push(...piece.map((row) => row.key.index));
    }
    expect(seen.filter((index) => index % 2 === 0)).toEqual(Array.from({ length: 1_500 }, (_, i) => i * 2));
    expect(new Set(seen).size).toBe(seen.length);
  },
  'close writes what waits, and twice does no harm': async (h) => {
    const { log, lease, again } = await opened(h);
    const waiting = log.append(lease, [hold(a)]);
    await log.close();
    await log.close();
    await waiting;
    expect(brief(await (await again()).calls(0, 0))).toEqual(['0/1/0/1 HELD 100 0']);
    await refused(log.append(lease, [hold(b)]), 'FAILED_PRECONDITION', 'CLOSED');
  },
};

/** The rules of the CallLog port. */
export function callLogContract(name: string, make: () => Promise<StateHarness>, skip: Skips = {}): void {
  contractSuite(`CallLog contract: ${name}`, make, skip, { ...moves, ...money, ...fencing, ...records });
}
