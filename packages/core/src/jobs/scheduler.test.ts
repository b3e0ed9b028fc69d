// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { SchedulerShell } from '../../testing/scheduler-shell.ts';
import type { ModelCall, ModelRecord } from '../../testing/scheduler-shell.ts';
import { drain, everSucceeded, newScheduler, next, succeededSince, wantsRecord } from './scheduler.ts';
import type { SchedulerConfig, SchedulerState } from './scheduler.ts';

const config = (change: Partial<SchedulerConfig> = {}): SchedulerConfig => ({
  capNanoUsd: null,
  settledNanoUsd: 0,
  unknownNanoUsd: 0,
  concurrency: 4,
  giveUpAfterMs: 30_000,
  lanes: [{ alias: 'm', maxConcurrency: null }],
  random: () => 0.5,
  ...change,
});

/** A shell whose records all have these steps; `worst` 10 each where only a number of steps is given. */
function shellOf(change: Partial<SchedulerConfig> = {}, steps: number[] = [10], most = Infinity): SchedulerShell {
  const s: SchedulerState<ModelRecord> = newScheduler(config(change), 0);
  return new SchedulerShell(s, () => steps.map((worst) => ({ alias: 'm', worst })), most);
}

const settled = (costNanoUsd: number) => ({ kind: 'settled', costNanoUsd, tokens: costNanoUsd }) as const;
const throttled = (retryAfterMs: number | null = null) =>
  ({ kind: 'released', failure: 'throttled', retryAfterMs }) as const;
const transient = { kind: 'released', failure: 'transient', retryAfterMs: null } as const;
const timedOut = { kind: 'unknown', failure: 'transient', retryAfterMs: null } as const;
const first = (shell: SchedulerShell): ModelCall => {
  const [call] = shell.flying;
  if (!call) throw new Error('nothing is in flight');
  return call;
};

