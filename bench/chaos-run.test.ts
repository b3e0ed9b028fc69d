// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { chaosRun } from './chaos-run.ts';
import { benchFolder } from './job-folder.ts';
import { startCli, startStub } from './processes.ts';

test(
  'twenty real SIGKILLs: every record once, nothing committed changes, nothing paid beyond what was in flight',
  { timeout: 180_000 },
  async () => {
    const report = await chaosRun({ kills: 20, seed: 11, records: 300, concurrency: 16, budget: 10 });
    expect(report.violations).toEqual([]);
    expect(report.killed).toBe(20);
    expect(report.moments.generating).toBeGreaterThanOrEqual(5);
    expect(report.moments.exporting).toBeGreaterThan(0);
    // A run that was never hit in flight would prove nothing.
    expect(report.paidTwice).toBeGreaterThan(0);
  },
);

test(
  'killed again and again on the way to its cap: the stub never bills more than the cap',
  { timeout: 180_000 },
  async () => {
    const folder = benchFolder(2);
    const stub = await startStub({ latencyMs: 20, jitterMs: 60 });
    const cap = 0.6;
    try {
      const args = folder.job('capped', { num_records: 100_000, concurrency: 32, budget_limit: cap });
      for (let kills = 0; kills < 6; kills++) {
        const before = (await stub.stats()).accepted;
        const run = startCli([...args, '--base-url', stub.url], folder.dir);
        // Amid its calls, however slow the machine is.
        while (run.child.exitCode === null && (await stub.stats()).accepted < before + 40 + 20 * kills);
        run.child.kill('SIGKILL');
        expect((await run.done).code).toBe(null);
        expect((await stub.stats()).spendNanoUsd).toBeLessThanOrEqual(cap * 1e9);
      }
      const end = await startCli([...args, '--base-url', stub.url], folder.dir).done;
      expect(end.code).toBe(5);
      const { spendNanoUsd } = await stub.stats();
      const { cost_usd: cost } = JSON.parse(end.stdout) as { cost_usd: Record<string, number> };
      expect(spendNanoUsd).toBeLessThanOrEqual(cap * 1e9);
      expect(cost['unknown']).toBeGreaterThan(0);
      expect((cost['settled'] ?? 0) + (cost['unknown'] ?? 0)).toBeLessThanOrEqual(cap);
      expect(cost['held']).toBe(0);
    } finally {
      await stub.stop();
      folder.remove();
    }
  },
);
