// SPDX-License-Identifier: Apache-2.0
// An edit of a job that exists is staged whole in inputs/next before anything names it. Checkpoint (where there is one)
// and job.json name it then, one after the other; the checkpoint decides. So a death at any moment leaves a folder that
// is either the old job or the new one, and every command knows which.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { JOB_CHECKPOINT_KEY, JOB_KEY, parse, readJobCheckpoint, readJobSpec } from '@stint/core';
import type { JobCheckpoint, ObjectStore } from '@stint/core';
import { writeTextDurably } from './durable-file.ts';

const nextOf = (dir: string): string => join(dir, 'inputs', 'next');
const stagedSpec = (dir: string): string => join(nextOf(dir), JOB_KEY);
export const stagedTemplate = (dir: string, path: string): string => join(nextOf(dir), 'template', path);
const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

/** The job's checkpoint; null before the first one. */
export function checkpointOf(dir: string): JobCheckpoint | null {
  const path = join(dir, JOB_CHECKPOINT_KEY);
  return existsSync(path) ? readJobCheckpoint(path, parse(path, readFileSync(path))) : null;
}

/** `job.json` in force: the staged one where the checkpoint names that. */
export function specInForce(dir: string): Buffer {
  const body = readFileSync(join(dir, JOB_KEY));
  if (!existsSync(stagedSpec(dir))) return body;
  const staged = readFileSync(stagedSpec(dir));
  return digestOf(staged) === checkpointOf(dir)?.job_digest ? staged : body;
}

/** Puts an edit beside what is in force; nothing names it yet. */
export async function stageEdit(dir: string, text: string, templateFiles: ReadonlyMap<string, string>): Promise<void> {
  rmSync(nextOf(dir), { recursive: true, force: true });
  for (const [name, body] of templateFiles) await writeTextDurably(stagedTemplate(dir, name), body);
  await writeTextDurably(stagedSpec(dir), text);
}

/** Under the lease: what is in force goes to its place, what is not goes away. */
export async function settleEdit({ dir, store }: { dir: string; store: ObjectStore }): Promise<void> {
  if (!existsSync(nextOf(dir))) return;
  const body = specInForce(dir);
  const placed = await store.get(JOB_KEY);
  if (digestOf(placed.body) !== digestOf(body)) await store.put(JOB_KEY, body, { etag: placed.etag });
  const staged = existsSync(stagedSpec(dir)) ? readFileSync(stagedSpec(dir)) : null;
  if (staged?.equals(body)) {
    for (const { path } of readJobSpec(JOB_KEY, parse(JOB_KEY, body)).template.files) {
      const to = join(dir, 'inputs', 'template', path);
      mkdirSync(dirname(to), { recursive: true });
      if (existsSync(stagedTemplate(dir, path))) renameSync(stagedTemplate(dir, path), to);
    }
  }
  rmSync(nextOf(dir), { recursive: true, force: true });
}