describe('the cap', () => {
  test('a record is begun only if all its steps fit', () => {
    const shell = shellOf({ capNanoUsd: 95, concurrency: 8 }, [10, 20]);
    shell.fill();
    expect(shell.flying).toHaveLength(3);
    expect(shell.s.heldNanoUsd).toBe(90);
    expect(wantsRecord(shell.s)).toBe(false);
  });

  test('what an answer did not cost admits more', () => {
    const shell = shellOf({ capNanoUsd: 35, concurrency: 8 }, [10]);
    shell.fill();
    expect(shell.flying).toHaveLength(3);
    shell.end(first(shell), settled(9));
    shell.fill();
    expect(shell.flying).toHaveLength(2);
    shell.end(first(shell), settled(3));
    shell.fill();
    expect(shell.flying).toHaveLength(2);
    expect(shell.capReached).toBe(false);
  });

  test('is reached once nothing in flight can give anything back; what waited is parked', () => {
    const shell = shellOf({ capNanoUsd: 25 }, [10]);
    shell.fill();
    while (shell.flying.length > 0) shell.end(first(shell), settled(10));
    expect(shell.capReached).toBe(true);
    expect(shell.parked).toHaveLength(1);
    expect([shell.settled, shell.held]).toEqual([20, 0]);
    shell.fill();
    expect(shell.flying).toEqual([]);
  });

  test('counts what earlier runs spent and may have spent', () => {
    const shell = shellOf({ capNanoUsd: 100, settledNanoUsd: 60, unknownNanoUsd: 25 }, [10]);
    shell.fill();
    expect(shell.flying).toHaveLength(1);
  });

  test('a try that may have been billed stays charged, and the next one is admitted anew', () => {
    const shell = shellOf({ capNanoUsd: 25 }, [10], 1);
    shell.fill();
    shell.end(first(shell), timedOut);
    shell.wait(60_000);
    expect(shell.flying).toHaveLength(1);
    shell.end(first(shell), timedOut);
    shell.wait(60_000);
    expect(shell.flying).toEqual([]);
    expect(shell.parked).toHaveLength(1);
    expect(shell.s).toMatchObject({ unknownNanoUsd: 20, heldNanoUsd: 0, capReached: false });
  });

  test('a call larger than what was held for it is widened under the cap, or its record waits', () => {
    for (const [cap, goes] of [
      [30, true],
      [29, false],
    ] as const) {
      const shell = shellOf({ capNanoUsd: cap }, [10, 10], 1);
      shell.fill();
      const record = first(shell).item;
      // Its prompt turned out longer than was reckoned.
      record.steps[1] = { alias: 'm', worst: 20 };
      shell.end(first(shell), settled(10));
      expect(shell.flying).toHaveLength(goes ? 1 : 0);
      expect(shell.parked).toHaveLength(goes ? 0 : 1);
      expect(shell.held).toBe(goes ? 20 : 0);
    }
  });

  test('a call that waits for money holds up none that has it', () => {
    const shell = shellOf({ capNanoUsd: 40, concurrency: 2 }, [10, 10]);
    shell.fill();
    const [one, two] = shell.flying as [ModelCall, ModelCall];
    // The first try of one may have been billed, and there is no room for a second.
    shell.end(one, timedOut);
    shell.wait(60_000);
    expect(shell.flying).toEqual([two]);
    shell.end(two, settled(10));
    expect(shell.flying.map((c) => c.item)).toEqual([two.item]);
    shell.end(first(shell), settled(10));
    expect(shell.finished).toEqual([two.item]);
    expect(shell.parked).toContain(one.item);
  });

  test('a throttled call finds its money again: no new record takes it', () => {
    const shell = shellOf({ capNanoUsd: 50, concurrency: 3 }, [10, 10]);
    shell.fill();
    const [one, two] = shell.flying as [ModelCall, ModelCall];
    shell.end(one, throttled());
    expect(shell.held).toBe(30);
    expect(shell.flying).toEqual([two]);
    shell.wait(60_000);
    expect(shell.flying).toEqual([two, one]);
  });

  test('what an answer gives back goes to its own record first', () => {
    const shell = shellOf({ capNanoUsd: 25, concurrency: 2 }, [10]);
    shell.fill();
    const [one, two] = shell.flying as [ModelCall, ModelCall];
    expect(next(shell.s, { type: 'ended', call: one, outcome: settled(0) }, 0)).toEqual([]);
    // A corrective turn.
    const again = { ...one, isNew: false, worstNanoUsd: 15, heldNanoUsd: 0 };
    expect(next(shell.s, { type: 'ready', call: again }, 0)).toEqual([{ type: 'send', call: again }]);
    expect(shell.s.heldNanoUsd).toBe(two.holdNanoUsd + 15);
  });

  test('a provider that bills more than the worst case is counted on from then on', () => {
    const shell = shellOf({ capNanoUsd: 60, concurrency: 1 }, [10, 10]);
    shell.fill();
    shell.end(first(shell), settled(15));
    expect(first(shell)).toMatchObject({ worstNanoUsd: 10, holdNanoUsd: 15 });
    shell.end(first(shell), settled(15));
    shell.fill();
    // 30 are spent; the next record needs 2 x 15.
    expect(shell.held).toBe(30);
    shell.end(first(shell), settled(15));
    shell.end(first(shell), settled(15));
    shell.fill();
    expect(shell.settled).toBe(60);
    expect(shell.capReached).toBe(true);
  });

  test('what earlier runs learned of a provider is counted on from the first call', () => {
    const lanes = [{ alias: 'm', maxConcurrency: null, beyondNanoUsd: 5 }];
    const shell = shellOf({ capNanoUsd: 29, lanes }, [10]);
    shell.fill();
    expect(shell.flying).toHaveLength(1);
    expect(shell.held).toBe(15);
  });

  test('a learned excess counts for calls that wait and are tried again, too', () => {
    const shell = shellOf({ concurrency: 2 }, [10], 2);
    shell.fill();
    const [one, two] = shell.flying as [ModelCall, ModelCall];
    shell.end(one, transient);
    shell.end(two, settled(18));
    shell.wait(60_000);
    expect(first(shell)).toMatchObject({ item: one.item, holdNanoUsd: 18 });
  });
});

