// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, countsOf, isAppError, nanoToUsd, outputFormats, parse, readManifest } from '@stint/core';
import type { JobReason, JobState, JobStatus, Manifest } from '@stint/core';
import type { JobSummary } from './commands.ts';
import { shardCheckpoints } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';

/** The export that is committed, if any. @throws AppError FAILED_PRECONDITION/DAMAGED | NEWER_FORMAT */
export async function manifestOf(dir: string): Promise<Manifest | null> {
  const path = join(dir, 'exports', 'manifest.json');
  if (!existsSync(path)) return null;
  try {
    return readManifest(path, parse(path, await readFile(path)));
  } catch (e) {
    if (!isAppError(e) || e.reason !== 'DAMAGED') throw e;
    const hint = '`stint export` writes the exports again, from the records.';
    throw new AppError(e.code, e.reason, e.message, { ...e.info, hint });
  }
}

/** False where a death, or the loss of power, left no whole manifest. */
export async function isExported(dir: string): Promise<boolean> {
  try {
    return (await manifestOf(dir)) !== null;
  } catch (e) {
    if (isAppError(e) && e.reason === 'DAMAGED') return false;
    throw e;
  }
}

/** The job's sums over all its runs, from its stores alone. */
export async function summarise(
  folder: JobFolder,
  out: string,
  jobId: string,
  state: JobState,
  end: { status: JobStatus; reason: JobReason | null },
): Promise<JobSummary> {
  const totals = await folder.log.totals();
  const docs = [];
  for await (const doc of shardCheckpoints(folder)) docs.push(doc);
  const manifest = await manifestOf(folder.dir);
  const cap = state.limits.budgetNanoUsd;
  return {
    schema: 'stint.generate/1',
    job_id: jobId,
    status: end.status,
    reason: end.reason,
    out,
    records: { target: state.limits.numRecords, ...countsOf(docs) },
    cost_usd: {
      cap: cap === null ? null : nanoToUsd(cap),
      settled: nanoToUsd(totals.settledNanoUsd),
      unknown: nanoToUsd(totals.unknownNanoUsd),
      held: nanoToUsd(totals.heldNanoUsd),
    },
    usage: { calls: totals.calls, input_tokens: totals.inputTokens, output_tokens: totals.outputTokens },
    exports: (manifest?.files ?? [])
      .filter((f) => !f.partition && (outputFormats as readonly string[]).includes(f.format))
      .map(({ format, path, rows, bytes, sha256 }) => ({ format, path, rows, bytes, sha256 })),
    elapsed_s: Math.round(state.elapsedMs / 100) / 10,
  };
}
