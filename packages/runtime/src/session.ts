// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { acquireJob, AppError, resumesFailure, runJob, toAppError } from '@stint/core';
import type { JobLimits, JobState, JobStatus, Lease, ModelProvider, RecordEnv, SeedSource } from '@stint/core';
import { describeThisProcess, openSeedFile, ownerIsAlive, systemClock } from '@stint/local';
import type { CommandResult, JobSummary, RunOptions } from './commands.ts';
import { exitCodeOfRun } from './exit-codes.ts';
import { exportAsItStands, writeExports } from './finish-exports.ts';
import type { Frozen } from './frozen.ts';
import { lostState, sha256 } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { limitsOf, refuseBelowRows, refuseBelowSpent } from './limits.ts';
import type { AskedLimits } from './limits.ts';
import { checkpointOf, settleEdit } from './pending-edit.ts';
import { closeAll, createProviders } from './providers.ts';
import { recordEnv } from './record-env.ts';
import type { Settings } from './settings.ts';
import { isExported, summarise } from './summary.ts';

export interface SessionOptions extends RunOptions {
  folder: JobFolder;
  /** The folder as the user named it. */
  out: string;
  frozen: Frozen;
  /** Takes edits of the job file into the folder, where there are any that may be taken; called under the lease. */
  takeEdits?: ((lease: Lease) => Promise<Frozen>) | undefined;
  /** By alias, where they are made already. */
  providers?: ReadonlyMap<string, ModelProvider> | undefined;
  settings: Settings;
  limits: AskedLimits;
  /** Only ever raise: the job file's own limits on a job that exists. */
  raise?: Omit<AskedLimits, 'concurrency'> | undefined;
  retryFailed: boolean;
  baseUrl?: string | undefined;
}

const RUNNABLE: readonly JobStatus[] = ['QUEUED', 'RUNNING', 'FAILED', 'BUDGET_EXCEEDED', 'COMPLETED'];

/** Runs a job that exists, from wherever it is, to its end here: the one way that `generate` and `resume` share. */
export async function runSession(o: SessionOptions): Promise<CommandResult<JobSummary>> {
  const jobId = o.frozen.spec.job_id;
  // Read first: a lease granted in between is in the state, too.
  const known = checkpointOf(o.folder.dir)?.epoch ?? 0;
  const state = await existing(o.folder);
  if (state.epoch < known) throw olderState(o.folder.dir);
  if (state.status === 'CANCELLED') {
    throw new AppError('FAILED_PRECONDITION', 'CANCELLED', `job ${jobId} was cancelled`, {
      hint: 'Start a new job in another folder (--out); `stint export` writes out what this one has.',
    });
  }
  const wanted = limitsOf(state.limits, o.limits, o.raise);
  const asksForMore = wanted.numRecords !== state.limits.numRecords || o.retryFailed || o.takeEdits !== undefined;
  if (state.status === 'COMPLETED' && !asksForMore) {
    const end = { status: 'COMPLETED', reason: null } as const;
    const { folder, events } = o;
    // A death while `stint export` replaced them leaves none.
    if (!(await isExported(folder.dir))) {
      const { spec } = o.frozen;
      await exportAsItStands({ folder, spec, state, endOf: () => end, formats: spec.output_format, events });
    }
    const body = await summarise(folder, o.out, jobId, state, end);
    return { exitCode: 0, body };
  }
  const clock = systemClock();
  const self = describeThisProcess();
  const lease = await acquireJob(o.folder.jobs, clock, self, (owner) => ownerIsAlive(owner, self), RUNNABLE, state);
  const { frozen, providers, seeds, env } = await prepareHeld(o, state, wanted, lease);
  const { spec } = frozen;
  const startedAt = clock.monotonic();
  const elapsedMs = (): number => state.elapsedMs + Math.round(clock.monotonic() - startedAt);
  try {
    const running = runJob({
      spec,
      jobDigest: frozen.digest,
      env,
      limits: wanted,
      providers,
      store: o.folder.store,
      jobs: o.folder.jobs,
      log: o.folder.log,
      clock,
      random: Math.random,
      sha256,
      lease,
      softLimitMs: o.settings.STINT_SOFT_LIMIT_S * 1000,
      retryFailed: o.retryFailed || resumesFailure(state),
      elapsedBeforeMs: state.elapsedMs,
      finish: async (end, signal) => {
        o.events?.exporting?.();
        const held = await existing(o.folder);
        await writeExports({
          folder: o.folder,
          spec,
          state: held,
          end,
          elapsedMs: elapsedMs(),
          formats: spec.output_format,
          seeds,
          signal,
          lease,
        });
      },
    });
    o.events?.started?.({
      jobId,
      name: spec.name,
      dir: o.out,
      progress: () => running.progress(),
      stop: (signal) => {
        running.stop({ type: 'interrupted', signal });
      },
    });
    const end = await running.done;
    const after = await existing(o.folder);
    const elapsed = end.reason?.reason === 'LEASE_LOST' ? elapsedMs() : after.elapsedMs;
    const shown = end.reason?.reason === 'LEASE_LOST' ? { status: after.status, reason: end.reason } : end;
    const body = await summarise(o.folder, o.out, jobId, { ...after, elapsedMs: elapsed }, shown);
    return { exitCode: exitCodeOfRun(end.status, end.reason), body };
  } finally {
    seeds.close();
    await closeAll(providers);
  }
}

