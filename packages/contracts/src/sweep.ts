// SPDX-License-Identifier: Apache-2.0
// Whole jobs for sweeps: how they run to their end through deaths, and what must be true then.
import { expect } from 'vitest';
import { JOB_CHECKPOINT_KEY, nanoToUsd } from '@stint/core';
import type { DatasetRecord, JobCheckpoint, JobLimits, ModelProvider, RejectRow, RunOutcome } from '@stint/core';
import { billingProvider, committed, emptyBill, startProcess } from './job-harness.ts';
import type { Bill, planJob, Ports, Script } from './job-harness.ts';
import { memoryDisk } from './memory-disk.ts';
import type { MemoryDisk } from './memory-disk.ts';

export interface Scenario {
  job: Awaited<ReturnType<typeof planJob>>;
  /** An answer depends on its request alone, so that any run is told the same; refusals that cost nothing may come by number. */
  script: Script;
  /** Rows that the job leaves in rejects/. */
  rejects: number;
  /** Limits of the runs after the job was stopped by its cap. */
  raised?: Partial<JobLimits>;
  prepare?: (disk: MemoryDisk) => Promise<void>;
  /** False: calls end by number as if lost, so their count is not the same in any two runs. */
  countable?: boolean;
}

/** What a job has made, without what differs from run to run: times. */
export interface Facts {
  ok: number[];
  failed: [number, number, string][];
  rejects: string[];
  prompts: string[];
  calls: number;
  ends: string[];
}

export interface SweepRun {
  disk: MemoryDisk;
  bill: Bill;
  ends: string[];
}

const MOST_RUNS = 8;
export const askOf = (key: string): string => key.split(':').slice(1, 4).join(':');

/** Everything a process of this job is started with. */
export function providersOf(s: Scenario, bill: Bill, wrap: (p: ModelProvider) => ModelProvider = (p) => p) {
  return new Map([['m', wrap(billingProvider(bill, s.script))]]);
}

/**
 * Repeats the same command until the job is COMPLETED, as its user would. `first` may stand between the processes and
 * their ports; a process that dies there is followed by the next.
 */
export async function runToEnd(
  s: Scenario,
  run: SweepRun,
  start: (ports: Ports, limits: Partial<JobLimits> | undefined) => Promise<RunOutcome | 'died'>,
): Promise<void> {
  let limits: Partial<JobLimits> | undefined;
  for (let n = 0; n < MOST_RUNS; n++) {
    const end = await start({ store: run.disk.objects, ...run.disk.open() }, limits);
    // The cap holds after every run, whatever became of it.
    const cap = limits?.budgetNanoUsd ?? s.job.limits.budgetNanoUsd;
    if (cap !== null) {
      expect(run.bill.nanoUsd).toBeLessThanOrEqual(cap);
      const { settledNanoUsd, unknownNanoUsd, heldNanoUsd } = await run.disk.open().log.totals();
      expect(settledNanoUsd + unknownNanoUsd + heldNanoUsd).toBeLessThanOrEqual(cap);
    }
    if (end === 'died') continue;
    run.ends.push(end.reason?.reason ?? end.status);
    if (end.status === 'COMPLETED') return;
    if (end.status === 'BUDGET_EXCEEDED') limits = s.raised;
  }
  throw new Error(`not complete after ${MOST_RUNS} runs: ${run.ends.join(', ')}`);
}

export async function newRun(s: Scenario): Promise<SweepRun> {
  const disk = memoryDisk();
  await s.prepare?.(disk);
  return { disk, bill: emptyBill(), ends: [] };
}

/** The same job with nobody in its way: what every other run of it is compared with. */
export async function undisturbed(s: Scenario): Promise<Facts> {
  const run = await newRun(s);
  await runToEnd(s, run, async (ports, limits) => {
    const running = await startProcess(ports, s.job, providersOf(s, run.bill), limits ? { limits } : {});
    return running.done;
  });
  const facts = await factsOf(run);
  expect(facts.rejects).toHaveLength(s.rejects);
  const totals = await run.disk.open().log.totals();
  // Nothing was killed: the log's sums are those of whoever billed.
  if (s.countable !== false) expect([totals.settledNanoUsd, totals.unknownNanoUsd]).toEqual([run.bill.nanoUsd, 0]);
  expect(totals.calls).toBe(run.bill.calls.length);
  return facts;
}

