// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { advance, AppError, beginRecord, laterHolds, nanoToUsd, readRecordLines, usdToNearestNano } from '@stint/core';
import type { DatasetRecord, JobSpec, RecordEnv } from '@stint/core';
import { TemplateError } from '@stint/jinja';
import { openSeedFile } from '@stint/local';
import { apiKeyNameFor } from '@stint/models/openai';
import { asResult } from './as-result.ts';
import type { CommandResult, GenerateOptions, JobSummary } from './commands.ts';
import { generate } from './generate.ts';
import { status } from './job-commands.ts';
import { freezeInputs, loadJob } from './intake/index.ts';
import type { LoadedJob } from './intake/index.ts';
import { openJobFolder, shardCheckpoints } from './job-folder.ts';
import { checkProviders, OPENAI_URL } from './providers.ts';
import { recordEnv } from './record-env.ts';

/** `stint.plan/1`. Money in USD. */
export interface Plan {
  schema: 'stint.plan/1';
  name: string;
  records: number;
  seeds: { rows: number; source: string };
  /** Model calls of one record where nothing is rejected and no step is skipped. */
  calls_per_record: number;
  models: {
    alias: string;
    provider: string;
    model: string;
    /** Where requests go; null = this process. */
    host: string | null;
    /** Environment variable whose value goes there; null = no key is sent. */
    key: string | null;
    price_usd_per_million: { input: number; output: number; cache_read: number; cache_write: number };
    price_source: string;
  }[];
  budget_limit: number | null;
  /** What admission sets aside, before anything is known: it can't cost more, unless attempts are rejected. */
  worst_case: { per_record: number; total: number; records_affordable: number | null; sampled: number };
  pilot: Pilot | null;
  warnings: string[];
}

export interface Pilot {
  records: number;
  /** Folder of the pilot's own dataset; the same command goes on there and pays nothing twice. */
  out: string;
  cost: number;
  per_record: { mean: number; low: number; high: number };
  /** Of the whole job, with a 95 % interval. */
  expected: { mean: number; low: number; high: number };
  expected_elapsed_s: number;
  records_affordable: number | null;
}

/** Records whose worst case is computed; more would tell hardly more. */
const SAMPLED = 400;

/** `stint plan JOB`: what a job can cost before it runs; with `pilot`, what some real records did cost. */
export async function plan(o: GenerateOptions & { pilot?: number | undefined }): Promise<CommandResult<Plan>> {
  return asResult(async () => {
    const loaded = await loadJob({ jobPath: o.jobPath, env: o.env, cwd: o.cwd, overrides: o });
    const { draft } = loaded;
    const warnings = loaded.warnings.map((w) => w.message);
    // A pilot makes them itself, and finds the same.
    if (o.pilot === undefined) warnings.push(...(await checkProviders(draft, loaded.compiled, o)));
    const n = draft.num_records;
    const cap = draft.budget_limit_nano_usd;
    const worst = await worstCase(loaded);
    const ran = o.pilot === undefined ? null : await runPilot(o, o.pilot, loaded);
    if (ran && 'error' in ran.body) return { exitCode: ran.exitCode, body: ran.body };
    const pilot: Pilot | null = ran && !('error' in ran.body) ? ran.body : null;
    const body: Plan = {
      schema: 'stint.plan/1',
      name: draft.name,
      records: n,
      seeds: { rows: draft.seeds.rows, source: draft.seeds.source },
      calls_per_record: loaded.compiled.steps.filter((s) => s.kind === 'model').length,
      models: Object.entries(draft.models).map(([alias, m]) => {
        const { source, ...price } = m.price;
        return {
          alias,
          provider: m.provider,
          model: m.model,
          ...destination(m, o),
          price_usd_per_million: {
            input: nanoToUsd(price.input),
            output: nanoToUsd(price.output),
            cache_read: nanoToUsd(price.cache_read),
            cache_write: nanoToUsd(price.cache_write),
          },
          price_source: source,
        };
      }),
      budget_limit: cap === null ? null : nanoToUsd(cap),
      worst_case: {
        per_record: nanoToUsd(worst.mostNanoUsd),
        total: nanoToUsd(Math.ceil(worst.meanNanoUsd * n)),
        records_affordable: affordable(cap, worst.mostNanoUsd, n),
        sampled: worst.sampled,
      },
      pilot,
      warnings,
    };
    return { exitCode: 0, body };
  });
}

function affordable(cap: number | null, perRecord: number, n: number): number | null {
  if (cap === null) return null;
  return perRecord === 0 ? n : Math.floor(cap / perRecord);
}

function destination(m: JobSpec['models'][string], o: GenerateOptions): { host: string | null; key: string | null } {
  if (m.provider === 'bedrock') {
    const region = m.region ?? o.env['AWS_REGION'] ?? 'the region of your AWS profile';
    return { host: `bedrock-runtime, ${region}`, key: 'AWS credentials' };
  }
  if (m.provider !== 'openai') return { host: null, key: null };
  const configuredUrl = m.base_url ?? OPENAI_URL;
  const baseUrl = o.baseUrl ?? configuredUrl;
  return {
    host: new URL(baseUrl).host,
    key: apiKeyNameFor({ baseUrl, configuredUrl, apiKeyEnv: m.api_key_env, env: o.env }),
  };
}

