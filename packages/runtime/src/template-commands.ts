// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { accept, advance, AppError, beginRecord, compileValidator, toAppError } from '@stint/core';
import type { JobSpec, JsonObject, Message, RecordEnv, SeedRow, SeedSource } from '@stint/core';
import { parseData, TemplateError } from '@stint/jinja';
import { asResult } from './as-result.ts';
import type { CommandResult, RunOptions } from './commands.ts';
import { readTemplate, resolveSeedPath, samplesDir, seedRows } from './intake/index.ts';
import type { LoadedTemplate } from './intake/index.ts';

/** `stint.template/1`: what `template check` found. */
export interface TemplateCheck {
  schema: 'stint.template/1';
  template: string;
  steps: { id: string; kind: string; model: string | null }[];
  /** Fields that every seed row must have, and those that it may have. */
  required: string[];
  optional: string[];
  files: string[];
  warnings: string[];
}

/** `stint.render/1`: what each step sends, without any model. */
export interface TemplateRender {
  schema: 'stint.render/1';
  template: string;
  index: number;
  job_seed: number;
  seed_index: number;
  /** Model steps have `messages`, the others `output`; answers of models are stand-ins, which say so. */
  steps: { id: string; kind: string; skipped: boolean; messages?: Message[]; output: string }[];
}

/** `stint template check TEMPLATE`. */
export async function checkTemplate(o: RunOptions & { template: string }): Promise<CommandResult<TemplateCheck>> {
  return asResult(async () => {
    const { compiled, files, warnings } = load(o);
    for (const step of compiled.steps) if (step.kind === 'model') await compileValidator(step);
    const paths = (optional: boolean): string[] =>
      [...new Set(compiled.requirements.filter((r) => r.optional === optional).map((r) => r.path.join('.')))].sort();
    const required = paths(false);
    const body: TemplateCheck = {
      schema: 'stint.template/1',
      template: o.template,
      steps: compiled.steps.map((s) => ({ id: s.id, kind: s.kind, model: s.alias })),
      required,
      optional: paths(true).filter((p) => !required.includes(p)),
      files: [...files.keys()],
      warnings: warnings.map((w) => w.message),
    };
    return { exitCode: 0, body };
  });
}

/** `stint template render TEMPLATE`: the prompts of one record, as a job with this job_seed would send them. */
export async function renderTemplate(
  o: RunOptions & {
    template: string;
    /** JSON object, or path of a seed file. */
    seed?: string | undefined;
    index?: number | undefined;
    jobSeed?: number | undefined;
    step?: string | undefined;
  },
): Promise<CommandResult<TemplateRender>> {
  return asResult(async () => {
    const loaded = load(o);
    const { compiled } = loaded;
    if (o.step !== undefined && !compiled.steps.some((s) => s.id === o.step)) {
      throw new AppError('INVALID_ARGUMENT', 'UNKNOWN_STEP', `--step ${o.step}: the template has no such step`, {
        hint: `Its steps are ${compiled.steps.map((s) => s.id).join(', ')}.`,
      });
    }
    const [index, jobSeed] = [o.index ?? 0, o.jobSeed ?? 0];
    const seeds = await seedSource(o.seed, o.cwd);
    const env = renderEnv(loaded, jobSeed, seeds);
    const steps: TemplateRender['steps'] = [];
    const work = beginRecord(env, index, 1, []);
    try {
      for (;;) {
        const at = work.step;
        const next = advance(env, work);
        // Steps that were passed over on the way called no model.
        for (let i = at; i < Math.min(work.step, compiled.steps.length); i++)
          steps.push(localStep(compiled.steps[i], work.outcomes[i]));
        if (next.type === 'done') break;
        const step = compiled.steps[work.step];
        if (!step) break;
        const output = await standIn(step);
        steps.push({ id: step.id, kind: step.kind, skipped: false, messages: [...next.request.messages], output });
        if (step.id === o.step) break;
        accept(env, work, { ...NO_ANSWER, text: output });
      }
    } catch (e) {
      if (!(e instanceof TemplateError)) throw e;
      const reached = o.step === undefined ? -1 : compiled.steps.findIndex((s) => s.id === o.step);
      if (reached < 0 || work.step <= reached) {
        throw new AppError(
          'INVALID_ARGUMENT',
          'TEMPLATE_ERROR',
          `${o.template}: ${e.template}:${e.line}: ${e.message}`,
          { cause: e, hint: renderHint(o.seed, e, compiled) },
        );
      }
    }
    const body: TemplateRender = {
      schema: 'stint.render/1',
      template: o.template,
      index,
      job_seed: jobSeed,
      seed_index: work.seedIndex,
      steps: o.step === undefined ? steps : steps.filter((s) => s.id === o.step),
    };
    return { exitCode: 0, body };
  });
}

