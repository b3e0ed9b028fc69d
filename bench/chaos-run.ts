// SPDX-License-Identifier: Apache-2.0
// Kills the real process at random moments until the kills are used up, lets it finish, and compares what is there with
// what an undisturbed run made.
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { benchFolder } from './job-folder.ts';
import { startCli, startStub } from './processes.ts';
import type { Stub } from './processes.ts';

export interface ChaosOptions {
  kills: number;
  seed: number;
  records: number;
  concurrency: number;
  /** USD. */
  budget: number;
  onKill?: ((done: number) => void) | undefined;
}

export interface ChaosReport {
  /** Processes that SIGKILL really ended, and those that were done before. */
  killed: number;
  finishedEarly: number;
  /** Of the kills: before the first record was committed in that run, while generating, while exporting. */
  moments: { starting: number; generating: number; exporting: number };
  /** Calls that the stub answered more often than records needed. */
  paidTwice: number;
  spendUsd: number;
  violations: string[];
}

interface Row {
  index: number;
  generation_result: Record<string, { prompt: string }>;
}

/** Seeded; uniform in [0, 1). */
function randomOf(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export async function chaosRun(o: ChaosOptions): Promise<ChaosReport> {
  const random = randomOf(o.seed);
  const folder = benchFolder(2);
  // Long enough that kills fall into calls, short enough that a run is over soon.
  const stub = await startStub({ latencyMs: 15, jitterMs: 30 });
  const report: ChaosReport = {
    killed: 0,
    finishedEarly: 0,
    moments: { starting: 0, generating: 0, exporting: 0 },
    paidTwice: 0,
    spendUsd: 0,
    violations: [],
  };
  try {
    const change = {
      num_records: o.records,
      concurrency: o.concurrency,
      budget_limit: o.budget,
      output_format: ['JSONL', 'CSV'],
    };
    const calm = await startCli([...folder.job('calm', change), '--base-url', stub.url], folder.dir).done;
    if (calm.code !== 0) throw new Error(`the undisturbed run failed: ${calm.stderr}`);
    const expected = rowsOf(join(folder.dir, 'out-calm'));
    await stub.reset();

    const args = [...folder.job('chaos', { ...change, name: 'chaos' }), '--base-url', stub.url];
    await killUntilDone(o, args, folder.dir, random, report, stub);
    await judge(o, folder.dir, expected, report, stub);
    return report;
  } finally {
    await stub.stop();
    folder.remove();
  }
}

async function killUntilDone(
  o: ChaosOptions,
  args: readonly string[],
  cwd: string,
  random: () => number,
  report: ChaosReport,
  stub: Stub,
): Promise<void> {
  const out = join(cwd, 'out-chaos');
  const committed = new Map<string, string>();
  let target = o.records;
  while (report.killed < o.kills) {
    const run = startCli([...args, '--num-records', String(target)], cwd);
    const before = (await stub.stats()).accepted;
    const over = new AbortController();
    const hasBegun = async (): Promise<boolean> => (await stub.stats()).accepted > before;
    const killing = killAtSomeTime(run.child, { out, random, over: over.signal, hasBegun });
    const end = await run.done;
    over.abort();
    await killing;
    if (end.signal === 'SIGKILL') {
      report.killed++;
      o.onKill?.(report.killed);
      if ((await stub.stats()).accepted === before) report.moments.starting++;
      else if (isExporting(out, run.child.pid)) report.moments.exporting++;
      else report.moments.generating++;
    } else if (end.code === 0) {
      report.finishedEarly++;
      // A finished job is given more to do, so that every kill hits one at work.
      target += o.records;
    } else {
      report.violations.push(`a run ended with ${String(end.code ?? end.signal)}: ${end.stderr.slice(0, 500)}`);
      return;
    }
    compareCommitted(out, committed, report);
  }
  const last = await startCli([...args, '--num-records', String(target)], cwd).done;
  if (last.code !== 0)
    report.violations.push(`the last run ended with ${String(last.code)}: ${last.stdout} ${last.stderr}`);
  compareCommitted(out, committed, report);
  const indices = rowsOf(out).map((r) => r.index);
  const missing = Array.from({ length: target }, (_, i) => i).filter((i) => indices[i] !== i);
  if (indices.length !== target || missing.length > 0) {
    report.violations.push(`${indices.length} rows for ${target} records, first wrong index ${String(missing[0])}`);
  }
}

/** Mostly while it generates; now and then while it starts, or while it writes the exports. */
async function killAtSomeTime(
  child: ChildProcess,
  o: { out: string; random: () => number; over: AbortSignal; hasBegun: () => Promise<boolean> },
): Promise<void> {
  const { out, random, over } = o;
  const [kind, when] = [random(), random()];
  const wait = (ms: number): Promise<void> => setTimeout(ms, undefined, { signal: over }).catch(() => undefined);
  if (kind < 0.15) {
    await wait(when * 150);
  } else if (kind < 0.8) {
    // From its first call on, so that a slow machine is not only killed while it starts.
    while (!over.aborted && !(await o.hasBegun())) await wait(5);
    await wait(when * 400);
  } else {
    while (!over.aborted && !isExporting(out, child.pid)) await setTimeout(1);
    if (when < 0.5) await wait(when * 60);
  }
  if (!over.aborted) child.kill('SIGKILL');
}

/** An export is made in a folder among the half-written files, named for its process; objects are files there. */
function isExporting(out: string, pid: number | undefined): boolean {
  const halfWritten = join(out, '.tmp');
  if (!existsSync(halfWritten)) return false;
  const entries = readdirSync(halfWritten, { withFileTypes: true });
  return entries.some((e) => e.isDirectory() && e.name.split('-')[1] === String(pid));
}

/** A batch file that was ever named by a checkpoint never changes and never goes. */
function compareCommitted(out: string, known: Map<string, string>, report: ChaosReport): void {
  const shards = join(out, 'shards');
  if (!existsSync(shards)) return;
  const named = new Set<string>();
  for (const shard of readdirSync(shards)) {
    const path = join(shards, shard, 'checkpoint.json');
    if (!existsSync(path)) continue;
    const doc = JSON.parse(readFileSync(path, 'utf8')) as { batches: { key: string }[] };
    for (const b of doc.batches) named.add(b.key);
  }
  for (const [key, digest] of known) {
    if (!named.has(key)) report.violations.push(`${key} was committed and is named no longer`);
    else if (digestOf(join(out, key)) !== digest) report.violations.push(`${key} was committed and has changed`);
  }
  for (const key of named) if (!known.has(key)) known.set(key, digestOf(join(out, key)));
}

async function judge(
  o: ChaosOptions,
  cwd: string,
  expected: readonly Row[],
  report: ChaosReport,
  stub: Stub,
): Promise<void> {
  const rows = rowsOf(join(cwd, 'out-chaos'));
  for (const row of expected) {
    const [now, then] = [rows[row.index], row].map((r) => r?.generation_result['s0']?.prompt);
    if (now !== then) report.violations.push(`record ${row.index} has another prompt than in the undisturbed run`);
  }
  const s = await stub.stats();
  report.spendUsd = s.spendNanoUsd / 1e9;
  report.paidTwice = s.accepted - 2 * rows.length;
  if (report.spendUsd > o.budget) report.violations.push(`$${report.spendUsd} were spent of $${o.budget}`);
  if (report.paidTwice > report.killed * o.concurrency) {
    report.violations.push(`${report.paidTwice} calls were paid twice in ${report.killed} kills`);
  }
  const verified = await startCli(['verify', 'out-chaos', '--json'], cwd).done;
  if (verified.code !== 0) report.violations.push(`verify: ${verified.stdout.slice(0, 1000)}${verified.stderr}`);
}

function rowsOf(out: string): Row[] {
  return readFileSync(join(out, 'exports/dataset.jsonl'), 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l) as Row);
}

const digestOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
