// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import type { LogEntry } from '@stint/core';
import { callKey, hold, release, send, settle, unknown } from './call-log-model.ts';
import { a, b, brief, c, illegal, none, opened, scanned } from './call-log-opened.ts';
import type { CallLogRules } from './call-log-opened.ts';
import { refused } from './contract-suite.ts';

/** Which moves a call makes, and that a refusal changes nothing. */
export const moves: CallLogRules = {
  'a new log is empty': async (h) => {
    const { log } = await opened(h);
    expect(await log.totals()).toEqual(none);
    expect(await log.recount()).toEqual(none);
    expect(await log.calls(0, 1_000)).toEqual([]);
    expect(await scanned(log)).toEqual([]);
    expect(await log.commits()).toEqual(new Map());
    expect(await log.stepsRun()).toEqual([]);
    expect(await log.beyond()).toEqual(new Map());
    expect(await log.settledNanoUsd([[0, 1_000]])).toBe(0);
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
        holdNanoUsd: 100,
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
    expect(brief(await (await again()).calls(0, 1))).toEqual(['0/1/0/1 SETTLED 100 60', '1/1/0/1 RELEASED 100 0']);
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
    await refused(log.append(lease, [send(a), settle(a, 1, 'x', true, -1)]), ...bad);
    expect(await log.totals()).toEqual(none);
  },
};
