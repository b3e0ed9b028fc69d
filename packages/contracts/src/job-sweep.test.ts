// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { crashPlan } from './crash-plan.ts';
import type { CrashMoment, CrashPlan } from './crash-plan.ts';
import { startProcess } from './job-harness.ts';
import { scenarios } from './sweep-scenarios.ts';
import { judge, newRun, providersOf, runToEnd, undisturbed, wreckOf } from './sweep.ts';
import type { Scenario, SweepRun, Wreck } from './sweep.ts';

/** Runs the job to its end through the deaths of these plans, one after the other; each counts calls over all its processes. */
async function throughDeaths(s: Scenario, run: SweepRun, plans: readonly CrashPlan[]): Promise<Wreck[]> {
  const wrecks: Wreck[] = [];
  const left = [...plans];
  await runToEnd(s, run, async (ports, limits) => {
    const [plan] = left;
    if (!plan) {
      const running = await startProcess(ports, s.job, providersOf(s, run.bill), limits ? { limits } : {});
      return running.done;
    }
    const wrapped = { store: plan.wrap(ports.store), log: plan.wrap(ports.log), jobs: plan.wrap(ports.jobs) };
    // A dead process sends nothing: what it had on its way stays billed, what it would send later never goes out.
    const providers = providersOf(s, run.bill, (inner) => ({
      ...inner,
      complete: (...args) => (plan.crashed ? new Promise(() => undefined) : inner.complete(...args)),
    }));
    try {
      const running = await startProcess(wrapped, s.job, providers, { softLimitMs: 0, ...(limits ? { limits } : {}) });
      const end = await running.done;
      if (!plan.crashed) return end;
    } catch (e) {
      if (!plan.crashed) throw e;
    }
    left.shift();
    wrecks.push(await wreckOf(run, s));
    return 'died';
  });
  return wrecks;
}

describe.each(Object.entries(scenarios))('a job %s', (_name, make) => {
  it.each<CrashMoment>(['before', 'after'])(
    'ends as undisturbed when its process dies %s any port call takes effect',
    async (when) => {
      const s = await make();
      const calm = await undisturbed(s);
      let crashes = 0;
      for (let at = 1; ; at++) {
        const run = await newRun(s);
        const plan = crashPlan(at, when);
        const wrecks = await throughDeaths(s, run, [plan]);
        await judge(s, run, calm, wrecks).catch((e: unknown) => {
          throw new Error(`crash ${when} call ${at}, runs ${run.ends.join(', ')}`, { cause: e });
        });
        if (!plan.crashed) break;
        crashes++;
      }
      expect(crashes).toBeGreaterThan(30);
    },
    120_000,
  );

  it('ends as undisturbed when its processes die again and again, at seeded places', async () => {
    const s = await make();
    const calm = await undisturbed(s);
    let died = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const run = await newRun(s);
      const plans = [1, 2, 3, 4, 5].map((n) =>
        crashPlan(3 + ((seed * 16_807 * n) % 41), (seed + n) % 2 === 0 ? 'before' : 'after'),
      );
      const wrecks = await throughDeaths(s, run, plans);
      await judge(s, run, calm, wrecks).catch((e: unknown) => {
        throw new Error(`seed ${seed}`, { cause: e });
      });
      died += wrecks.length;
    }
    expect(died).toBeGreaterThan(24);
  }, 60_000);
});
