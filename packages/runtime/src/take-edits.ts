// SPDX-License-Identifier: Apache-2.0
import {
  AppError,
  encodeUtf8,
  getOrNull,
  JOB_CHECKPOINT_KEY,
  JOB_KEY,
  parse,
  readJobCheckpoint,
  withDigest,
} from '@stint/core';
import type { JobCheckpoint, JobSpec, Lease } from '@stint/core';
import { digestInCheckpoint, editedSpec, readFrozenJob } from './frozen.ts';
import type { Frozen } from './frozen.ts';
import { compareWithFrozen } from './intake/index.ts';
import type { LoadedJob, WhatRan } from './intake/index.ts';
import { readSpec, sha256, shardCheckpoints } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { settleEdit, stageEdit } from './pending-edit.ts';

export const specText = (spec: JobSpec): string => `${JSON.stringify(spec, null, 2)}\n`;

/**
 * What the job file would make now against what the folder froze.
 * @returns the specification with its edits; null = nothing to take over
 * @throws AppError FAILED_PRECONDITION/INPUT_CHANGED where something changed that may not, FAILED_PRECONDITION/DAMAGED
 */
export async function editsOf(folder: JobFolder, loaded: LoadedJob): Promise<JobSpec | null> {
  const { dir } = folder;
  const { spec, digest } = await readSpec(dir);
  const { changes, edited } = compareWithFrozen(loaded, spec, await whatRan(folder));
  if (changes.length > 0) {
    throw new AppError(
      'FAILED_PRECONDITION',
      'INPUT_CHANGED',
      `the job in ${dir} was created from other inputs: ${changes.join('; ')}`,
      { hint: 'Put the inputs back, or start a new job in another folder (--out).', details: { changes } },
    );
  }
  const said = digestInCheckpoint(dir);
  // An edit that a death cut off leaves the checkpoint with the digest of what was about to be written.
  const whole = said === null || said === digest || (edited !== null && said === sha256(specText(edited)));
  if (!whole) throw editedSpec(dir);
  return edited;
}

/** Takes them over, under the lease. */
export async function takeEdits(folder: JobFolder, loaded: LoadedJob, lease: Lease): Promise<Frozen> {
  const { dir, store } = folder;
  const edited = await editsOf(folder, loaded);
  if (edited) {
    const text = specText(edited);
    await stageEdit(dir, text, loaded.templateFiles);
    const found = await getOrNull(store, JOB_CHECKPOINT_KEY);
    if (found) {
      const doc = readJobCheckpoint(JOB_CHECKPOINT_KEY, parse(JOB_CHECKPOINT_KEY, found.body));
      const { digest: _digest, ...rest } = doc;
      const next = withDigest<JobCheckpoint>(sha256, {
        ...rest,
        epoch: lease.epoch,
        seq: doc.seq + 1,
        job_digest: sha256(text),
      });
      await store.put(JOB_CHECKPOINT_KEY, encodeUtf8(`${JSON.stringify(next)}\n`), { etag: found.etag });
    } else await store.put(JOB_KEY, encodeUtf8(text), { etag: (await store.get(JOB_KEY)).etag });
    await settleEdit(folder);
  }
  return readFrozenJob(dir);
}

/** A committed record has gone through every step, those without a call too. */
async function whatRan(folder: JobFolder): Promise<WhatRan> {
  for await (const doc of shardCheckpoints(folder)) if (doc.ok.length > 0) return 'all';
  return new Set(await folder.log.stepsRun());
}
