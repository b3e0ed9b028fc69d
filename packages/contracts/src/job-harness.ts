// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  acquireJob,
  AppError,
  compileTemplate,
  compileValidator,
  resumesFailure,
  runJob,
  SHARD_SIZE,
  shardKey,
  templateSchema,
} from '@stint/core';
import type {
  CallLog,
  Clock,
  Completion,
  CompletionRequest,
  DatasetRecord,
  JobLimits,
  JobSpec,
  JobStore,
  LeaseOwner,
  ModelProvider,
  ObjectStore,
  RecordEnv,
  RunningJob,
  RunOutcome,
  SeedSource,
  ShardCheckpoint,
} from '@stint/core';
import type { MemoryDisk } from './memory-disk.ts';

/** Real time for tests that run a whole job: nothing in them waits for it. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

const PRICE = { input: 1_000_000_000, output: 2_000_000_000, cache_read: 0, cache_write: 0, source: 'test' };

/** What a provider has billed, whether or not the caller lived to see the answer. */
export interface Bill {
  nanoUsd: number;
  calls: { key: string; prompt: string }[];
  inFlight: number;
}

export const emptyBill = (): Bill => ({ nanoUsd: 0, calls: [], inFlight: 0 });

export type Script = (
  request: CompletionRequest,
  nth: number,
) => string | AppError | (Partial<Completion> & { afterMs?: number });

/** Answers at once, deterministically from the prompt, and bills on acceptance: the judge of money in these tests. */
export function billingProvider(bill: Bill, script: Script = (r) => `answer to ${prompt(r)}`): ModelProvider {
  let nth = 0;
  const price = (n: number, perMillion: number): number => Math.ceil((n * perMillion) / 1e6);
  return {
    name: 'billing',
    capabilities: { structuredOutput: true, maxConcurrency: null, deterministic: true },
    async complete(request, signal) {
      const said = script(request, nth++);
      if (said instanceof AppError) {
        // A call that may have been billed is: the cap must hold in the worst case.
        if (said.info.charge !== 'none') book(request, 0);
        throw said;
      }
      const answer = typeof said === 'string' ? { text: said } : said;
      const { text = '' } = answer;
      const usage = {
        inputTokens: Math.ceil(prompt(request).length / 4),
        outputTokens: Math.min(request.maxTokens, Math.ceil(text.length / 4)),
      };
      book(request, price(usage.inputTokens, PRICE.input) + price(usage.outputTokens, PRICE.output));
      bill.inFlight++;
      try {
        await sleep(typeof said === 'string' ? 0 : (said.afterMs ?? 0), undefined, { signal });
      } catch (cause) {
        const reason: unknown = signal.reason;
        if (reason instanceof AppError)
          throw new AppError(reason.code, reason.reason, reason.message, { charge: 'unknown' });
        throw cause;
      } finally {
        bill.inFlight--;
      }
      return {
        text,
        model: request.model,
        stopReason: 'stop',
        usage: { ...usage, cacheReadTokens: 0, cacheWriteTokens: 0 },
        ...('usage' in answer || 'stopReason' in answer ? pick(answer) : {}),
      };
    },
    close: () => Promise.resolve(),
  };
  function book(request: CompletionRequest, nanoUsd: number): void {
    bill.nanoUsd += nanoUsd;
    bill.calls.push({ key: request.idempotencyKey, prompt: prompt(request) });
  }
}

function pick(a: Partial<Completion>): Partial<Completion> {
  return {
    ...(a.usage !== undefined ? { usage: a.usage } : {}),
    ...(a.stopReason !== undefined ? { stopReason: a.stopReason } : {}),
  };
}

export const prompt = (r: CompletionRequest): string => r.messages.map((m) => m.content).join('\n');

export interface JobPlan {
  steps: Record<string, unknown>[];
  numRecords: number;
  budgetNanoUsd?: number | null;
  concurrency?: number | 'auto';
  rows?: Record<string, unknown>[];
  spec?: Partial<JobSpec>;
  maxTokens?: number;
  timeoutS?: number;
}

