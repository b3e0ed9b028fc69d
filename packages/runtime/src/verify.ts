// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  AppError,
  contains,
  countsOf,
  digestHolds,
  isAppError,
  JOB_CHECKPOINT_KEY,
  nanoToUsd,
  parse,
  readJobCheckpoint,
  readRecordLines,
  readShardCheckpoint,
  recordSchema,
  rejectSchema,
  SHARD_SIZE,
  shardKey,
  usdToNearestNano,
} from '@stint/core';
import type { CompiledTemplate, JobSpec, Manifest, ShardCheckpoint } from '@stint/core';
import { describeThisProcess, openSeedFile, ownerIsAlive } from '@stint/local';
import type { CommandResult, RunOptions } from './commands.ts';
import { asResult } from './generate.ts';
import { readFrozen } from './intake/index.ts';
import { openJobFolder, readSpec, sha256 } from './job-folder.ts';
import type { JobFolder } from './job-folder.ts';
import { recordEnv } from './record-env.ts';
import { replayRecord } from './replay-record.ts';
import { readSettings } from './settings.ts';
import { readManifest } from './summary.ts';

/** One thing that is not as it was committed. */
export interface Damage {
  /** What was checked: inputs, checkpoint, batch, record, rejects, log, manifest. */
  check: string;
  /** Relative to the job's folder. */
  file: string;
  message: string;
}

/** `stint.verify/1`. */
export interface VerifyResult {
  schema: 'stint.verify/1';
  job_id: string;
  ok: boolean;
  checked: { shards: number; batches: number; records: number; prompts: number; rejects: number; exports: number };
  damage: Damage[];
  /** True where more was found than is listed. */
  truncated: boolean;
}

const MAX_LISTED = 100;

/**
 * `stint verify DIR`: recomputes what the folder promises: digests of the frozen inputs, checkpoints against their batch
 * files, every record once, prompts from seeds and template, the call log's sums and cap, the exports against their
 * manifest. Changes nothing. Exit code 1 where something is damaged.
 */
export async function verify(o: RunOptions & { dir: string }): Promise<CommandResult<VerifyResult>> {
  return asResult(async () => {
    const settings = readSettings(o.env);
    const dir = resolve(o.cwd, o.dir);
    const found = new Findings(dir);
    const read = await found.guard('inputs', 'job.json', () => specOf(dir));
    if (!read) return done('', found);
    const { spec, digest } = read;
    if (!existsSync(join(dir, 'state.sqlite'))) {
      found.add('log', 'state.sqlite', 'is missing: status, limits and the call log are lost');
      return done(spec.job_id, found);
    }
    const folder = openJobFolder(dir, { create: false, sync: settings.STINT_SYNC, forReading: true });
    try {
      const state = await folder.jobs.read();
      const self = describeThisProcess();
      if (state?.lease && state.lease.expiresAtMs > Date.now() && ownerIsAlive(state.lease.owner, self) !== 'dead') {
        throw new AppError('FAILED_PRECONDITION', 'JOB_HELD', `job ${spec.job_id} is at work in another process`, {
          hint: 'Verify it when it has stopped.',
        });
      }
      if (!state) found.add('log', 'state.sqlite', 'knows no job');
      const template = await found.guard('inputs', 'inputs', () => readFrozen(dir, spec));
      const shards = await checkShards(folder, spec, digest, found);
      await checkRecords(folder, spec, template, shards, found);
      await found.guard('log', 'state.sqlite', () =>
        checkLog(folder, shards, state?.limits.budgetNanoUsd ?? null, found),
      );
      await found.guard('manifest', 'exports/manifest.json', () => checkExports(folder, shards, found));
    } finally {
      await folder.close();
    }
    return done(spec.job_id, found);
  });
}