function renderHint(seed: string | undefined, e: TemplateError, compiled: LoadedTemplate['compiled']): string {
  if (seed === undefined) return 'Give a seed row: --seed \'{"field": "value"}\' or --seed <seed file>.';
  const [root = ''] = (e.variable ?? '').split('.');
  return compiled.requirements.some((r) => r.path[0] === root)
    ? 'The seed row lacks it; `stint template check` lists the fields that are needed.'
    : 'A field of a model’s parsed answer is not known before the model answers; see --step.';
}

const NO_ANSWER = {
  model: 'none',
  stopReason: 'stop',
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  reported: true,
  costNanoUsd: 0,
  latencyMs: 0,
  atMs: 0,
} as const;

/** What later steps see in place of an answer: it says of which step, and fits the step's schema. */
async function standIn(step: { id: string; schema?: JsonObject | undefined }): Promise<string> {
  const text = `<output of ${step.id}>`;
  if (!step.schema) return text;
  const { exampleOf } = await import('@stint/models/rehearsal');
  return JSON.stringify(exampleOf(step.schema, text));
}

function localStep(step: { id: string; kind: string } | undefined, outcome: { json: string } | null | undefined) {
  const { output, skipped } = JSON.parse(outcome?.json ?? '{}') as { output?: string; skipped?: boolean };
  return { id: step?.id ?? '', kind: step?.kind ?? '', skipped: skipped ?? false, output: output ?? '' };
}

/** A file, or the id of a sample that ships with stint. */
function load(o: RunOptions & { template: string }): LoadedTemplate {
  const path = resolve(o.cwd, o.template);
  const sample = join(samplesDir, o.template, 'template.yaml');
  const isSample = !existsSync(path) && /^[A-Za-z0-9_-]+$/.test(o.template) && existsSync(sample);
  return readTemplate(isSample ? sample : path, null);
}

/** Just as much of a job as rendering looks at: no prices, no limits. */
function renderEnv({ spec, compiled }: LoadedTemplate, jobSeed: number, seeds: SeedSource): RecordEnv {
  const price = { input: 0, output: 0, cache_read: 0, cache_write: 0, source: 'none' };
  const models = Object.fromEntries(
    compiled.steps.flatMap((s) =>
      s.alias === null ? [] : [[s.alias, { provider: 'replay', model: s.alias, max_tokens: 1, timeout_s: 1, price }]],
    ),
  );
  const job = { job_id: 'render', name: 'render', job_seed: jobSeed, models, template: { spec } };
  return {
    // Rendering reads nothing else of a job.
    spec: job as unknown as JobSpec,
    template: compiled,
    validators: compiled.steps.map((s) =>
      s.kind === 'model' ? (text: string) => ({ ok: true, json: s.schema ? parseData(text) : undefined }) : null,
    ),
    extraBytes: compiled.steps.map(() => 0),
    seeds,
    sampling: 'shuffle',
  };
}

async function seedSource(seed: string | undefined, cwd: string): Promise<SeedSource> {
  const rows: SeedRow[] = [];
  if (seed === undefined) rows.push({});
  else if (/^\s*[{[]/.test(seed)) {
    try {
      const value = parseData(seed);
      rows.push(...((Array.isArray(value) ? value : [value]) as SeedRow[]));
    } catch (cause) {
      throw new AppError('INVALID_ARGUMENT', 'BAD_SEEDS', `--seed: ${toAppError(cause).message}`, {
        cause,
        hint: 'Give one JSON object, or the path of a seed file.',
      });
    }
  } else {
    for await (const row of seedRows(resolveSeedPath(seed, cwd))) rows.push(row.value as SeedRow);
  }
  if (rows.length === 0 || rows.some((r) => typeof r !== 'object' || r === null || Array.isArray(r))) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_SEEDS', '--seed: no seed row, or one that is no object', {
      hint: 'Give one JSON object, or the path of a seed file with objects.',
    });
  }
  return { rows: rows.length, row: (i) => rows[i] ?? {}, close: () => undefined };
}