describe('concurrency', () => {
  test('no more calls and records than asked for', () => {
    const shell = shellOf({ concurrency: 3 }, [10, 10]);
    shell.fill();
    expect(shell.flying).toHaveLength(3);
    expect(shell.s.active).toBe(3);
  });

  test('throttling lowers it, and the records at work stay', () => {
    const shell = shellOf({ concurrency: 8 });
    shell.fill();
    for (const call of [...shell.flying]) shell.end(call, throttled());
    shell.wait(10_000);
    expect(shell.flying).toHaveLength(6);
    expect(shell.s.active).toBe(8);
  });

  test('auto starts at 64 and grows with success', () => {
    const shell = shellOf({ concurrency: 'auto' });
    shell.fill();
    expect(shell.flying).toHaveLength(64);
    for (const call of [...shell.flying]) shell.end(call, settled(1));
    shell.fill();
    expect(shell.flying).toHaveLength(128);
  });

  test('a lane keeps its own bound, and records that have begun go before new ones in every lane', () => {
    const lanes = [
      { alias: 'slow', maxConcurrency: 1 },
      { alias: 'm', maxConcurrency: null },
    ];
    const steps = [
      { alias: 'm', worst: 10 },
      { alias: 'slow', worst: 10 },
    ];
    const s: SchedulerState<ModelRecord> = newScheduler(config({ concurrency: 4, lanes }), 0);
    const shell = new SchedulerShell(s, () => steps.map((step) => ({ ...step })));
    shell.fill();
    for (const call of [...shell.flying]) shell.end(call, settled(5));
    expect(shell.flying.map((c) => c.alias)).toEqual(['slow']);
    shell.end(first(shell), settled(5));
    shell.fill();
    expect(shell.flying.map((c) => c.alias).sort()).toEqual(['m', 'slow']);
    expect(shell.flying.find((c) => c.alias === 'slow')?.item.id).toBe(2);
  });
});

describe('waiting', () => {
  test('requests a minute', () => {
    const shell = shellOf({ lanes: [{ alias: 'm', maxConcurrency: null, rpm: 60 }] });
    shell.fill();
    expect(shell.flying).toHaveLength(1);
    expect(shell.s.wakeAtMs).toBe(1_000);
    shell.wait(999);
    expect(shell.flying).toHaveLength(1);
    shell.wait(1);
    expect(shell.flying).toHaveLength(2);
  });

  test('tokens a minute count at their worst case when a call is sent, and come back when it ends', () => {
    const shell = shellOf({ concurrency: 1, lanes: [{ alias: 'm', maxConcurrency: null, tpm: 60_000 }] }, [11_000]);
    shell.fill();
    expect(shell.s.lanes.get('m')?.buckets.tokens).toBe(-10_000);
    shell.end(first(shell), settled(4_000));
    shell.fill();
    expect(shell.s.wakeAtMs).toBe(3_000);
    shell.wait(3_000);
    // Not billed: all of them come back. May have been: none.
    shell.end(first(shell), transient);
    expect(shell.s.lanes.get('m')?.buckets.tokens).toBe(0);
    shell.wait(1_000);
    shell.end(first(shell), timedOut);
    expect(shell.s.lanes.get('m')?.buckets.tokens).toBe(-10_000);
  });

  test.each([
    ['throttled', throttled(), [100, 200, 400, 800, 1_600, 2_500, 2_500]],
    ['transient', transient, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]],
  ] as const)('a %s call goes again after its backoff, with full jitter', (_name, outcome, waits) => {
    const shell = shellOf({ concurrency: 1, giveUpAfterMs: 1e9 });
    shell.fill();
    for (const ms of waits) {
      shell.end(first(shell), outcome);
      expect(shell.s.wakeAtMs - shell.now).toBe(ms);
      shell.wait(ms - 1);
      expect(shell.flying).toEqual([]);
      shell.wait(1);
      expect(shell.flying).toHaveLength(1);
    }
  });

  test('a told wait holds up the whole lane, and no other', () => {
    const lanes = ['m', 'n'].map((alias) => ({ alias, maxConcurrency: null }));
    const s: SchedulerState<ModelRecord> = newScheduler(config({ concurrency: 2, lanes }), 0);
    const shell = new SchedulerShell(s, (n) => [{ alias: n % 2 === 0 ? 'm' : 'n', worst: 10 }]);
    shell.fill();
    const [m, n] = shell.flying as [ModelCall, ModelCall];
    shell.end(m, throttled(20_000));
    shell.end(n, settled(1));
    shell.fill();
    shell.wait(19_999);
    expect(shell.flying.every((c) => c.alias === 'n')).toBe(true);
    shell.wait(1);
    expect(shell.flying.some((c) => c.alias === 'm')).toBe(true);
  });
});

