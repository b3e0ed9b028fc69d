// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { countsOf, digestHolds, readRecordLines } from '@stint/core';
import type { JobSpec, JobState, ShardCheckpoint } from '@stint/core';
import { sha256 } from '../job-folder.ts';
import type { JobFolder } from '../job-folder.ts';
import { manifestOf } from '../summary.ts';
import type { Findings } from './findings.ts';

/** The exports against their manifest, and the manifest against what is committed. */
export async function checkExports(
  folder: JobFolder,
  spec: JobSpec,
  state: JobState,
  shards: readonly ShardCheckpoint[],
  found: Findings,
): Promise<void> {
  const bad = (message: string): void => {
    found.add('manifest', 'exports/manifest.json', message);
  };
  const manifest = await manifestOf(folder.dir);
  if (!manifest) {
    // They are written before the status is, so a finished job without them has lost them.
    if (state.status === 'COMPLETED' || state.status === 'BUDGET_EXCEEDED') {
      bad('is missing; `stint export` writes the exports again');
    }
    return;
  }
  if (!digestHolds(sha256, manifest)) {
    bad('was edited: its digest does not fit');
    return;
  }
  if (manifest.job_id !== spec.job_id) bad(`belongs to another job, ${manifest.job_id}`);
  found.checked.exports = manifest.files.length;
  const { checkManifest } = await import('@stint/export');
  for (const p of await checkManifest(folder.dir, manifest)) found.add('manifest', p.file, p.message);
  const { ok } = countsOf(shards);
  if (manifest.rows > ok) bad(`says ${manifest.rows} rows, but ${ok} records are committed`);
  const dataset = manifest.files.find((f) => f.format === 'JSONL' && !f.partition);
  if (!dataset || manifest.rows !== ok) return;
  // The dataset is the committed bytes in index order, so its hash can be made again from the batches.
  const hash = createHash('sha256');
  const whole = await found.guard('batch', 'outputs', async () => {
    for (const shard of shards) {
      for await (const { line } of readRecordLines(folder.store, shard)) hash.update(line).update('\n');
    }
    return true;
  });
  if (whole && hash.digest('hex') !== dataset.sha256) {
    found.add('manifest', dataset.path, 'is not what the committed records make');
  }
}