/** A frozen job without files, for engines on memory adapters. */
export async function planJob(plan: JobPlan): Promise<{ spec: JobSpec; env: RecordEnv; limits: JobLimits }> {
  const template = templateSchema.parse({ name: 'test', steps: plan.steps });
  const compiled = compileTemplate(template, new Map(), new Set(['m', 'n']));
  if (!compiled.template) throw new Error(compiled.problems.map((p) => p.message).join('; '));
  const rows = plan.rows ?? Array.from({ length: 7 }, (_, i) => ({ topic: `topic ${i}` }));
  const model = {
    provider: 'replay' as const,
    model: 'test-model',
    max_tokens: plan.maxTokens ?? 50,
    temperature: 0.5,
    timeout_s: plan.timeoutS ?? 60,
    price: PRICE,
  };
  const spec: JobSpec = {
    schema: 'stint.job/1',
    job_id: 'test-abcdefghij',
    name: 'test',
    created_at: '2026-01-01T00:00:00.000Z',
    stint_version: '0.0.0',
    engine: { sampling: 1, templates: 1 },
    job_seed: 42,
    sampling: 'shuffle',
    num_records: plan.numRecords,
    budget_limit_nano_usd: plan.budgetNanoUsd ?? null,
    template: { spec: template, schema_requirements: [], files: [] },
    seeds: { rows: rows.length, bytes: 0, sha256: '0'.repeat(64), source: 'memory', source_sha256: '0'.repeat(64) },
    models: { m: model, n: model },
    max_attempts: 3,
    on_shortfall: 'replace',
    max_failures: { percent: 10 },
    give_up_after_ms: 30_000,
    output_format: ['JSONL'],
    export_layout: 'columns',
    partition_strategy: 'none',
    checkpoint_interval: 'auto',
    concurrency: plan.concurrency ?? 4,
    budget_scope: 'all',
    priority: 5,
    max_workers: 1,
    ...plan.spec,
  };
  const seeds: SeedSource = { rows: rows.length, row: (i) => rows[i] ?? {}, close: () => undefined };
  const env: RecordEnv = {
    spec,
    template: compiled.template,
    validators: await Promise.all(
      compiled.template.steps.map((s) => (s.kind === 'model' ? compileValidator(s) : Promise.resolve(null))),
    ),
    extraBytes: compiled.template.steps.map((s) => (s.schema ? JSON.stringify(s.schema).length : 0)),
    seeds,
    sampling: 'shuffle',
  };
  const limits: JobLimits = {
    budgetNanoUsd: plan.budgetNanoUsd ?? null,
    numRecords: plan.numRecords,
    concurrency: plan.concurrency ?? 4,
  };
  return { spec, env, limits };
}

let processes = 0;
/** A new simulated process. */
export function newOwner(): LeaseOwner {
  processes++;
  return { id: `p${processes}`, host: 'h', bootId: 'b', pidNamespace: 'n', pid: processes, startTime: 's' };
}

export interface Ports {
  store: ObjectStore;
  log: CallLog;
  jobs: JobStore;
}

/** One simulated process that runs the job on these ports to its end. */
export async function startProcess(
  ports: Ports,
  job: Awaited<ReturnType<typeof planJob>>,
  providers: ReadonlyMap<string, ModelProvider>,
  options: {
    clock?: Clock;
    softLimitMs?: number;
    limits?: Partial<JobLimits>;
    retryFailed?: boolean;
    /** What this process thinks of a holder; default: dead. */
    liveness?: 'alive' | 'dead';
    onExport?: () => Promise<void>;
  } = {},
): Promise<RunningJob> {
  const clock = options.clock ?? realClock;
  const limits = { ...job.limits, ...options.limits };
  let state = await ports.jobs.read();
  if (!state) {
    await ports.jobs.create(limits, clock.now());
    state = await ports.jobs.read();
  }
  if (!state) throw new Error('created job is not there');
  const lease = await acquireJob(
    ports.jobs,
    clock,
    newOwner(),
    () => options.liveness ?? 'dead',
    ['QUEUED', 'RUNNING', 'FAILED', 'BUDGET_EXCEEDED', 'COMPLETED'],
    state,
  );
  if (options.limits) await ports.jobs.setLimits(lease, limits, clock.now());
  return runJob({
    spec: job.spec,
    jobDigest: sha256(JSON.stringify(job.spec)),
    env: job.env,
    limits,
    providers,
    store: ports.store,
    jobs: ports.jobs,
    log: ports.log,
    clock,
    random: () => 0.001,
    sha256,
    lease,
    softLimitMs: options.softLimitMs ?? 5_000,
    retryFailed: options.retryFailed ?? resumesFailure(state),
    elapsedBeforeMs: state.elapsedMs,
    finish: async () => options.onExport?.(),
  });
}

/** Runs a job on a memory disk until a process ends it. */
export async function runOnDisk(
  disk: MemoryDisk,
  job: Awaited<ReturnType<typeof planJob>>,
  providers: ReadonlyMap<string, ModelProvider>,
  options: Parameters<typeof startProcess>[3] = {},
): Promise<RunOutcome> {
  const running = await startProcess({ store: disk.objects, ...disk.open() }, job, providers, options);
  return running.done;
}

/** What the checkpoints name, in index order: the dataset as it would be exported. */
export async function committed(
  store: ObjectStore,
): Promise<{ lines: Map<number, string>; records: DatasetRecord[]; docs: ShardCheckpoint[] }> {
  const lines = new Map<number, string>();
  const docs: ShardCheckpoint[] = [];
  for (let shard = 0; ; shard++) {
    const found = await store.get(shardKey(shard)).catch(() => null);
    if (!found) break;
    const doc = JSON.parse(new TextDecoder().decode(found.body)) as ShardCheckpoint;
    docs.push(doc);
    for (const batch of doc.batches) {
      const { body } = await store.get(batch.key);
      if (sha256(body) !== batch.sha256) throw new Error(`${batch.key} changed`);
      for (const line of new TextDecoder().decode(body).split('\n')) {
        if (line === '') continue;
        const { index } = JSON.parse(line) as DatasetRecord;
        if (!batch.ranges.some(([a, b]) => index >= a && index <= b)) continue;
        if (lines.has(index)) throw new Error(`index ${index} is committed twice`);
        if (Math.floor(index / SHARD_SIZE) !== shard) throw new Error(`index ${index} in shard ${shard}`);
        lines.set(index, line);
      }
    }
  }
  const sorted = new Map([...lines].sort((a, b) => a[0] - b[0]));
  return { lines: sorted, records: [...sorted.values()].map((l) => JSON.parse(l) as DatasetRecord), docs };
}
