// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { count } from './common.ts';

/** Usage of one step, summed over its paid tries in this attempt. Cached tokens are not in `input_tokens`. */
export const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count.optional(),
  cache_write_tokens: count.optional(),
});

/**
 * What one step left in a record. Model steps have prompt, output, model, usage, cost_usd, stop_reason, latency_ms
 * (and json where `output` is declared, tries where more than one was paid for); sample and compute steps have
 * output and json; a skipped step has output '' and skipped true.
 */
export const stepResultSchema = z.object({
  prompt: z.string().optional(),
  output: z.string(),
  json: z.unknown().optional(),
  model: z.string().optional(),
  usage: usageSchema.optional(),
  cost_usd: z.number().min(0).optional(),
  stop_reason: z.string().optional(),
  latency_ms: z.number().min(0).optional(),
  tries: count.optional(),
  skipped: z.literal(true).optional(),
  /** False where the provider reported no usage and the worst case was charged. */
  usage_reported: z.literal(false).optional(),
});
export type StepResult = z.infer<typeof stepResultSchema>;

/** One row of the dataset: a line of a batch file and of dataset.jsonl. */
export const recordSchema = z.object({
  id: z.string(),
  job_id: z.string(),
  index: count,
  attempt: count,
  seed_index: count,
  seed_data_keys: z.unknown(),
  timestamp: z.string(),
  generation_result: z.record(z.string(), stepResultSchema),
});
export type DatasetRecord = z.infer<typeof recordSchema>;

/** One rejected attempt: a line of a file under rejects/. */
export const rejectSchema = z.object({
  schema: z.literal('stint.reject/1'),
  id: z.string(),
  index: count,
  attempt: count,
  step: z.string().nullable(),
  code: z.string(),
  reason: z.string(),
  raw: z.string().nullable(),
  cost_usd: z.number().min(0),
  timestamp: z.string(),
});
export type RejectRow = z.infer<typeof rejectSchema>;
