// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { outputFormats, samplingSchema } from '../formats/job.ts';
import { problemsOf } from '../problems.ts';
import type { Problem } from '../problems.ts';

/** The job file: what a user writes. Field by field in docs/job-file.md; published as schemas/job-file.schema.json. */

const money = z.union([
  z.number().min(0),
  z.string().regex(/^\$?\d{1,16}(?:\.\d+)?$/, 'an amount in USD like 5 or 2.50'),
]);
const text = z.string().min(1);

const priceFile = z
  .strictObject({
    input: money.describe('USD per million input tokens'),
    output: money.describe('USD per million output tokens'),
    cache_read: money.optional().describe('USD per million cached input tokens; default: input'),
    cache_write: money.optional().describe('USD per million tokens written to the cache; default: input'),
  })
  .describe('USD per million tokens; wins over the built-in table');

const modelFile = z.strictObject({
  provider: z.enum(['openai', 'bedrock', 'llama', 'rehearsal', 'replay']).describe('What answers the calls'),
  model: text.describe(
    "Model id in the provider's words; for llama a name of the catalogue or a GGUF file; for rehearsal the model it stands for",
  ),
  max_tokens: z.int().min(1).max(1_000_000).optional().describe('Upper bound of an answer, always sent; default 2000'),
  temperature: z.number().min(0).max(2).optional().describe('Default 0.7'),
  timeout_s: z
    .number()
    .positive()
    .max(3600)
    .optional()
    .describe('A call without an answer for so long is given up; default 120'),
  base_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('openai: where /chat/completions is; default https://api.openai.com/v1'),
  api_key_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable')
    .optional()
    .describe('Variable that holds the key; needed for other hosts than api.openai.com and this machine'),
  region: text.optional().describe('bedrock: AWS region; default AWS_REGION'),
  rpm: z.number().positive().optional().describe('Requests a minute at most'),
  tpm: z.number().positive().optional().describe('Tokens a minute at most, worst case counted when a call is sent'),
  latency_ms: z.number().min(0).max(600_000).optional().describe('rehearsal: how long an answer takes'),
  token_field: z
    .enum(['max_tokens', 'max_completion_tokens'])
    .optional()
    .describe('openai: name of the token field; default max_tokens'),
  headers: z.record(z.string(), z.string()).optional().describe('openai: more request headers; never a key'),
  query: z.record(z.string(), z.string()).optional().describe('openai: query parameters'),
  extra_body: z.record(z.string(), z.unknown()).optional().describe('openai: more fields of the request body'),
  path: text.optional().describe('replay: file of recorded answers (JSONL)'),
  context_size: z.int().min(128).max(131_072).optional().describe('llama: tokens of context; default 2048'),
  threads: z.int().min(1).max(256).optional().describe('llama: threads; default 1'),
  price: priceFile.optional(),
});
export type ModelFile = z.infer<typeof modelFile>;

/** Keys of a model that only some providers act on; rehearsal and replay stand for any, and so take them all. */
const onlyFor: Partial<Record<keyof ModelFile, readonly ModelFile['provider'][]>> = {
  base_url: ['openai'],
  api_key_env: ['openai'],
  token_field: ['openai'],
  headers: ['openai'],
  query: ['openai'],
  extra_body: ['openai'],
  region: ['bedrock'],
  latency_ms: ['rehearsal'],
  path: ['replay', 'llama'],
  context_size: ['llama'],
  threads: ['llama'],
};

const duration = z.union([
  z.number().positive(),
  z.string().regex(/^(?=.*[1-9])\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h)$/, 'a duration above 0 like 30s, 2m or 1h'),
]);