export async function factsOf({ disk, bill, ends }: SweepRun): Promise<Facts> {
  const { lines, records, docs } = await committed(disk.objects);
  const rejects: string[] = [];
  for (const { key } of docs.flatMap((d) => d.rejects)) {
    const { body } = await disk.objects.get(key);
    for (const line of Buffer.from(body).toString().trimEnd().split('\n')) {
      const { index, attempt, step, code, raw } = JSON.parse(line) as RejectRow;
      rejects.push([index, attempt, step, code, raw].join('/'));
    }
  }
  return {
    ok: [...lines.keys()],
    failed: docs.flatMap((d) => d.failed.map((f): [number, number, string] => [f.index, f.attempts, f.code])),
    rejects: rejects.sort(),
    prompts: records.flatMap((r) => promptsOf(r)),
    calls: bill.calls.length,
    ends,
  };
}

const promptsOf = (r: DatasetRecord): string[] =>
  Object.entries(r.generation_result).map(([id, s]) => `${r.index}/${r.attempt}/${id}: ${s.prompt ?? s.output}`);

/** What a death leaves: what is committed, what is paid for, and how many calls were on their way. */
export interface Wreck {
  lines: Map<number, string>;
  /** Calls whose answers the log has, by record, attempt and step, with their prompt. */
  answered: Set<string>;
  /** SENT rows: billed perhaps, and lost. */
  sent: number;
  billed: number;
}

export async function wreckOf({ disk, bill }: SweepRun, s: Scenario): Promise<Wreck> {
  const rows = [...disk.state.rows.values()].flat();
  const answered = new Set<string>();
  for (const { key, state } of rows) {
    if (state !== 'SETTLED') continue;
    const id = s.job.env.template.steps[key.step]?.id ?? '';
    const name = `${s.job.spec.job_id}:${key.index}:${key.attempt}:${id}:${key.try}`;
    const call = bill.calls.find((c) => c.key === name);
    if (call) answered.add(`${askOf(call.key)} ${call.prompt}`);
  }
  return {
    lines: (await committed(disk.objects)).lines,
    answered,
    sent: rows.filter((r) => r.state === 'SENT').length,
    billed: bill.calls.length,
  };
}

/** Everything that must hold at the end of a job that was disturbed, against one that was not. */
export async function judge(s: Scenario, run: SweepRun, calm: Facts, wrecks: readonly Wreck[]): Promise<void> {
  const { disk, bill } = run;
  const facts = await factsOf(run);
  const after = await committed(disk.objects);
  expect(facts.ok).toEqual(calm.ok);
  expect(facts.failed).toEqual(calm.failed);
  expect(facts.prompts).toEqual(calm.prompts);
  expect(facts.rejects).toEqual(calm.rejects);
  for (const wreck of wrecks) {
    for (const [index, line] of wreck.lines) expect(after.lines.get(index), `line ${index}`).toBe(line);
    const again = bill.calls.slice(wreck.billed).map((c) => `${askOf(c.key)} ${c.prompt}`);
    expect(
      again.filter((call) => wreck.answered.has(call)),
      'answers that were there are not paid for again',
    ).toEqual([]);
  }
  if (s.countable !== false) {
    const lost = wrecks.reduce((n, w) => n + w.sent, 0);
    expect(bill.calls.length, 'calls paid twice are those on their way').toBeLessThanOrEqual(calm.calls + lost);
  }
  const { log, jobs } = disk.open();
  const totals = await log.totals();
  expect(await log.recount()).toEqual(totals);
  expect(totals.heldNanoUsd).toBe(0);
  expect(totals.settledNanoUsd + totals.unknownNanoUsd).toBeGreaterThanOrEqual(bill.nanoUsd);
  expect(after.docs.reduce((n, d) => n + d.spend_nano_usd, 0)).toBeLessThanOrEqual(totals.settledNanoUsd);
  expect(await jobs.read()).toMatchObject({ status: 'COMPLETED', lease: null });
  const checkpoint = JSON.parse(
    Buffer.from((await disk.objects.get(JOB_CHECKPOINT_KEY)).body).toString(),
  ) as JobCheckpoint;
  expect(checkpoint).toMatchObject({
    completed: true,
    records_generated: after.docs.reduce((n, d) => n + d.ok.reduce((m, [a, b]) => m + b - a + 1, 0), 0),
    cost_accumulated: nanoToUsd(totals.settledNanoUsd),
  });
  expect(checkpoint.shards.map((x) => [x.shard, x.seq, x.digest])).toEqual(
    after.docs.map((d) => [d.shard, d.seq, d.digest]),
  );
}