/** Worst case of the first attempt of records spread over the job. */
async function worstCase(l: LoadedJob): Promise<{ mostNanoUsd: number; meanNanoUsd: number; sampled: number }> {
  // Frozen like a job's inputs, so that seeds of any size and kind are read in the same way.
  const dir = mkdtempSync(join(tmpdir(), 'stint-plan-'));
  try {
    await freezeInputs(l, dir);
    const seeds = openSeedFile(join(dir, 'inputs', 'seeds.jsonl'));
    try {
      const spec: JobSpec = { ...l.draft, job_id: 'plan', created_at: '', job_seed: l.draft.job_seed ?? 0 };
      const env = await recordEnv(spec, l.compiled, seeds);
      const sampled = Math.min(SAMPLED, spec.num_records);
      let [sum, most] = [0, 0];
      for (let i = 0; i < sampled; i++) {
        const nano = recordWorstCase(env, Math.floor((i * spec.num_records) / sampled));
        sum += nano;
        most = Math.max(most, nano);
      }
      return { mostNanoUsd: most, meanNanoUsd: sum / sampled, sampled };
    } finally {
      seeds.close();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function recordWorstCase(env: RecordEnv, index: number): number {
  const work = beginRecord(env, index, 1, []);
  try {
    const next = advance(env, work);
    const first = next.type === 'call' ? next.worstNanoUsd : 0;
    return laterHolds(env, work).reduce((sum, h) => sum + h.nanoUsd, first);
  } catch (e) {
    if (!(e instanceof TemplateError)) throw e;
    throw new AppError('INVALID_ARGUMENT', 'TEMPLATE_ERROR', `record ${index} can't be rendered: ${e.message}`, {
      cause: e,
      hint: 'Correct the template, or the seed row that it stumbles over.',
    });
  }
}

/** Ends as its job ends: with that one's exit code, where it does not complete. */
async function runPilot(o: GenerateOptions, k: number, { draft }: LoadedJob): Promise<CommandResult<Pilot>> {
  const [n, cap] = [draft.num_records, draft.budget_limit_nano_usd];
  const out = o.out ?? join('stint-out', `${draft.name}-pilot`);
  // An earlier pilot may have made more.
  const before = await status({ ...o, dir: out });
  const made = 'error' in before.body ? 0 : before.body.records.target;
  const ran = await generate({ ...o, out, numRecords: Math.max(Math.min(k, n), made) });
  if ('error' in ran.body) {
    const { error } = ran.body;
    return { ...ran, body: { error: { ...error, message: `the pilot: ${error.message}` } } };
  }
  const summary: JobSummary = ran.body;
  const { reason } = summary;
  if (reason) {
    const message = `the pilot in ${out} ended ${summary.status}: ${reason.message}`;
    return { ...ran, body: { error: { ...reason, message } } };
  }
  const costs = await recordCosts(resolve(o.cwd, out));
  const spent = summary.cost_usd.settled + summary.cost_usd.unknown;
  // What rejected attempts cost is spread over the records that came of them.
  const mean = spent / Math.max(1, summary.records.ok);
  const inner = costs.reduce((a, b) => a + b, 0) / Math.max(1, costs.length);
  const variance = costs.reduce((a, b) => a + (b - inner) ** 2, 0) / Math.max(1, costs.length - 1);
  const off = tQuantile(costs.length - 1) * Math.sqrt(variance / Math.max(1, costs.length));
  const usd = (amount: number): number => nanoToUsd(usdToNearestNano(amount));
  const interval = (scale: number) => ({
    mean: usd(mean * scale),
    low: usd(Math.max(0, mean - off) * scale),
    high: usd((mean + off) * scale),
  });
  const body: Pilot = {
    records: summary.records.ok,
    out,
    cost: spent,
    per_record: interval(1),
    expected: interval(n),
    expected_elapsed_s: (summary.elapsed_s / Math.max(1, summary.records.ok)) * n,
    records_affordable: affordable(cap, Math.ceil((mean + off) * 1e9), n),
  };
  return { exitCode: 0, body };
}

async function recordCosts(dir: string): Promise<number[]> {
  const costs: number[] = [];
  const folder = openJobFolder(dir, { create: false, sync: 'normal' });
  try {
    for await (const shard of shardCheckpoints(folder)) {
      for await (const { line } of readRecordLines(folder.store, shard)) {
        const record = JSON.parse(Buffer.from(line).toString('utf8')) as DatasetRecord;
        costs.push(Object.values(record.generation_result).reduce((sum, s) => sum + (s.cost_usd ?? 0), 0));
      }
    }
  } finally {
    await folder.close();
  }
  return costs;
}

/** 97.5 % quantile of Student's t, close enough for an interval (Cornish-Fisher). */
function tQuantile(df: number): number {
  if (df < 1) return 12.71;
  if (df < 3) return [12.71, 4.3][df - 1] ?? 4.3;
  const z = 1.95996;
  return z + (z ** 3 + z) / (4 * df) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * df ** 2);
}
