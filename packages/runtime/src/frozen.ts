// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { AppError, JOB_KEY } from '@stint/core';
import type { CompiledTemplate, JobSpec } from '@stint/core';
import { readFrozen } from './intake/index.ts';
import { readSpec } from './job-folder.ts';
import { checkpointOf } from './pending-edit.ts';

/** A job as its folder froze it: what a run goes by. */
export interface Frozen {
  spec: JobSpec;
  /** sha256 of job.json as stored. */
  digest: string;
  template: CompiledTemplate;
}

/** @throws AppError NOT_FOUND/NOT_A_JOB, FAILED_PRECONDITION/DAMAGED where an input is not the one that was frozen */
export async function readFrozenJob(dir: string): Promise<Frozen> {
  const { spec, digest } = await readSpec(dir);
  const said = digestInCheckpoint(dir);
  if (said !== null && said !== digest) throw editedSpec(dir);
  return { spec, digest, template: await readFrozen(dir, spec) };
}

/** The digest of job.json that the job's checkpoint names; null before the first one. */
export function digestInCheckpoint(dir: string): string | null {
  return checkpointOf(dir)?.job_digest ?? null;
}

export function editedSpec(dir: string): AppError {
  const file = join(dir, JOB_KEY);
  return new AppError('FAILED_PRECONDITION', 'DAMAGED', `${file} was edited: its digest is not the checkpoint’s`, {
    hint: 'Restore it from a copy of the job folder; nothing was changed. Limits are set by --budget-limit and --num-records.',
    details: { file },
  });
}
