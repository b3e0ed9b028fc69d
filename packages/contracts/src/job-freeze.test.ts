// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '@stint/core';
import type { CrashMoment } from './crash-plan.ts';
import { freezePlan } from './freeze-plan.ts';
import { startProcess } from './job-harness.ts';
import { recording } from './recording.ts';
import { scenarios } from './sweep-scenarios.ts';
import { judge, newRun, providersOf, runToEnd, undisturbed, wreckOf } from './sweep.ts';
import type { Facts, Scenario, Wreck } from './sweep.ts';

/**
 * Process A stands still at its `at`-th port call while B takes the job over; A goes on when B has made `headStart` port
 * calls (Infinity: when B is done). @returns whether A stood still at all
 */
async function twoProcesses(
  s: Scenario,
  calm: Facts,
  at: number,
  when: CrashMoment,
  headStart: number,
): Promise<{ frozen: boolean; a: RunOutcome | null }> {
  const run = await newRun(s);
  await run.disk.open().jobs.create(s.job.limits, 1);
  const wrecks: Wreck[] = [];
  let b: Promise<void> | null = null;
  let a: RunOutcome | null = null;
  const takeOver = async (): Promise<void> => {
    wrecks.push(await wreckOf(run, s));
    let began = (): void => undefined;
    const ahead = new Promise<void>((resolve) => (began = resolve));
    b = runToEnd(s, run, async (ports, limits) => {
      const watched = Object.entries(ports).map(([name, port]) => [name, recording(port as object)] as const);
      const count = (): number => watched.reduce((n, [, w]) => n + w.calls.length, 0);
      const looking = setInterval(() => {
        if (count() >= headStart) began();
      }, 0);
      const own = Object.fromEntries(watched.map(([name, w]) => [name, w.port])) as unknown as typeof ports;
      const running = await startProcess(own, s.job, providersOf(s, run.bill), limits ? { limits } : {});
      return running.done.finally(() => {
        clearInterval(looking);
      });
    }).finally(() => {
      began();
    });
    await ahead;
  };
  const plan = freezePlan(at, when, takeOver);
  const { log, jobs } = run.disk.open();
  const providers = providersOf(s, run.bill, (inner) => ({
    ...inner,
    complete: async (...args) => {
      await plan.thawed();
      const answer = await inner.complete(...args);
      await plan.thawed();
      return answer;
    },
  }));
  try {
    const ports = { store: plan.wrap(run.disk.objects), log: plan.wrap(log), jobs: plan.wrap(jobs) };
    a = await (await startProcess(ports, s.job, providers, { liveness: 'alive' })).done;
  } catch (e) {
    // It stood still before it had the lease, and was told that the job is held or done.
    if (!plan.frozen) throw e;
    expect(e).toMatchObject({ code: 'FAILED_PRECONDITION' });
  }
  await (b as Promise<void> | null);
  // Where A was never stopped, or B found nothing left to do, the rest is for the next command.
  const state = await jobs.read();
  if (state?.status !== 'COMPLETED') {
    await runToEnd(
      s,
      run,
      async (ports, limits) =>
        (await startProcess(ports, s.job, providersOf(s, run.bill), limits ? { limits } : {})).done,
    );
  }
  await judge(s, run, calm, wrecks).catch((e: unknown) => {
    throw new Error(`A stood still ${when} call ${at}, and ended ${JSON.stringify(a)}`, { cause: e });
  });
  return { frozen: plan.frozen, a };
}

const names = [
  'throttled, with a rejected attempt',
  'that replaces records given up',
  'that reaches its cap, which is raised',
  'over the border of a shard',
];

describe.each(names)('a job %s', (name) => {
  it.each([
    ['before', Infinity],
    ['after', Infinity],
    ['before', 12],
    ['after', 25],
  ] as const)(
    'that is taken over while its process stands still %s any port call (woken after %d) loses, doubles and overwrites nothing',
    async (when, headStart) => {
      const s = await (scenarios[name] ?? (() => Promise.reject(new Error(name))))();
      const calm = await undisturbed(s);
      let lost = 0;
      for (let at = 1; ; at++) {
        const { frozen, a } = await twoProcesses(s, calm, at, when, headStart);
        if (!frozen) break;
        if (a?.reason?.reason === 'LEASE_LOST') lost++;
      }
      // The loser says why it stopped.
      expect(lost).toBeGreaterThan(20);
    },
    120_000,
  );
});
