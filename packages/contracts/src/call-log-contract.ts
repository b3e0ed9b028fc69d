// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import { callKey, hold, keyOf, release, send, settle, unknown } from './call-log-model.ts';
import { money } from './call-log-money.ts';
import { moves } from './call-log-moves.ts';
import { a, b, brief, c, cap, illegal, lost, none, opened, scanned } from './call-log-opened.ts';
import type { CallLogRules } from './call-log-opened.ts';
import { contractSuite, refused } from './contract-suite.ts';
import type { Skips } from './contract-suite.ts';
import { takeJob } from './state-harness.ts';
import type { StateHarness } from './state-harness.ts';

const fencing: CallLogRules = {
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
    expect(brief(rows)).toEqual(['0/1/0/1 RELEASED 10 0', '1/1/0/1 UNKNOWN 20 20', '2/1/0/1 SETTLED 100 25']);
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

const records: CallLogRules = {
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
  'settledNanoUsd sums the SETTLED rows of the indices asked for, each once': async (h) => {
    const { log, lease } = await opened(h);
    for (const i of [0, 1, 2, 5])
      await log.append(lease, [
        send(callKey(i)),
        settle(callKey(i), 10 ** i),
        send(callKey(i, 1)),
        settle(callKey(i, 1), 10 ** i),
      ]);
    await log.append(lease, [send(callKey(3)), unknown(callKey(3)), hold(callKey(4))]);
    expect(await log.settledNanoUsd([[0, 9]])).toBe(200_222);
    const apart = await log.settledNanoUsd([
      [4, 9],
      [0, 1],
    ]);
    expect(apart).toBe(200_022);
    const overlapping = await log.settledNanoUsd([
      [0, 2],
      [1, 5],
    ]);
    expect(overlapping).toBe(200_222);
    expect(await log.settledNanoUsd([])).toBe(0);
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
  'scan shows what a report needs of every row, ascending by index': async (h) => {
    const { log, lease } = await opened(h, null);
    const far = callKey(900_000_000, 3, 4, 2);
    await log.append(lease, [send(far, 50), unknown(far), hold(a, 9), release(a), send(b, 80), settle(b, 60)]);
    await log.committed(lease, 0, 1, [[0, 9_999]]);
    const bare = { costNanoUsd: 0, inputTokens: 0, outputTokens: 0, latencyMs: 0, stopReason: null };
    const { answer, usage } = settle(b);
    const { inputTokens, outputTokens } = usage;
    const { latencyMs, stopReason, atMs } = answer;
    expect(await scanned(log)).toEqual([
      { ...bare, index: 0, step: 0, state: 'RELEASED', atMs: 30 },
      { index: 1, step: 0, state: 'SETTLED', costNanoUsd: 60, inputTokens, outputTokens, latencyMs, stopReason, atMs },
      { ...bare, index: 900_000_000, step: 3, state: 'UNKNOWN', costNanoUsd: 50, atMs: 30 },
    ]);
  },
  'a scan shows each row once, and others get their turn in between': async (h) => {
    const { log, lease } = await opened(h, null);
    const count = 2_345;
    for (let i = count - 1; i >= 0; i -= 100) {
      const keys = Array.from({ length: Math.min(100, i + 1) }, (_, k) => callKey(2 * (i - k)));
      await log.append(
        lease,
        keys.map((key) => hold(key, 1)),
      );
    }
    const seen: number[] = [];
    const adding: Promise<void>[] = [];
    let turns = 0;
    let scanning = true;
    const turn = (): void => {
      if (!scanning) return;
      turns++;
      adding.push(log.append(lease, [hold(callKey(2 * seen.length + 1), 1)]));
      setImmediate(turn);
    };
    setImmediate(turn);
    await log.scan((call) => seen.push(call.index));
    scanning = false;
    await Promise.all(adding);
    expect(turns).toBeGreaterThan(1);
    expect(seen.filter((index) => index % 2 === 0)).toEqual(Array.from({ length: count }, (_, i) => i * 2));
    expect(new Set(seen).size).toBe(seen.length);
  },
  'a scan ends with what its visitor throws, and the log is as it was': async (h) => {
    const { log, lease } = await opened(h);
    await log.append(lease, [hold(a), hold(b)]);
    const stop = new Error('stop');
    await expect(
      log.scan(() => {
        throw stop;
      }),
    ).rejects.toBe(stop);
    await log.append(lease, [send(a)]);
    expect((await scanned(log)).map((call) => call.state)).toEqual(['SENT', 'HELD']);
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
