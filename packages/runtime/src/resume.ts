// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { asResult } from './as-result.ts';
import type { CommandResult, JobSummary, ResumeOptions } from './commands.ts';
import { readFrozenJob } from './frozen.ts';
import { lostState, openJobFolder, readSpec } from './job-folder.ts';
import { flagLimits } from './limits.ts';
import { runSession } from './session.ts';
import { readSettings } from './settings.ts';

/** `stint resume DIR`: goes on with a job from what its folder froze, without the job file. */
export async function resume(o: ResumeOptions): Promise<CommandResult<JobSummary>> {
  return asResult(async () => {
    const settings = readSettings(o.env);
    const dir = resolve(o.cwd, o.dir);
    await readSpec(dir);
    const folder = openJobFolder(dir, { create: false, sync: settings.STINT_SYNC });
    try {
      // Of a job that never began there may be no inputs either.
      if (!(await folder.jobs.read())) throw lostState(dir, 'knows no job');
      const frozen = await readFrozenJob(dir);
      return await runSession({
        ...o,
        folder,
        out: o.dir,
        frozen,
        settings,
        limits: flagLimits(o),
        retryFailed: o.retryFailed ?? false,
      });
    } finally {
      await folder.close();
    }
  });
}
