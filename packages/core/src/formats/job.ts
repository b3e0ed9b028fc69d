// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { count, innerPath, readDocument, sha256Hex } from './common.ts';

/** Integer nano-dollars per million tokens, per direction. */
export const priceSchema = z.object({
  input: count,
  output: count,
  cache_read: count,
  cache_write: count,
  /** Where the row comes from: `job file`, or the built-in table's source, region and date. */
  source: z.string(),
});
export type Price = z.infer<typeof priceSchema>;

/** A model alias as the job froze it. Never holds a key, only the name of its variable. */
export const frozenModelSchema = z.object({
  provider: z.enum(['openai', 'bedrock', 'llama', 'rehearsal', 'replay']),
  model: z.string(),
  max_tokens: z.int().min(1),
  temperature: z.number().min(0).max(2).nullable(),
  timeout_s: z.number().positive(),
  base_url: z.string().optional(),
  api_key_env: z.string().optional(),
  region: z.string().optional(),
  rpm: z.number().positive().optional(),
  tpm: z.number().positive().optional(),
  latency_ms: z.number().min(0).optional(),
  token_field: z.enum(['max_tokens', 'max_completion_tokens']).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  query: z.record(z.string(), z.string()).optional(),
  extra_body: z.record(z.string(), z.unknown()).optional(),
  /** Recorded answers (replay) or model file (llama), absolute. */
  path: z.string().optional(),
  context_size: z.int().positive().optional(),
  threads: z.int().positive().optional(),
  price: priceSchema,
});
export type FrozenModel = z.infer<typeof frozenModelSchema>;

const sampleSpec = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('category'),
    values: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1),
    weights: z.array(z.number().min(0)).optional(),
  }),
  z.strictObject({
    type: z.literal('uniform'),
    low: z.number(),
    high: z.number(),
    decimals: z.int().min(0).max(15).optional(),
  }),
  z.strictObject({
    type: z.literal('normal'),
    mean: z.number(),
    stddev: z.number().min(0),
    decimals: z.int().min(0).max(15).optional(),
  }),
  z.strictObject({ type: z.literal('integer'), low: z.int(), high: z.int() }),
  z.strictObject({ type: z.literal('uuid') }),
  z.strictObject({ type: z.literal('datetime'), start: z.string(), end: z.string() }),
]);
export type SampleSpec = z.infer<typeof sampleSpec>;

const expectSpec = z.strictObject({
  /** RE2 syntax; searched for, not matched in full. */
  regex: z.string().optional(),
  /** In code points. */
  min_length: z.int().min(0).optional(),
  max_length: z.int().min(0).optional(),
  json_schema: z.record(z.string(), z.unknown()).optional(),
  /** An answer cut at max_tokens is rejected. */
  complete: z.boolean().optional(),
});
export type ExpectSpec = z.infer<typeof expectSpec>;

const stepId = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'a step id is a letter or _, then letters, digits, _ (at most 64)');

/** One step of a template: exactly one of prompt, sample, compute. */
export const stepSchema = z
  .strictObject({
    id: stepId,
    prompt: z.string().optional(),
    model: z.string().optional(),
    model_tier: z.string().optional(),
    system: z.string().optional(),
    temperature: z.number().min(0).max(2).optional(),
    max_tokens: z.int().min(1).optional(),
    when: z.string().optional(),
    output: z.record(z.string(), z.unknown()).optional(),
    expect: expectSpec.optional(),
    sample: sampleSpec.optional(),
    compute: z.string().optional(),
  })
  .superRefine((s, ctx) => {
    const kinds = (['prompt', 'sample', 'compute'] as const).filter((k) => s[k] !== undefined);
    if (kinds.length !== 1) {
      ctx.addIssue({ code: 'custom', message: 'a step has exactly one of: prompt, sample, compute' });
    }
    if (s.prompt !== undefined) {
      if ((s.model === undefined) === (s.model_tier === undefined)) {
        ctx.addIssue({
          code: 'custom',
          message: 'a step with a prompt names its model by exactly one of: model, model_tier',
        });
      }
    } else {
      for (const key of ['model', 'model_tier', 'system', 'temperature', 'max_tokens', 'output', 'expect'] as const) {
        if (s[key] !== undefined)
          ctx.addIssue({ code: 'custom', path: [key], message: 'only for a step with a prompt' });
      }
    }
  });
export type StepSpec = z.infer<typeof stepSchema>;

/** The YAML's top-level `template`. */
export const templateSchema = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  category: z.string().optional(),
  version: z.union([z.string(), z.number()]).optional(),
  is_public: z.boolean().optional(),
  /** Always computed from the template; a written one is ignored with a warning. */
  schema_requirements: z.array(z.string()).optional(),
  steps: z.array(stepSchema).min(1).max(64),
});
export type TemplateSpec = z.infer<typeof templateSchema>;

export const samplingSchema = z.union([
  z.enum(['shuffle', 'random', 'sequential']),
  z.string().regex(/^weighted\([^()]+\)$/, 'weighted(<seed field>)'),
]);
export const outputFormats = ['JSONL', 'PARQUET', 'CSV'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** `job.json`: everything a job froze when it was created. Limits in force live in the job's state. */
export const jobSpecSchema = z.object({
  schema: z.literal('stint.job/1'),
  job_id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  name: z.string(),
  created_at: z.string(),
  stint_version: z.string(),
  engine: z.object({ sampling: z.literal(1), templates: z.literal(1) }),
  job_seed: count,
  sampling: samplingSchema,
  num_records: z.int().min(1).max(100_000_000),
  /** Nano-dollars; null only where every price is 0. */
  budget_limit_nano_usd: count.nullable(),
  template: z.object({
    spec: templateSchema,
    /** Dotted paths every seed row must have. */
    schema_requirements: z.array(z.string()),
    /** The template file and all it includes, below inputs/template/. The first is the entry. */
    files: z.array(z.object({ path: innerPath, sha256: sha256Hex })),
  }),
  seeds: z.object({
    rows: z.int().min(1),
    bytes: count,
    sha256: sha256Hex,
    source: z.string(),
    source_sha256: sha256Hex,
  }),
  models: z.record(z.string(), frozenModelSchema),
  max_attempts: z.int().min(1).max(100),
  on_shortfall: z.enum(['replace', 'accept', 'fail']),
  /** Failed records allowed, absolute or percent of num_records. */
  max_failures: z.union([z.object({ percent: z.number().min(0).max(100) }), z.object({ records: count })]),
  give_up_after_ms: z.number().positive(),
  output_format: z.array(z.enum(outputFormats)).min(1),
  export_layout: z.enum(['columns', 'json']),
  /** `none`, `timestamp` or `field:<column>`. */
  partition_strategy: z.string(),
  /** Upper bound of records between commits, or auto. */
  checkpoint_interval: z.union([z.literal('auto'), z.int().min(1)]),
  concurrency: z.union([z.literal('auto'), z.int().min(1)]),
  budget_scope: z.enum(['all', 'models']),
  priority: z.int(),
  max_workers: z.int().min(1),
  task: z.record(z.string(), z.unknown()).optional(),
});
export type JobSpec = z.infer<typeof jobSpecSchema>;

export const JOB_KEY = 'job.json';

/** @throws AppError as `readDocument`. */
export function readJobSpec(where: string, value: unknown): JobSpec {
  return readDocument(jobSpecSchema, 'stint.job', 1, where, value);
}

/** The declared JSON Schema of a step's structured output, if any. */
export function outputSchema(step: StepSpec): JsonObject | undefined {
  return step.output as JsonObject | undefined;
}