interface Held {
  frozen: Frozen;
  providers: ReadonlyMap<string, ModelProvider>;
  seeds: SeedSource;
  env: RecordEnv;
}

/**
 * Under the lease, before anything else: limits are set only once what the dead left is accounted for, and once all that
 * the run needs is there.
 */
async function prepareHeld(o: SessionOptions, before: JobState, wanted: JobLimits, lease: Lease): Promise<Held> {
  let providers: ReadonlyMap<string, ModelProvider> = new Map();
  let seeds: SeedSource | undefined;
  try {
    const totals = await o.folder.log.takeOver(lease, Date.now());
    refuseBelowSpent(wanted, before.limits, totals);
    await refuseBelowRows(wanted, before.limits, o.folder, o.frozen.spec.job_id);
    // What a death left of an earlier edit.
    await settleEdit(o.folder);
    const frozen = (await o.takeEdits?.(lease)) ?? o.frozen;
    providers = o.providers ?? (await createProviders(frozen.spec, frozen.template, wanted.concurrency, o));
    seeds = openSeedFile(join(o.folder.dir, 'inputs', 'seeds.jsonl'));
    const env = await recordEnv(frozen.spec, frozen.template, seeds);
    if (JSON.stringify(wanted) !== JSON.stringify(before.limits)) {
      await o.folder.jobs.setLimits(lease, wanted, Date.now());
    }
    return { frozen, providers, seeds, env };
  } catch (e) {
    seeds?.close();
    await closeAll(providers);
    // The job stays as it was found.
    const status = before.status === 'RUNNING' ? 'QUEUED' : before.status;
    await o.folder.jobs
      .release(lease, { status, reason: before.reason, elapsedMs: before.elapsedMs })
      .catch((cause: unknown) => {
        o.events?.notice?.(`the lease could not be given back: ${toAppError(cause).message}`);
      });
    throw e;
  }
}

/** Calls that it does not know would be paid for again, beyond the cap. */
function olderState(dir: string): AppError {
  const file = join(dir, 'state.sqlite');
  return new AppError(
    'FAILED_PRECONDITION',
    'DAMAGED',
    `${file} is older than checkpoint.json, which knows a later run`,
    {
      hint: 'Restore the newest one from a copy of the job folder, with the files beside it. Nothing was changed.',
      details: { file },
    },
  );
}

async function existing(folder: JobFolder): Promise<JobState> {
  const state = await folder.jobs.read();
  if (state) return state;
  throw lostState(folder.dir, 'knows no job');
}
