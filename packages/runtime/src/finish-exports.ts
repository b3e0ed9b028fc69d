// SPDX-License-Identifier: Apache-2.0
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, countsOf, isAppError, linesOf } from '@stint/core';
import type {
  JobSpec,
  JobState,
  Lease,
  Manifest,
  OutputFormat,
  RunOutcome,
  SeedSource,
  ShardCheckpoint,
} from '@stint/core';
import { describeThisProcess, openSeedFile, temporaryFiles, whileHeld } from '@stint/local';
import type { CommandEvents } from './commands.ts';
import { shardCheckpoints } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { reportData } from './report-data.ts';

/**
 * Writes every export of a job: datasets, partitions, card, report, manifest.
 * @throws AppError FAILED_PRECONDITION/LEASE_LOST where `lease` is no longer in force, FAILED_PRECONDITION/EXPORT_STALE
 * where, without a lease, another process exported the job in the meantime; what was there stays then.
 */
export async function writeExports(options: {
  folder: JobFolder;
  spec: JobSpec;
  state: JobState;
  end: RunOutcome;
  elapsedMs: number;
  formats: readonly OutputFormat[];
  seeds: SeedSource;
  signal: AbortSignal;
  /** Of the run that exports; null for one beside whatever runs. */
  lease: Lease | null;
}): Promise<Manifest> {
  const { folder, spec, state, end, elapsedMs, formats, seeds, signal, lease } = options;
  // DuckDB and the writers load only when there is something to write.
  const { exportJob, startDuckDb } = await import('@stint/export');
  const duckDb = formats.some((f) => f !== 'JSONL') ? startDuckDb() : undefined;
  try {
    const before = manifestText(folder.dir);
    // Report and data are of the same records, whatever is committed meanwhile.
    const docs: ShardCheckpoint[] = [];
    for await (const doc of shardCheckpoints(folder)) docs.push(doc);
    return await exportJob({
      dir: folder.dir,
      temporary: temporaryFiles(folder.dir, describeThisProcess()).next(),
      exclusively: (place) => {
        whileHeld(folder.db, lease, () => {
          if (lease === null && manifestText(folder.dir) !== before) throw stale();
          place();
        });
      },
      spec,
      status: end.status,
      store: folder.store,
      shards: docs,
      formats,
      clockIso: new Date().toISOString(),
      signal,
      report: async () =>
        reportData(spec, state, end, elapsedMs, folder.log, countsOf(docs), await rejectCodes(folder.dir, docs)),
      seedValue: (i) => seeds.row(i),
      duckDb,
    });
  } finally {
    await duckDb?.stop();
  }
}

/**
 * Writes the exports of what is committed, beside whatever runs; again where another process was faster, so that the
 * newest state wins.
 * @returns the state that was exported
 */
export async function exportAsItStands(o: {
  folder: JobFolder;
  spec: JobSpec;
  state: JobState;
  endOf: (state: JobState) => RunOutcome;
  formats: readonly OutputFormat[];
  events: CommandEvents | undefined;
}): Promise<JobState> {
  const { folder, spec, formats } = o;
  const seeds = openSeedFile(join(folder.dir, 'inputs', 'seeds.jsonl'));
  const { signal } = new AbortController();
  try {
    for (let state = o.state; ; state = (await folder.jobs.read()) ?? state) {
      o.events?.exporting?.();
      const [end, elapsedMs] = [o.endOf(state), state.elapsedMs];
      try {
        await writeExports({ folder, spec, state, end, elapsedMs, formats, seeds, signal, lease: null });
        return state;
      } catch (e) {
        if (!isAppError(e) || e.reason !== 'EXPORT_STALE') throw e;
      }
    }
  } finally {
    seeds.close();
  }
}

function manifestText(dir: string): string | null {
  const path = join(dir, 'exports', 'manifest.json');
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function stale(): AppError {
  return new AppError('FAILED_PRECONDITION', 'EXPORT_STALE', 'another process exported the job in the meantime');
}

async function rejectCodes(dir: string, docs: readonly ShardCheckpoint[]): Promise<Map<string, number>> {
  const codes = new Map<string, number>();
  for (const { key } of docs.flatMap((d) => d.rejects)) {
    for await (const line of linesOf(createReadStream(join(dir, key)))) {
      if (line.length === 0) continue;
      const { code } = JSON.parse(Buffer.from(line).toString()) as { code: string };
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  }
  return codes;
}