export const jobFileSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'letters, digits, . _ -; at most 100, the first a letter or digit')
    .describe('Names the job and its default folder'),
  template: text.optional().describe('Template file, relative to this file'),
  template_id: text.optional().describe('A sample template that ships with stint, instead of `template`'),
  seed_data_path: text.describe(
    'Seed rows: JSON object or array, JSONL, CSV or Parquet; a path relative to this file, or file://',
  ),
  num_records: z.int().min(1).max(100_000_000).describe('Records of the dataset'),
  budget_limit: money.optional().describe('USD, a hard cap; required unless every price is 0'),
  job_seed: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Seed of all sampling; default: random, stored'),
  sampling: samplingSchema.optional().describe('shuffle (default), random, sequential or weighted(<seed field>)'),
  models: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, . _ -; at most 64'), modelFile)
    .optional()
    .describe('Aliases that template steps name'),
  max_attempts: z.int().min(1).max(100).optional().describe('Tries of a record; default 3'),
  on_shortfall: z
    .enum(['replace', 'accept', 'fail'])
    .optional()
    .describe('When a record still fails after them; default replace'),
  max_failures: z
    .union([
      z.int().min(0),
      z.string().regex(/^(?:100|\d{1,2}(?:\.\d+)?)%$/, 'a number or a percentage up to 100%, like 10%'),
    ])
    .optional()
    .describe('More failed records than that and the job is FAILED; default 10% of num_records, at least 10'),
  give_up_after: duration
    .optional()
    .describe('Failures for so long with no success between them: stop, exit 6; default 30s'),
  output_format: z
    .union([z.enum(outputFormats), z.array(z.enum(outputFormats)).min(1)])
    .optional()
    .describe('JSONL (default), PARQUET, CSV, or a list of them'),
  export_layout: z
    .enum(['columns', 'json'])
    .optional()
    .describe('columns (default): structs and dotted columns; json: generation_result as one JSON text column'),
  partition_strategy: z
    .string()
    .regex(/^(?:none|timestamp|field:.+)$/, 'none, timestamp or field:<column>')
    .optional()
    .describe('none (default), timestamp or field:<column>: partitions beside the whole dataset'),
  checkpoint_interval: z
    .union([z.literal('auto'), z.int().min(1)])
    .optional()
    .describe('auto (default): about once a second; a number is an upper bound of records'),
  concurrency: z
    .union([z.literal('auto'), z.int().min(1).max(16_384)])
    .optional()
    .describe('Calls in flight at most; auto (default) finds its way'),
  budget_scope: z
    .enum(['all', 'models'])
    .optional()
    .describe('Whether infrastructure counts against the cap; on one machine it costs nothing'),
  priority: z.int().min(0).max(10).optional().describe('Acts on AWS'),
  max_workers: z.int().min(1).max(10_000).optional().describe('Acts on AWS'),
  task: z
    .strictObject({
      cpus: z.number().positive().optional(),
      memory: z
        .string()
        .regex(/^\d+(?:\.\d+)?\s*(?:[KMG]i?B)$/, 'a size like 512MiB or 1GiB')
        .optional(),
      spot_policy: z.enum(['spot', 'spotFirst', 'onDemand']).optional(),
    })
    .optional()
    .describe('Acts on AWS'),
});
export type ParsedJob = z.infer<typeof jobFileSchema>;

/** Checks a job file as parsed from YAML or JSON; every problem is reported, each with its field. */
export function parseJobFile(value: unknown): { job?: ParsedJob; problems: Problem[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      problems: [
        {
          path: '',
          reason: 'BAD_JOB_FILE',
          message: 'a job file is a mapping of fields',
          hint: 'See docs/job-file.md.',
        },
      ],
    };
  }
  const parsed = jobFileSchema.safeParse(value);
  if (!parsed.success) return { problems: parsed.error.issues.flatMap((i) => problemsOf(i, value, jobFileSchema)) };
  const job = parsed.data;
  if ((job.template === undefined) === (job.template_id === undefined)) {
    return {
      problems: [
        {
          path: 'template',
          reason: 'BAD_JOB_FILE',
          message: 'exactly one of template, template_id is needed',
          hint: 'template: <file>, or template_id: <sample>.',
        },
      ],
    };
  }
  const problems = Object.entries(job.models ?? {}).flatMap(([alias, model]) => foreignKeys(alias, model));
  return problems.length > 0 ? { problems } : { job, problems };
}

/** What a model says and its provider would not do: refused, never ignored. */
function foreignKeys(alias: string, model: ModelFile): Problem[] {
  if (model.provider === 'rehearsal' || model.provider === 'replay') return [];
  return Object.entries(onlyFor).flatMap(([key, providers]) =>
    model[key as keyof ModelFile] === undefined || providers.includes(model.provider)
      ? []
      : [
          {
            path: `models.${alias}.${key}`,
            reason: 'BAD_JOB_FILE',
            message: `only for provider ${providers.join(', ')}; provider ${model.provider} does nothing with it`,
            hint: 'Take it out.',
          },
        ],
  );
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `30s`, `2m`, or a number of seconds, in ms. */
export function durationMs(value: number | string): number {
  if (typeof value === 'number') return value * 1000;
  const m = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value);
  return Number(m?.[1] ?? 0) * (UNITS[m?.[2] ?? 's'] ?? 1000);
}
