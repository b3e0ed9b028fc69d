// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { AppError, encodeUtf8, JOB_KEY, toAppError } from '@stint/core';
import type { JobSpec } from '@stint/core';
import { requirePlainFiles } from '@stint/local';
import { asResult } from './as-result.ts';
import type { CommandResult, GenerateOptions, JobSummary } from './commands.ts';
import { readFrozenJob } from './frozen.ts';
import type { Frozen } from './frozen.ts';
import { freezeInputs, frozenInputsMissing, loadJob, withRunSettings } from './intake/index.ts';
import type { LoadedJob } from './intake/index.ts';
import { hasBegun, lostSpec, lostState, openJobFolder, readSpec } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { flagLimits } from './limits.ts';
import { closeAll, createProviders } from './providers.ts';
import { runSession } from './session.ts';
import { readSettings } from './settings.ts';
import { editsOf, specText, takeEdits } from './take-edits.ts';

/** `stint generate JOB`: creates the job or goes on with it, and runs it to its end here. */
export async function generate(o: GenerateOptions): Promise<CommandResult<JobSummary>> {
  return asResult(async () => {
    const settings = readSettings(o.env);
    const loaded = await loadJob({
      jobPath: o.jobPath,
      env: o.env,
      cwd: o.cwd,
      overrides: { numRecords: o.numRecords, budgetLimit: o.budgetLimit, jobSeed: o.jobSeed, baseUrl: o.baseUrl },
    });
    for (const w of loaded.warnings) o.events?.notice?.(`warning: ${w.file ? `${w.file}: ` : ''}${w.message}`);
    const out = o.out ?? join('stint-out', loaded.draft.name);
    const dir = resolve(o.cwd, out);
    const isNew = hasNoJob(dir, out);
    const limits = flagLimits(o);
    const { draft, compiled } = loaded;
    // What a model needs and this machine lacks is bad input: nothing is created.
    const providers = isNew
      ? await createProviders(draft, compiled, limits.concurrency ?? draft.concurrency, o)
      : undefined;
    const folder = openJobFolder(dir, { create: true, sync: settings.STINT_SYNC });
    try {
      const created = isNew && (await createSpec(folder, loaded));
      const edited = created ? null : await editsOf(folder, loaded);
      await finishCreation(folder, loaded, created);
      const perRun = (f: Frozen): Frozen => ({ ...f, spec: withRunSettings(f.spec, loaded) });
      const frozen = perRun(edited ? { ...(await readSpec(dir)), template: compiled } : await readFrozenJob(dir));
      return await runSession({
        ...o,
        folder,
        out: isAbsolute(out) ? out : relative(o.cwd, dir) || '.',
        frozen,
        takeEdits: edited
          ? async (lease) => {
              const taken = await takeEdits(folder, loaded, lease);
              o.events?.notice?.('edits of exports, or of steps that no record has run yet, are taken over');
              return perRun(taken);
            }
          : undefined,
        providers: created ? providers : undefined,
        settings,
        limits: draft.concurrency === frozen.spec.concurrency ? limits : { concurrency: draft.concurrency, ...limits },
        raise: created ? undefined : loaded.fileLimits,
        retryFailed: false,
      });
    } finally {
      await folder.close();
      if (providers) await closeAll(providers);
    }
  });
}

/** True where there is no job yet. A folder with other things in it is never written to. */
function hasNoJob(dir: string, out: string): boolean {
  const bad = (why: string, cause?: unknown): AppError =>
    new AppError('INVALID_ARGUMENT', 'BAD_PATH', `--out ${out}: ${why}`, {
      cause,
      hint: 'Name an empty or new folder with --out.',
    });
  if (!existsSync(dir)) return true;
  requirePlainFiles(dir);
  let entries: string[];
  let ours: boolean;
  try {
    entries = readdirSync(dir);
    // A job file of the user may be called job.json, too.
    const hasOurs = (): boolean => readFileSync(join(dir, JOB_KEY), 'utf8').includes('"stint.job/');
    ours = entries.includes('state.sqlite') || (entries.includes(JOB_KEY) && hasOurs());
  } catch (cause) {
    throw bad('not a folder that can be read', cause);
  }
  if (entries.length > 0 && !ours) throw bad('the folder has other files in it and no job');
  return !entries.includes(JOB_KEY);
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const newJobId = (name: string): string => `${name}-${[...randomBytes(10)].map((b) => BASE32[b % 32]).join('')}`;

/**
 * `job.json` is created first and only once: of two processes that create the same folder, one wins (true) and the other
 * goes on with what the winner froze.
 */
async function createSpec(folder: JobFolder, { draft }: LoadedJob): Promise<boolean> {
  if (await folder.jobs.read()) throw lostSpec(join(folder.dir, JOB_KEY));
  const spec: JobSpec = {
    ...draft,
    job_id: newJobId(draft.name),
    created_at: new Date().toISOString(),
    job_seed: draft.job_seed ?? randomInt(2 ** 47),
  };
  try {
    await folder.store.put(JOB_KEY, encodeUtf8(specText(spec)), { create: true });
    return true;
  } catch (e) {
    if (toAppError(e).reason !== 'OBJECT_EXISTS') throw e;
    return false;
  }
}

/** Inputs follow, complete by their digests; the state row last. What a death left out is made up for. */
async function finishCreation(folder: JobFolder, loaded: LoadedJob, created: boolean): Promise<void> {
  const { spec } = await readSpec(folder.dir);
  if (created || frozenInputsMissing(folder.dir, spec)) await freezeInputs(loaded, folder.dir);
  if (await folder.jobs.read()) return;
  if (hasBegun(folder.dir)) throw lostState(folder.dir, 'knows no job');
  const { budget_limit_nano_usd: budgetNanoUsd, num_records: numRecords, concurrency } = spec;
  await folder.jobs.create({ budgetNanoUsd, numRecords, concurrency }, Date.now()).catch((e: unknown) => {
    if (toAppError(e).reason !== 'JOB_EXISTS') throw e;
  });
}
