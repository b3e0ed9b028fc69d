// SPDX-License-Identifier: Apache-2.0
import { AppError, isAppError, toAppError } from '../errors.ts';
import type { JobSpec } from '../formats/job.ts';
import { SHARD_SIZE } from '../formats/shard-checkpoint.ts';
import type { ShardCheckpoint } from '../formats/shard-checkpoint.ts';
import type { CallLog } from '../ports/call-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { JobLimits, JobStore, Lease } from '../ports/job-store.ts';
import type { ModelProvider } from '../ports/model-provider.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { chargeLostRecords, findOrphans } from './adopt.ts';
import { Committer } from './committer.ts';
import type { Sha256 } from './digest.ts';
import { IndexSource } from './index-source.ts';
import { JobRun } from './job-run.ts';
import type { JobProgress } from './job-progress.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { nanoToUsd } from './money.ts';
import { outcomeOf, reasonOf } from './outcome.ts';
import type { RunOutcome, StopCause } from './outcome.ts';
import { countOf } from './ranges.ts';
import type { RecordEnv } from './record.ts';
import { ShardBook } from './shard-book.ts';

export interface RunJobDeps {
  spec: JobSpec;
  /** sha256 of job.json as stored. */
  jobDigest: string;
  env: RecordEnv;
  limits: JobLimits;
  /** By alias, for every alias the template uses. */
  providers: ReadonlyMap<string, ModelProvider>;
  store: ObjectStore;
  jobs: JobStore;
  log: CallLog;
  clock: Clock;
  /** Uniform in [0, 1), for jitter only. */
  random: () => number;
  sha256: Sha256;
  /** Taken already (`acquireJob`). */
  lease: Lease;
  softLimitMs: number;
  /** Indices given up get `max_attempts` new attempts. */
  retryFailed: boolean;
  /** Wall time of earlier runs, ms. */
  elapsedBeforeMs: number;
  /**
   * Writes the exports of a job that ended COMPLETED or BUDGET_EXCEEDED, while the lease is still held. Rejecting with
   * CANCELED (by the signal) or a storage error leaves the job QUEUED.
   */
  finish: (end: RunOutcome, signal: AbortSignal) => Promise<void>;
}

/** A job at work in this process. */
export interface RunningJob {
  /** Resolves once the lease is given back (or lost); rejects only for what left the job as it was. */
  done: Promise<RunOutcome>;
  stop(cause: StopCause): void;
  progress(): JobProgress | null;
}

/** Runs a job under its lease: take over, seal, adopt, generate, commit, export, give the lease back. */
export function runJob(d: RunJobDeps): RunningJob {
  let run: JobRun | null = null;
  let early: StopCause | null = null;
  const finishing = new AbortController();
  const stop = (cause: StopCause): void => {
    finishing.abort(new AppError('CANCELED', 'ABORTED', 'stopped while writing the exports'));
    if (run) run.stop(cause);
    early ??= cause;
  };
  const keeper = new LeaseKeeper(d.jobs, d.clock, d.lease, {
    lost: (error) => {
      stop({ type: 'lost', error });
    },
    cancel: () => {
      stop({ type: 'cancelled' });
    },
  });
  const startedAt = d.clock.monotonic();

  const work = async (): Promise<RunOutcome> => {
    const prepared = await prepare(d, keeper);
    run = new JobRun(prepared.runDeps);
    if (early) run.stop(early);
    await run.run();
    const { cause } = run;
    const end = cause ? outcomeOf(cause) : endOf(d, run);
    if (cause?.type === 'lost' || cause?.type === 'storage') return end;
    const totals = await d.log.totals();
    const completed = end.status === 'COMPLETED';
    await prepared.book.writeJobCheckpoint(completed, totals.inputTokens + totals.outputTokens, totals.settledNanoUsd);
    if (end.status !== 'COMPLETED' && end.status !== 'BUDGET_EXCEEDED') return end;
    try {
      await d.finish(end, finishing.signal);
    } catch (e) {
      // `early` is set by whoever aborted the export.
      if (finishing.signal.aborted && early) return outcomeOf(early);
      throw e;
    }
    return end;
  };

  const done = (async () => {
    let end: RunOutcome;
    try {
      end = await work();
    } catch (e) {
      end = outcomeOfError(e);
    }
    await keeper.stop();
    if (end.reason?.reason === 'LEASE_LOST') return end;
    const elapsedMs = d.elapsedBeforeMs + Math.round(d.clock.monotonic() - startedAt);
    try {
      await d.jobs.release(keeper.lease, { status: end.status, reason: end.reason, elapsedMs });
    } catch (e) {
      const error = toAppError(e);
      if (error.reason === 'LEASE_LOST') return outcomeOf({ type: 'lost', error });
      if (end.reason === null) return outcomeOf({ type: 'storage', error });
    }
    return end;
  })();
  return { done, stop, progress: () => run?.progress ?? null };
}

function outcomeOfError(e: unknown): RunOutcome {
  const error = toAppError(e);
  if (error.reason === 'LEASE_LOST') return outcomeOf({ type: 'lost', error });
  if (error.reason === 'STORAGE_UNAVAILABLE' || (isAppError(e) && e.code === 'PERMISSION_DENIED')) {
    return outcomeOf({ type: 'storage', error });
  }
  return { status: 'QUEUED', reason: reasonOf(error) };
}