describe('a failing service that tells when to come back', () => {
  const comeBack = (retryAfterMs: number) => ({ kind: 'released', failure: 'transient', retryAfterMs }) as const;

  test('gets that call then, and others meanwhile', () => {
    const shell = shellOf({ concurrency: 2 });
    shell.fill();
    const [one, two] = shell.flying as [ModelCall, ModelCall];
    shell.end(one, comeBack(20_000));
    shell.end(two, settled(1));
    shell.fill();
    expect(shell.flying.length).toBeGreaterThan(0);
    shell.wait(19_999);
    expect(shell.flying).not.toContain(one);
    shell.wait(1);
    shell.end(first(shell), settled(1));
    expect(shell.flying).toContain(one);
  });

  test('but not for longer than the job would wait', () => {
    const shell = shellOf({ concurrency: 1 });
    shell.fill();
    shell.end(first(shell), comeBack(3_600_000));
    shell.wait(29_999);
    expect(shell.flying).toEqual([]);
    shell.wait(1);
    shell.end(first(shell), comeBack(3_600_000));
    expect(shell.gaveUp).toMatchObject([{ alias: 'm', forMs: 30_000 }]);
  });
});

describe('giving up', () => {
  test('failures for so long with no success between them', () => {
    const shell = shellOf({ concurrency: 1 });
    shell.fill();
    for (; shell.now < 29_000; shell.wait(1_000)) if (shell.flying.length > 0) shell.end(first(shell), transient);
    expect(shell.gaveUp).toEqual([]);
    shell.wait(20_000);
    shell.end(first(shell), transient);
    expect(shell.gaveUp).toMatchObject([{ alias: 'm', forMs: 49_000 }]);
  });

  test('a success begins the count anew', () => {
    const shell = shellOf({ concurrency: 1 });
    shell.fill();
    shell.end(first(shell), transient);
    shell.wait(29_000);
    shell.end(first(shell), settled(1));
    shell.fill();
    shell.wait(10_000);
    shell.end(first(shell), transient);
    expect(shell.gaveUp).toEqual([]);
  });

  test('a provider that tells to wait for longer is asked once more at that moment, then given up', () => {
    const shell = shellOf({ concurrency: 1 });
    shell.fill();
    shell.wait(5_000);
    shell.end(first(shell), throttled(3_600_000));
    expect(shell.s.wakeAtMs).toBeLessThanOrEqual(35_000);
    shell.wait(29_999);
    expect(shell.flying).toEqual([]);
    shell.wait(1);
    shell.end(first(shell), throttled(3_600_000));
    expect(shell.gaveUp).toMatchObject([{ alias: 'm', forMs: 30_000 }]);
  });

  test('a failure that is no trouble of the service does not count', () => {
    const shell = shellOf({ concurrency: 1, giveUpAfterMs: 1 });
    shell.fill();
    for (let i = 0; i < 5; i++) {
      shell.wait(1_000);
      shell.end(first(shell), { kind: 'released', failure: null, retryAfterMs: null });
      shell.fill();
    }
    expect(shell.gaveUp).toEqual([]);
  });

  test('success is told by alias and time', () => {
    const shell = shellOf();
    shell.fill();
    expect([everSucceeded(shell.s, 'm'), succeededSince(shell.s, 'm', 0)]).toEqual([false, false]);
    shell.wait(7);
    shell.end(first(shell), settled(1));
    expect([everSucceeded(shell.s, 'm'), everSucceeded(shell.s, 'n')]).toEqual([true, false]);
    expect([succeededSince(shell.s, 'm', 7), succeededSince(shell.s, 'm', 8)]).toEqual([true, false]);
  });
});

describe('stopping', () => {
  test('nothing is sent any more, and all that waits is given back', () => {
    const shell = shellOf({ capNanoUsd: 65, concurrency: 4 }, [10, 10]);
    shell.fill();
    expect(shell.flying).toHaveLength(3);
    shell.end(first(shell), transient);
    shell.stop();
    expect(wantsRecord(shell.s)).toBe(false);
    shell.end(first(shell), settled(5));
    shell.wait(100_000);
    expect(shell.flying).toHaveLength(1);
    // The one that failed, the next step of the one that was answered, and the record that did not fit.
    expect(drain(shell.s)).toHaveLength(3);
    expect(drain(shell.s)).toEqual([]);
  });

  test('an alias that no lane is for is a mistake of ours', () => {
    const s = newScheduler<null>(config(), 0);
    const call = { alias: 'x' } as never;
    expect(() => next(s, { type: 'ready', call }, 0)).toThrow('unknown lane x');
  });
});