/** A folder that is no job is a wrong argument, not damage. */
function specOf(dir: string): ReturnType<typeof readSpec> {
  if (existsSync(join(dir, 'state.sqlite')) && !existsSync(join(dir, 'job.json'))) {
    throw new AppError('FAILED_PRECONDITION', 'DAMAGED', 'is missing', { details: { file: 'job.json' } });
  }
  return readSpec(dir);
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

class Findings {
  readonly damage: Damage[] = [];
  readonly checked = { shards: 0, batches: 0, records: 0, prompts: 0, rejects: 0, exports: 0 };
  count = 0;
  private readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  add(check: string, file: string, message: string): void {
    this.count++;
    const shown = file.startsWith(`${this.dir}/`) ? file.slice(this.dir.length + 1) : file;
    if (this.damage.length < MAX_LISTED) this.damage.push({ check, file: shown, message });
  }

  /** What a check throws as damage, or as a missing file, is a finding; anything else ends the command. */
  async guard<T>(check: string, file: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (e) {
      if (isAppError(e) && (e.reason === 'DAMAGED' || (e.code === 'NOT_FOUND' && e.reason !== 'NOT_A_JOB'))) {
        const named = e.info.details?.['file'];
        this.add(check, typeof named === 'string' ? named : file, e.message);
        return undefined;
      }
      throw e;
    }
  }
}

/** Checkpoints with their batch and reject files; those that hold come back, ascending. */
async function checkShards(
  folder: JobFolder,
  spec: JobSpec,
  jobDigest: string,
  found: Findings,
): Promise<ShardCheckpoint[]> {
  const commits = await folder.log.commits();
  const shards: ShardCheckpoint[] = [];
  const numbers = new Set(commits.keys());
  for (const key of await folder.store.list('shards/')) {
    const m = /^shards\/(\d+)\/checkpoint\.json$/.exec(key);
    if (m) numbers.add(Number(m[1]));
  }
  for (const shard of [...numbers].sort((a, b) => a - b)) {
    const key = shardKey(shard);
    const doc = await found.guard('checkpoint', key, async () =>
      readShardCheckpoint(key, parse(key, (await folder.store.get(key)).body)),
    );
    if (!doc) continue;
    found.checked.shards++;
    if (!digestHolds(sha256, doc)) found.add('checkpoint', key, 'was edited: its digest does not fit');
    if (doc.job_id !== spec.job_id) found.add('checkpoint', key, `belongs to another job, ${doc.job_id}`);
    if (doc.seq < (commits.get(shard) ?? 0)) found.add('checkpoint', key, 'is older than the last one committed');
    const [from, to] = [shard * SHARD_SIZE, (shard + 1) * SHARD_SIZE - 1];
    if (doc.ok.some(([a, b]) => a < from || b > to)) found.add('checkpoint', key, 'names indices of another shard');
    for (const f of doc.failed) {
      if (contains(doc.ok, f.index)) found.add('checkpoint', key, `index ${f.index} is both ok and failed`);
    }
    for (const batch of doc.batches) {
      found.checked.batches++;
      await checkFile(folder, 'batch', batch, found);
    }
    for (const r of doc.rejects) if (await checkFile(folder, 'rejects', r, found)) await checkRejects(folder, r, found);
    shards.push(doc);
  }
  await found.guard('checkpoint', JOB_CHECKPOINT_KEY, () => checkJobCheckpoint(folder, shards, jobDigest, found));
  return shards;
}

async function checkFile(
  folder: JobFolder,
  check: string,
  entry: { key: string; bytes: number; sha256: string },
  found: Findings,
): Promise<boolean> {
  const path = join(folder.dir, entry.key);
  if (!(await stat(path).catch(() => null))?.isFile()) {
    found.add(check, entry.key, 'is missing');
    return false;
  }
  const { bytes, sha256: actual } = await hashOf(path);
  if (bytes !== entry.bytes) found.add(check, entry.key, `has ${bytes} bytes, its checkpoint says ${entry.bytes}`);
  else if (actual !== entry.sha256) found.add(check, entry.key, 'was changed: its sha256 is not its checkpoint’s');
  else return true;
  return false;
}

async function checkRejects(folder: JobFolder, entry: { key: string; rows: number }, found: Findings): Promise<void> {
  const lines = (await readFile(join(folder.dir, entry.key), 'utf8')).split('\n').filter((l) => l !== '');
  found.checked.rejects += lines.length;
  if (lines.length !== entry.rows) {
    found.add('rejects', entry.key, `has ${lines.length} rows, its checkpoint says ${entry.rows}`);
  }
  const bad = lines.find((l) => !rejectSchema.safeParse(parseOrNull(l)).success);
  if (bad !== undefined) found.add('rejects', entry.key, 'has a row that is no reject');
}

async function checkJobCheckpoint(
  folder: JobFolder,
  shards: readonly ShardCheckpoint[],
  jobDigest: string,
  found: Findings,
): Promise<void> {
  if (!existsSync(join(folder.dir, JOB_CHECKPOINT_KEY)) && (await diedBeforeIt(folder, shards))) return;
  const key = JOB_CHECKPOINT_KEY;
  const doc = readJobCheckpoint(key, parse(key, (await folder.store.get(key)).body));
  if (doc.job_digest !== jobDigest) found.add('inputs', 'job.json', 'was edited: its digest is not the checkpoint’s');
  // A kill between the two writes leaves the job's checkpoint one commit behind its shards: legal, so only what it can't
  // be is damage.
  for (const s of doc.shards) {
    const shard = shards.find((x) => x.shard === s.shard);
    if (!shard) found.add('checkpoint', shardKey(s.shard), 'is gone, though checkpoint.json names it');
    else if (shard.seq < s.seq) found.add('checkpoint', shardKey(s.shard), 'is older than checkpoint.json says');
    else if (shard.seq === s.seq && shard.digest !== s.digest) {
      found.add('checkpoint', key, `says another digest of shard ${s.shard} than the shard itself`);
    }
  }
  const ok = doc.shards.reduce((n, s) => n + s.ok, 0);
  if (doc.records_generated !== ok) found.add('checkpoint', key, 'its records_generated is not the sum of its shards');
}

/** A death before the first of the job's checkpoints leaves none; its shards may have come one commit further. */
async function diedBeforeIt(folder: JobFolder, shards: readonly ShardCheckpoint[]): Promise<boolean> {
  const { status } = (await folder.jobs.read()) ?? { status: 'QUEUED' };
  const neverWritten = status === 'QUEUED' || status === 'RUNNING' || status === 'CANCELLED';
  return neverWritten && shards.every((s) => s.batches.length <= 1 && s.rejects.length <= 1);
}

/** Reads every committed record: present once, of this job, and with the prompts that its seeds and template make. */
async function checkRecords(
  folder: JobFolder,
  spec: JobSpec,
  template: CompiledTemplate | undefined,
  shards: readonly ShardCheckpoint[],
  found: Findings,
): Promise<void> {
  // Where the inputs are damaged, prompts can't be made again; that is in the findings already.
  const seeds = template && openSeedFile(join(folder.dir, 'inputs', 'seeds.jsonl'));
  try {
    const env = template && seeds && (await recordEnv(spec, template, seeds));
    for (const shard of shards) {
      const key = shardKey(shard.shard);
      let spend = 0;
      const whole = await found.guard('batch', key, async () => {
        for await (const { index, line } of readRecordLines(folder.store, shard)) {
          found.checked.records++;
          const value = parseOrNull(Buffer.from(line).toString('utf8'));
          const parsed = recordSchema.safeParse(value);
          if (!parsed.success || parsed.data.index !== index || parsed.data.job_id !== spec.job_id) {
            found.add('record', key, `record ${index} is no record of this job`);
            continue;
          }
          for (const step of Object.values(parsed.data.generation_result)) {
            spend += usdToNearestNano(step.cost_usd ?? 0);
          }
          if (!env) continue;
          const { prompts, problems } = replayRecord(env, parsed.data);
          found.checked.prompts += prompts;
          for (const p of problems) found.add('record', key, `record ${index}: ${p}`);
        }
        return true;
      });
      if (whole && spend > shard.spend_nano_usd) {
        const [sum, said] = [nanoToUsd(spend), nanoToUsd(shard.spend_nano_usd)];
        found.add('checkpoint', key, `its records cost $${sum}, more than the $${said} it says`);
      }
    }
  } finally {
    seeds?.close();
  }
}

async function checkLog(
  folder: JobFolder,
  shards: readonly ShardCheckpoint[],
  capNanoUsd: number | null,
  found: Findings,
): Promise<void> {
  const [totals, recounted] = [await folder.log.totals(), await folder.log.recount()];
  if (JSON.stringify(totals) !== JSON.stringify(recounted)) {
    found.add('log', 'state.sqlite', 'the sums of the call log are not those of its rows');
  }
  const spent = totals.settledNanoUsd + totals.unknownNanoUsd;
  if (capNanoUsd !== null && spent + totals.heldNanoUsd > capNanoUsd) {
    found.add('log', 'state.sqlite', `$${nanoToUsd(spent)} are spent of a cap of $${nanoToUsd(capNanoUsd)}`);
  }
  const committed = shards.reduce((n, s) => n + s.spend_nano_usd, 0);
  if (committed > spent) {
    found.add('log', 'state.sqlite', `the log says $${nanoToUsd(spent)}, the records cost $${nanoToUsd(committed)}`);
  }
}

async function checkExports(folder: JobFolder, shards: readonly ShardCheckpoint[], found: Findings): Promise<void> {
  const manifest: Manifest | null = await readManifest(folder.dir);
  if (!manifest) {
    const { status } = (await folder.jobs.read()) ?? { status: 'QUEUED' };
    // They are written before the status is, so a finished job without them has lost them.
    if (status === 'COMPLETED' || status === 'BUDGET_EXCEEDED') {
      found.add('manifest', 'exports/manifest.json', 'is missing; `stint export` writes the exports again');
    }
    return;
  }
  found.checked.exports = manifest.files.length;
  const { checkManifest } = await import('@stint/export');
  for (const p of await checkManifest(folder.dir, manifest)) found.add('manifest', p.file, p.message);
  const { ok } = countsOf(shards);
  if (manifest.rows > ok) {
    found.add('manifest', 'exports/manifest.json', `says ${manifest.rows} rows, but ${ok} records are committed`);
  }
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

async function hashOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