/** Everything between the lease and the first record. */
async function prepare(d: RunJobDeps, keeper: LeaseKeeper) {
  const { store, log, clock, spec, sha256, limits } = d;
  const lease = (): Lease => keeper.lease;
  await log.takeOver(lease(), clock.now());
  const book = new ShardBook(
    { store, sha256, clock, spec, jobDigest: d.jobDigest, lease: lease() },
    await log.commits(),
  );
  const indices = new IndexSource();
  const named = new Set<string>();
  const retry: number[] = [];
  const learn = (doc: ShardCheckpoint): void => {
    for (const batch of doc.batches) named.add(batch.key);
    indices.learn(doc);
  };
  const chargeLost = (doc: ShardCheckpoint): Promise<void> => chargeLostRecords(store, log, lease(), doc, clock.now());
  await book.load(async (doc) => {
    if (d.retryFailed && doc.failed.length > 0) retry.push(doc.shard);
    learn(doc);
    await chargeLost(doc);
  });
  const committer = new Committer(store, book, log, lease, sha256);
  for (const shard of retry) {
    learn(
      await book.advance(shard, (doc) => ({
        ...doc,
        failed: [],
        retrying: [...doc.retrying, ...doc.failed.map(({ index, attempts }) => ({ index, attempts }))],
      })),
    );
  }
  // Whoever held the job before may still be about to name its last batch: sealed first, looked for orphans then.
  for (const shard of book.pendingShards()) learn((await book.open(shard)).doc);
  const found = await findOrphans(store, sha256, spec.job_id, named, (i) => indices.isPending(i));
  const shards = new Set(found.map((o) => Math.floor(o.index / SHARD_SIZE)));
  for (const shard of shards) learn((await book.open(shard)).doc);
  for (const decided of found) if (indices.isPending(decided.index)) committer.add(decided);
  if (committer.waiting > 0) {
    await committer.commit();
    for (const shard of shards) {
      const { doc } = await book.open(shard);
      learn(doc);
      await chargeLost(doc);
    }
  }
  const counts = { ok: 0, failed: 0, rejected: 0 };
  for (const s of book.summaries.values()) {
    counts.ok += s.ok;
    counts.failed += s.failed;
    counts.rejected += s.rejected;
  }
  const totals = await log.totals();
  return {
    book,
    runDeps: {
      env: d.env,
      limits,
      providers: d.providers,
      log,
      lease,
      clock,
      random: d.random,
      indices,
      book,
      committer,
      totals,
      beyond: await log.beyond(),
      counts,
      softLimitMs: d.softLimitMs,
    },
  };
}

/** A run that nobody stopped: done, at the cap, or short. */
function endOf(d: RunJobDeps, run: JobRun): RunOutcome {
  const { ok, failed, settledNanoUsd, unknownNanoUsd } = run.progress;
  const target = d.limits.numRecords;
  if (ok >= target) return { status: 'COMPLETED', reason: null };
  if (run.capReached) {
    const cap = d.limits.budgetNanoUsd ?? 0;
    const rest = ok > 0 ? Math.ceil((settledNanoUsd / ok) * (target - ok)) : null;
    const one = run.nextRecordNanoUsd;
    const next = one === null ? '' : `; one may cost $${usd(one)}`;
    const more = rest === null ? next : `; the other ${String(target - ok)} would cost about $${usd(rest)}`;
    return {
      status: 'BUDGET_EXCEEDED',
      reason: reasonOf(
        new AppError(
          'RESOURCE_EXHAUSTED',
          'BUDGET_EXCEEDED',
          `budget_limit $${usd(cap)} is reached with ${String(ok)} of ${String(target)} records${more}`,
          {
            hint: 'Raise it (--budget-limit) and run the same command again; what is paid for is exported.',
            details: {
              cap_usd: nanoToUsd(cap),
              spent_usd: nanoToUsd(settledNanoUsd + unknownNanoUsd),
              rest_usd: rest === null ? null : nanoToUsd(rest),
              next_record_usd: one === null ? null : nanoToUsd(one),
            },
          },
        ),
      ),
    };
  }
  if (d.spec.on_shortfall === 'fail') {
    return {
      status: 'FAILED',
      reason: reasonOf(
        new AppError('FAILED_PRECONDITION', 'SHORTFALL', `${String(failed)} of ${String(target)} records failed`, {
          hint: 'Run the same command again to give failed records new attempts.',
          details: { ok, failed, target },
        }),
      ),
    };
  }
  return { status: 'COMPLETED', reason: null };
}

/** To the cent, small sums to their last digit. */
const usd = (nano: number): string =>
  nano < 10_000_000
    ? nanoToUsd(nano)
        .toFixed(9)
        .replace(/0{1,3}$/, '')
    : nanoToUsd(nano).toFixed(2);

/** Rows committed, for the summary of a job that is not at work. */
export function countsOf(docs: Iterable<ShardCheckpoint>): { ok: number; failed: number; rejected: number } {
  const counts = { ok: 0, failed: 0, rejected: 0 };
  for (const doc of docs) {
    counts.ok += countOf(doc.ok);
    counts.failed += doc.failed.length;
    counts.rejected += doc.rejects.reduce((n, r) => n + r.rows, 0);
  }
  return counts;
}
