// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SchedulerShell } from '../../testing/scheduler-shell.ts';
import type { ModelRecord } from '../../testing/scheduler-shell.ts';
import { newScheduler } from './scheduler.ts';
import type { SchedulerState } from './scheduler.ts';

const settled = (costNanoUsd: number) => ({ kind: 'settled', costNanoUsd, tokens: costNanoUsd }) as const;

/** One thing that happens: which call in flight it happens to, what it is, and how large. */
interface Happening {
  pick: number;
  kind: 'settle' | 'throttle' | 'fail' | 'timeout' | 'refuse' | 'wait' | 'stop';
  size: number;
}
const arbHappening: fc.Arbitrary<Happening> = fc.record({
  pick: fc.nat(63),
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constant('settle' as const) },
    { weight: 25, arbitrary: fc.constantFrom('throttle', 'fail', 'timeout', 'refuse') },
    { weight: 24, arbitrary: fc.constant('wait' as const) },
    { weight: 1, arbitrary: fc.constant('stop' as const) },
  ),
  size: fc.nat(1_000),
});

function happen(shell: SchedulerShell, { pick, kind, size }: Happening, mostPercent: number): void {
  const call = shell.flying[pick % Math.max(1, shell.flying.length)];
  if (kind === 'stop') shell.stop();
  else if (kind === 'wait' || !call) shell.wait(size);
  else if (kind === 'settle') shell.end(call, settled(Math.floor((call.worstNanoUsd * (size % mostPercent)) / 100)));
  else if (kind === 'throttle') {
    shell.end(call, { kind: 'released', failure: 'throttled', retryAfterMs: size % 2 === 0 ? null : size });
  } else if (kind === 'fail') shell.end(call, { kind: 'released', failure: 'transient', retryAfterMs: null });
  else if (kind === 'timeout') shell.end(call, { kind: 'unknown', failure: 'transient', retryAfterMs: null });
  else shell.end(call, { kind: 'released', failure: null, retryAfterMs: null });
}

const arbSteps = fc.array(fc.record({ alias: fc.constantFrom('m', 'n'), worst: fc.integer({ min: 1, max: 300 }) }), {
  minLength: 1,
  maxLength: 4,
});
const arbRun = fc.record({
  cap: fc.option(fc.integer({ min: 0, max: 3_000 })),
  concurrency: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 12 })),
  bound: fc.option(fc.integer({ min: 1, max: 3 })),
  rpm: fc.option(fc.integer({ min: 10, max: 6_000 })),
  tpm: fc.option(fc.integer({ min: 1_000, max: 600_000 })),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  steps: fc.array(arbSteps, { minLength: 1, maxLength: 5 }),
  happenings: fc.array(arbHappening, { minLength: 1, maxLength: 120 }),
});

describe('over random sequences of events', () => {
  const start = (run: typeof arbRun extends fc.Arbitrary<infer R> ? R : never): SchedulerShell => {
    const { cap, concurrency, bound, rpm, tpm, random, steps } = run;
    const lanes = [
      { alias: 'm', maxConcurrency: bound, rpm: rpm ?? undefined, tpm: tpm ?? undefined },
      { alias: 'n', maxConcurrency: null },
    ];
    const s: SchedulerState<ModelRecord> = newScheduler(
      {
        capNanoUsd: cap,
        settledNanoUsd: 0,
        unknownNanoUsd: 0,
        concurrency,
        giveUpAfterMs: 30_000,
        lanes,
        random: () => random,
      },
      0,
    );
    const stepsOf = (n: number): ModelRecord['steps'] => (steps[n % steps.length] ?? []).map((step) => ({ ...step }));
    return new SchedulerShell(s, stepsOf, 400);
  };

  test('the cap is never passed, and the sums are those of the books', () => {
    fc.assert(
      fc.property(arbRun, (run) => {
        const shell = start(run);
        shell.fill();
        for (const happening of run.happenings) {
          happen(shell, happening, 101);
          shell.fill();
          const { s } = shell;
          expect([s.settledNanoUsd, s.unknownNanoUsd, s.heldNanoUsd]).toEqual([
            shell.settled,
            shell.unknown,
            shell.held,
          ]);
          expect(s.settledNanoUsd + s.unknownNanoUsd + s.heldNanoUsd).toBeLessThanOrEqual(run.cap ?? Infinity);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('under a provider that bills up to three times its worst case, only answers pass the cap, never a hold', () => {
    fc.assert(
      fc.property(arbRun, (run) => {
        const shell = start(run);
        const cap = run.cap ?? Infinity;
        shell.fill();
        for (const happening of run.happenings) {
          const spent = shell.settled + shell.unknown;
          const before = spent + shell.held;
          const sent = shell.sent.length;
          happen(shell, happening, 301);
          shell.fill();
          expect(shell.s.heldNanoUsd).toBe(shell.held);
          const after = shell.settled + shell.unknown + shell.held;
          // Above the cap nothing may add to what is held, whatever was sent.
          if (after > cap && shell.sent.length > sent) {
            const billed = shell.settled + shell.unknown - spent;
            expect(after - before).toBeLessThanOrEqual(billed);
          }
          for (const call of shell.flying) expect(call.holdNanoUsd).toBeGreaterThanOrEqual(call.worstNanoUsd);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('no lane and no job has more calls in flight than it may', () => {
    fc.assert(
      fc.property(arbRun, (run) => {
        const shell = start(run);
        shell.fill();
        for (const happening of run.happenings) {
          happen(shell, happening, 101);
          shell.fill();
          const most = run.concurrency === 'auto' ? 1_024 : run.concurrency;
          expect(shell.flying.length).toBe(shell.s.inFlight);
          expect(shell.flying.length).toBeLessThanOrEqual(most);
          expect(shell.flying.filter((c) => c.alias === 'm').length).toBeLessThanOrEqual(run.bound ?? most);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('it never sleeps with work that could go, and every record ends up finished or parked', () => {
    fc.assert(
      fc.property(arbRun, (run) => {
        const shell = start(run);
        shell.fill();
        for (const happening of run.happenings) {
          if (happening.kind === 'stop') continue;
          happen(shell, happening, 101);
          shell.fill();
        }
        for (let n = 0; n < 20_000; n++) {
          const { wakeAtMs, stopping } = shell.s;
          expect(stopping).toBe(false);
          const call = shell.flying[0];
          if (call) shell.end(call, settled(call.worstNanoUsd));
          else if (wakeAtMs < Infinity) shell.wait(Math.max(1, wakeAtMs - shell.now));
          else break;
          shell.fill();
        }
        expect(shell.flying).toEqual([]);
        expect(shell.held).toBe(0);
        expect(shell.s.active).toBe(0);
        for (const lane of shell.s.lanes.values()) expect([...lane.waiting, ...lane.fresh]).toEqual([]);
        expect(shell.capReached || shell.finished.length + shell.parked.length === 400).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('a record that holds what it needs is never parked for money', () => {
    fc.assert(
      fc.property(arbRun, (run) => {
        const shell = start(run);
        shell.fill();
        for (const happening of run.happenings) {
          if (happening.kind === 'stop' || happening.kind === 'refuse' || happening.kind === 'timeout') continue;
          happen(shell, happening, 101);
          shell.fill();
        }
        // Without tries that may have been billed, every record that has begun can be paid for to its end.
        expect(shell.parked.filter((r) => r.at > 0)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
