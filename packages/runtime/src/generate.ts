// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { AppError, encodeUtf8, JOB_KEY, toAppError, usdToNano } from '@stint/core';
import type { JobSpec } from '@stint/core';
import { errorBody } from './commands.ts';
import type { CommandResult, GenerateOptions, JobSummary } from './commands.ts';
import { exitCodeOfError } from './exit-codes.ts';
import { compareWithFrozen, freezeInputs, frozenInputsMissing, loadJob, readFrozen } from './intake/index.ts';
import type { LoadedJob } from './intake/index.ts';
import { openJobFolder, readSpec } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { runSession } from './session.ts';
import { readSettings } from './settings.ts';

/** Turns what a command throws into its body and exit code; only what is no AppError passes for our own fault. */
export async function asResult<T>(run: () => Promise<CommandResult<T>>): Promise<CommandResult<T>> {
  try {
    return await run();
  } catch (e) {
    const error = toAppError(e);
    return { exitCode: exitCodeOfError(error), body: { error: errorBody(error) } };
  }
}

/** `stint generate JOB`: creates the job or goes on with it, and runs it to its end here. */
export async function generate(o: GenerateOptions): Promise<CommandResult<JobSummary>> {
  return asResult(async () => {
    const settings = readSettings(o.env);
    const loaded = await loadJob({
      jobPath: o.jobPath,
      env: o.env,
      cwd: o.cwd,
      overrides: {
        numRecords: o.numRecords,
        budgetLimit: o.budgetLimit,
        jobSeed: o.jobSeed,
        concurrency: o.concurrency,
        baseUrl: o.baseUrl,
      },
    });
    for (const w of loaded.warnings) o.events?.notice?.(`warning: ${w.file ? `${w.file}: ` : ''}${w.message}`);
    const out = o.out ?? join('stint-out', loaded.draft.name);
    const dir = resolve(o.cwd, out);
    refuseForeignFolder(dir, out);
    const folder = openJobFolder(dir, { create: true, sync: settings.STINT_SYNC });
    try {
      const { spec, digest, created } = await createOrRead(folder, loaded, o);
      const frozen = readFrozen(dir, spec);
      return await runSession({
        ...o,
        folder,
        out: isAbsolute(out) ? out : relative(o.cwd, dir) || '.',
        spec,
        jobDigest: digest,
        template: frozen.compiled,
        settings,
        limits: flagLimits(o),
        raise: created
          ? undefined
          : { budgetNanoUsd: loaded.fileLimits.budgetNanoUsd, numRecords: loaded.fileLimits.numRecords },
        retryFailed: false,
      });
    } finally {
      await folder.close();
    }
  });
}

/** The limits that flags set, whatever is in force. */
export function flagLimits(o: {
  numRecords?: number | undefined;
  budgetLimit?: string | undefined;
  concurrency?: number | undefined;
}) {
  return {
    ...(o.numRecords === undefined ? {} : { numRecords: o.numRecords }),
    ...(o.budgetLimit === undefined ? {} : { budgetNanoUsd: usdToNano(o.budgetLimit) }),
    ...(o.concurrency === undefined ? {} : { concurrency: o.concurrency }),
  };
}

/** A folder with other things in it is never written to. */
function refuseForeignFolder(dir: string, out: string): void {
  if (!existsSync(dir)) return;
  let entries: string[];
  try {
    entries = readdirSync(dir);
  } catch (cause) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `--out ${out}: not a folder that can be read`, {
      cause,
      hint: 'Name another folder with --out.',
    });
  }
  const ours = new Set([JOB_KEY, 'state.sqlite']);
  if (entries.length === 0 || entries.some((e) => ours.has(e))) return;
  throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `--out ${out}: the folder has other files in it and no job`, {
    hint: 'Name an empty or new folder with --out.',
  });
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const newJobId = (name: string): string => `${name}-${[...randomBytes(10)].map((b) => BASE32[b % 32]).join('')}`;

/**
 * `job.json` is created first and only once: of two processes that create the same folder, one wins and the other goes
 * on with what the winner froze. Inputs follow, complete by their digests; the state row last.
 */
async function createOrRead(
  folder: JobFolder,
  loaded: LoadedJob,
  o: GenerateOptions,
): Promise<{ spec: JobSpec; digest: string; created: boolean }> {
  const { dir } = folder;
  let created = false;
  if (!existsSync(join(dir, JOB_KEY))) {
    if (await folder.jobs.read()) {
      throw new AppError('FAILED_PRECONDITION', 'DAMAGED', `${join(dir, JOB_KEY)} is gone, though the job has begun`, {
        hint: 'Restore it from a copy of the folder, or start anew in another folder (--out).',
      });
    }
    const spec: JobSpec = {
      ...loaded.draft,
      job_id: newJobId(loaded.draft.name),
      created_at: new Date().toISOString(),
      job_seed: loaded.draft.job_seed ?? randomInt(2 ** 47),
    };
    try {
      await folder.store.put(JOB_KEY, encodeUtf8(`${JSON.stringify(spec, null, 2)}\n`), { create: true });
      created = true;
    } catch (e) {
      if (toAppError(e).reason !== 'OBJECT_EXISTS') throw e;
    }
  }
  let { spec, digest } = await readSpec(dir);
  if (!created) {
    const stepsRun = new Set(await folder.log.stepsRun());
    const compared = compareWithFrozen(loaded, spec, { stepsRun });
    if (compared.changes.length > 0) {
      throw new AppError(
        'FAILED_PRECONDITION',
        'INPUT_CHANGED',
        `the job in ${dir} was created from other inputs: ${compared.changes.join('; ')}`,
        {
          hint: 'Put the inputs back, or start a new job in another folder (--out).',
          details: { changes: compared.changes },
        },
      );
    }
    if (compared.refrozen) {
      await freezeInputs(loaded, dir);
      await folder.store.put(JOB_KEY, encodeUtf8(`${JSON.stringify(compared.refrozen, null, 2)}\n`), {
        etag: (await folder.store.get(JOB_KEY)).etag,
      });
      o.events?.notice?.('the template was edited in steps that no record has run yet; the edit is taken over');
      ({ spec, digest } = await readSpec(dir));
    }
  }
  if (created || frozenInputsMissing(dir, spec)) await freezeInputs(loaded, dir);
  if (!(await folder.jobs.read())) {
    const limits = {
      budgetNanoUsd: spec.budget_limit_nano_usd,
      numRecords: spec.num_records,
      concurrency: spec.concurrency,
    };
    await folder.jobs.create(limits, Date.now()).catch((e: unknown) => {
      if (toAppError(e).reason !== 'JOB_EXISTS') throw e;
    });
  }
  return { spec, digest, created };
}
