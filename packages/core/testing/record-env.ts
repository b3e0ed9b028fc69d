// SPDX-License-Identifier: Apache-2.0
import { templateSchema } from '../src/formats/job.ts';
import type { JobSpec } from '../src/formats/job.ts';
import { compileTemplate } from '../src/jobs/compile-template.ts';
import type { Answer, RecordEnv } from '../src/jobs/record.ts';
import { compileValidator } from '../src/jobs/validate-answer.ts';
import type { SeedRow } from '../src/ports/seed-source.ts';

/** USD 1 for a million tokens, either way. */
export const PRICE = { input: 1e9, output: 1e9, cache_read: 1e9, cache_write: 1e9, source: 'test' };

/** As much of a job as a record needs; model `m`, 50 tokens an answer. */
export async function recordEnvOf(
  steps: Record<string, unknown>[],
  rows: SeedRow[] = [{ topic: 'tides' }],
  maxTokens = 50,
): Promise<RecordEnv> {
  const spec = templateSchema.parse({ steps });
  const { template, problems } = compileTemplate(spec, new Map(), new Set(['m']));
  if (!template) throw new Error(problems.map((p) => p.message).join('; '));
  const model = {
    provider: 'replay',
    model: 'the-model',
    max_tokens: maxTokens,
    temperature: 0.5,
    timeout_s: 1,
    price: PRICE,
  };
  return {
    spec: { job_id: 'job-x', name: 'job', job_seed: 42, models: { m: model } } as unknown as JobSpec,
    template,
    validators: await Promise.all(
      template.steps.map((s) => (s.kind === 'model' ? compileValidator(s) : Promise.resolve(null))),
    ),
    extraBytes: template.steps.map((s) => (s.schema ? JSON.stringify(s.schema).length : 0)),
    seeds: { rows: rows.length, row: (i) => rows[i] ?? {}, close: () => undefined },
    sampling: 'sequential',
  };
}

export function answerOf(text: string, change: Partial<Answer> = {}): Answer {
  return {
    text,
    model: 'the-model-1',
    stopReason: 'stop',
    usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 },
    reported: true,
    costNanoUsd: 15_000,
    latencyMs: 12.6,
    atMs: Date.UTC(2026, 0, 2),
    ...change,
  };
}
