// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect } from 'vitest';
import { toAppError } from '@stint/core';
import type { LogEntry } from '@stint/core';
import { arbHistory, callKey, CallLogModel, hold, keyOf, release, send, settle, unknown } from './call-log-model.ts';
import { a, b, brief, c, cap, none, opened } from './call-log-opened.ts';
import type { CallLogRules } from './call-log-opened.ts';
import { refused } from './contract-suite.ts';
import { takeJob, testLimits } from './state-harness.ts';

/** That the budget holds and the totals are the sum of the rows. */
export const money: CallLogRules = {
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
  'what calls cost beyond their own worst case is told by step, and survives': async (h) => {
    const { log, lease, again } = await opened(h);
    const calls = [0, 1, 2, 3, 4, 5].map((i) => callKey(i, i % 3));
    await log.append(
      lease,
      calls.map((key) => send(key, 500)),
    );
    // Step 0 within its worst case and at it, step 1 beyond it twice, step 2 within what was held and still beyond.
    const costs = [60, 120, 450, 100, 150, 0];
    await log.append(
      lease,
      calls.map((key, i) => settle(key, costs[i], 'x', true, 100)),
    );
    await log.chargeLost(lease, [{ index: 9, attempt: 1, costNanoUsd: 777 }], 9);
    const beyond = new Map([
      [1, 50],
      [2, 350],
    ]);
    expect(await log.beyond()).toEqual(beyond);
    await log.committed(lease, 0, 1, [[0, 9]]);
    expect(await (await again()).beyond()).toEqual(beyond);
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
          expect(done.map((d) => (d.status === 'fulfilled' ? null : toAppError(d.reason).reason))).toEqual(expected);
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
