// SPDX-License-Identifier: Apache-2.0

import { resolve } from 'node:path';
import { AppError, LEASE_MS, outputFormats, reasonOf, toAppError } from '@stint/core';
import type { JobReason, JobState, JobStatus, Lease, OutputFormat } from '@stint/core';
import { describeThisProcess, ownerIsAlive } from '@stint/local';
import { asResult } from './as-result.ts';
import type { CommandResult, JobSummary, RunOptions } from './commands.ts';
import { exportAsItStands } from './finish-exports.ts';
import { lostState, openJobFolder, readSpec } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { readSettings } from './settings.ts';
import { summarise } from './summary.ts';

/** `stint status DIR`: the summary of the job as it stands; changes nothing. */
export async function status(o: RunOptions & { dir: string }): Promise<CommandResult<JobSummary>> {
  return withFolder(
    o,
    async (folder, state, jobId) => {
      const body = await summarise(folder, o.dir, jobId, state, shownOf(state));
      return { exitCode: 0, body };
    },
    { forReading: true },
  );
}

/** A RUNNING job whose process is gone waits for the next run, which takes it over. */
function shownOf(state: JobState): { status: JobStatus; reason: JobReason | null } {
  if (state.status === 'COMPLETED') return { status: 'COMPLETED', reason: null };
  if (state.status !== 'RUNNING' || !isGone(state.lease)) return { status: state.status, reason: state.reason };
  const reason = new AppError('CANCELED', 'INTERRUPTED', 'the process that ran it ended without a word', {
    hint: 'Run the same command again to go on from here; nothing paid for is lost.',
    details: { signal: null },
  });
  return { status: 'QUEUED', reason: reasonOf(reason) };
}

/** Nobody holds it, or only one that can't come back or overslept. */
function isGone(lease: Lease | null): boolean {
  return !lease || lease.expiresAtMs <= Date.now() || ownerIsAlive(lease.owner, describeThisProcess()) === 'dead';
}

/** How long `cancel` waits for the holder to stop, ms; it lets calls in flight go on for 10 s. */
const CANCEL_WAIT_MS = 20_000;

/** `stint cancel DIR`: for good. A holder stops at its next heartbeat; what is committed stays. */
export async function cancel(o: RunOptions & { dir: string }): Promise<CommandResult<JobSummary>> {
  return withFolder(o, async (folder, state, jobId) => {
    if (state.status === 'COMPLETED') {
      throw new AppError('FAILED_PRECONDITION', 'ALREADY_COMPLETED', `job ${jobId} is COMPLETED already`, {
        hint: 'There is nothing left to cancel.',
      });
    }
    const until = Date.now() + CANCEL_WAIT_MS;
    for (let seen: JobState | null = state; ; seen = await folder.jobs.read()) {
      const now = await folder.jobs.cancel(isGone(seen?.lease ?? null), seen?.epoch ?? 0, Date.now());
      if (now === 'CANCELLED') break;
      if (now === 'COMPLETED') {
        throw new AppError('FAILED_PRECONDITION', 'ALREADY_COMPLETED', `job ${jobId} completed in the meantime`);
      }
      if (Date.now() > until) {
        throw new AppError('UNAVAILABLE', 'CANCEL_PENDING', 'the process that holds the job has not stopped yet', {
          hint: 'The request stays: it stops at its next heartbeat. Look again with `stint status`.',
        });
      }
      await new Promise((done) => setTimeout(done, 200));
    }
    await closeCallLog(folder);
    const after = await folder.jobs.read();
    const body = await summarise(folder, o.dir, jobId, after ?? state, { status: 'CANCELLED', reason: null });
    return { exitCode: 0, body };
  });
}

/** No run will ever take over what a holder that died left in the call log: it is accounted for here. */
async function closeCallLog({ jobs, log }: JobFolder): Promise<void> {
  const state = await jobs.read();
  if (!state) return;
  try {
    const lease = await jobs.acquire('job', describeThisProcess(), state.epoch, Date.now() + LEASE_MS, []);
    await log.takeOver(lease, Date.now());
    await jobs.release(lease, { status: 'CANCELLED', reason: state.reason, elapsedMs: state.elapsedMs });
  } catch (e) {
    // Another `cancel` is at it.
    if (toAppError(e).reason !== 'LEASE_LOST') throw e;
  }
}

/** `stint export DIR`: writes what is committed so far, whatever the job's status. */
export async function exportDataset(
  o: RunOptions & { dir: string; formats?: readonly string[] | undefined },
): Promise<CommandResult<JobSummary>> {
  return withFolder(o, async (folder, found, jobId) => {
    const { spec } = await readSpec(folder.dir);
    const formats = o.formats?.map(formatOf) ?? spec.output_format;
    const state = await exportAsItStands({ folder, spec, state: found, endOf: shownOf, formats, events: o.events });
    const body = await summarise(folder, o.dir, jobId, state, shownOf(state));
    return { exitCode: 0, body };
  });
}

function formatOf(text: string): OutputFormat {
  const upper = text.toUpperCase();
  const found = outputFormats.find((f) => f === upper);
  if (found) return found;
  throw new AppError('INVALID_ARGUMENT', 'BAD_FORMAT', `--format ${text}: not a format`, {
    hint: `Use one of ${outputFormats.join(', ')}.`,
  });
}

async function withFolder(
  o: RunOptions & { dir: string },
  run: (folder: JobFolder, state: JobState, jobId: string) => Promise<CommandResult<JobSummary>>,
  how: { forReading?: boolean } = {},
): Promise<CommandResult<JobSummary>> {
  return asResult(async () => {
    const settings = readSettings(o.env);
    const dir = resolve(o.cwd, o.dir);
    const { spec } = await readSpec(dir);
    const folder = openJobFolder(dir, { create: false, sync: settings.STINT_SYNC, ...how });
    try {
      const state = await folder.jobs.read();
      if (!state) throw lostState(dir, 'knows no job');
      return await run(folder, state, spec.job_id);
    } finally {
      await folder.close();
    }
  });
}
