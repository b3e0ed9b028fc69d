// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '@stint/core';
import type { JobSpec } from '@stint/core';
import { describeThisProcess, ownerIsAlive } from '@stint/local';
import { asResult } from '../as-result.ts';
import type { CommandResult, RunOptions } from '../commands.ts';
import { readFrozen } from '../intake/index.ts';
import { hasBegun, lostState, openJobFolder, readSpec } from '../job-folder.ts';
import { readSettings } from '../settings.ts';
import { checkExports } from './check-exports.ts';
import { checkLog, checkState } from './check-log.ts';
import { checkRecords } from './check-records.ts';
import { checkShards } from './check-shards.ts';
import { Findings } from './findings.ts';
import type { Damage } from './findings.ts';

/** `stint.verify/1`. */
export interface VerifyResult {
  schema: 'stint.verify/1';
  job_id: string;
  ok: boolean;
  checked: Findings['checked'];
  damage: Damage[];
  /** True where more was found than is listed. */
  truncated: boolean;
}

/**
 * `stint verify DIR`: recomputes what the folder promises: digests of the frozen inputs, checkpoints against their batch
 * files, every record once, paid for as the call log says, prompts from seeds and template, the log's sums and cap, the
 * exports against their manifest. Changes nothing. Exit code 1 where something is damaged.
 */
export async function verify(o: RunOptions & { dir: string }): Promise<CommandResult<VerifyResult>> {
  return asResult(async () => {
    const settings = readSettings(o.env);
    const dir = resolve(o.cwd, o.dir);
    const found = new Findings(dir);
    const read = await found.guard('inputs', 'job.json', () => readSpec(dir));
    if (!read) return done('', found);
    const { spec, digest } = read;
    if (!existsSync(join(dir, 'state.sqlite'))) {
      if (!hasBegun(dir)) throw lostState(dir, 'is gone');
      found.add('log', 'state.sqlite', 'is missing: status, limits and the call log are lost');
      return done(spec.job_id, found);
    }
    await found.guard('log', 'state.sqlite', async () => {
      const folder = openJobFolder(dir, { create: false, forReading: true, sync: settings.STINT_SYNC });
      try {
        await checkFolder(folder, spec, digest, found);
      } finally {
        await folder.close();
      }
    });
    return done(spec.job_id, found);
  });
}

async function checkFolder(
  folder: ReturnType<typeof openJobFolder>,
  spec: JobSpec,
  digest: string,
  found: Findings,
): Promise<void> {
  const state = await folder.jobs.read();
  const self = describeThisProcess();
  if (state?.lease && state.lease.expiresAtMs > Date.now() && ownerIsAlive(state.lease.owner, self) !== 'dead') {
    throw new AppError('FAILED_PRECONDITION', 'JOB_HELD', `job ${spec.job_id} is at work in another process`, {
      hint: 'Verify it when it has stopped.',
    });
  }
  if (state) await checkLog(folder, state, found);
  else if (hasBegun(folder.dir)) found.add('log', 'state.sqlite', 'knows no job');
  else throw lostState(folder.dir, 'knows no job');
  const template = await found.guard('inputs', 'inputs', () => readFrozen(folder.dir, spec));
  const shards = await checkShards(folder, spec, digest, found);
  // First: it tells at once what many records would tell one by one.
  if (state) await checkState(folder, spec, state, shards, found);
  await checkRecords(folder, spec, template, shards, found);
  if (!state) return;
  await found.guard('manifest', 'exports/manifest.json', () => checkExports(folder, spec, state, shards, found));
}

function done(jobId: string, found: Findings): CommandResult<VerifyResult> {
  const { damage, count, checked } = found;
  const body: VerifyResult = {
    schema: 'stint.verify/1',
    job_id: jobId,
    ok: count === 0,
    checked,
    damage,
    truncated: count > damage.length,
  };
  return { exitCode: count === 0 ? 0 : 1, body };
}
