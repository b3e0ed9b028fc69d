// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AppError,
  builtInAliases,
  compileValidator,
  durationMs,
  findPrice,
  isAppError,
  parseJobFile,
  usdToNano,
} from '@stint/core';
import type {
  CompiledTemplate,
  FrozenModel,
  JobSpec,
  JsonObject,
  ModelFile,
  ParsedJob,
  Price,
  Problem,
} from '@stint/core';
import { apiKeyFor, planRequests } from '@stint/models/openai';
import { OPENAI_URL } from '../providers.ts';
import { stintVersion } from '../version.ts';
import { sha256File } from './freeze.ts';
import { badInput } from './problems.ts';
import { checkSeeds, resolveSeedPath } from './read-seeds.ts';
import { readTemplate } from './read-template.ts';
import type { LoadedTemplate } from './read-template.ts';
import { readYamlFile } from './yaml-file.ts';

export interface LoadOptions {
  jobPath: string;
  env: NodeJS.ProcessEnv;
  cwd: string;
  overrides?: {
    numRecords?: number | undefined;
    budgetLimit?: string | undefined;
    jobSeed?: number | undefined;
    baseUrl?: string | undefined;
  };
}

export interface LoadedJob {
  /** All of job.json but what only its creation knows. */
  draft: Omit<JobSpec, 'job_id' | 'created_at' | 'job_seed'> & { job_seed: number | null };
  compiled: CompiledTemplate;
  /** Text by name below inputs/template/; the entry first. */
  templateFiles: Map<string, string>;
  seedPath: string;
  /** Limits as the file has them, without flags. */
  fileLimits: { budgetNanoUsd: number | null; numRecords: number };
  warnings: Problem[];
}

/** Folder of the templates that ship with stint. */
export const samplesDir = fileURLToPath(new URL('../../../../examples/samples/', import.meta.url));

/**
 * Reads a job file with its template and seeds, and checks all of it before anything is created or spent.
 * @throws AppError INVALID_ARGUMENT/…, UNIMPLEMENTED/NOT_IN_THIS_VERSION
 */
export async function loadJob(o: LoadOptions): Promise<LoadedJob> {
  const jobPath = resolve(o.cwd, o.jobPath);
  const yaml = readYamlFile(jobPath, 'job file');
  const { job, problems } = parseJobFile(yaml.value);
  if (!job) throw badInput(yaml.locate(problems));
  const base = dirname(jobPath);
  const models = new Map(Object.entries(job.models ?? {}));
  const aliases = new Set([...models.keys(), ...Object.keys(builtInAliases)]);
  const template = readTemplate(templatePath(job, base), aliases);
  const used = new Set(template.compiled.steps.flatMap((s) => (s.alias === null ? [] : [s.alias])));
  const found: Problem[] = [];
  const collect = <T>(path: string, run: () => T): T | undefined => {
    try {
      return run();
    } catch (e) {
      if (!isAppError(e) || e.code === 'INTERNAL') throw e;
      found.push({ path, reason: e.reason, message: e.message, hint: e.info.hint });
      return undefined;
    }
  };
  const frozen: Record<string, FrozenModel> = {};
  for (const alias of used) {
    const own = models.get(alias);
    const model = own ?? builtInModel(alias);
    const made = collect(`models.${alias}`, () => freezeModel(alias, model, base, o));
    if (made) frozen[alias] = made;
  }
  const flag = o.overrides?.budgetLimit;
  const fileBudget =
    job.budget_limit === undefined ? null : collect('budget_limit', () => usdToNano(job.budget_limit ?? 0));
  const flagBudget = flag === undefined ? undefined : usdToNano(flag);
  const budget = flagBudget ?? fileBudget ?? null;
  const free = Object.values(frozen).every(
    (m) => m.price.input + m.price.output + m.price.cache_read + m.price.cache_write === 0,
  );
  if (budget === null && !free && found.length === 0) {
    found.push({
      path: 'budget_limit',
      reason: 'MISSING_BUDGET',
      message: 'budget_limit is missing, and the models used have a price',
      hint: 'Add budget_limit: <USD>, a hard cap.',
    });
  }
  if (budget === 0 && !free) {
    found.push({
      path: 'budget_limit',
      reason: 'BAD_MONEY',
      message: 'budget_limit must be above 0',
      hint: 'Give a cap in USD.',
    });
  }
  const partitionField = /^field:(.+)$/.exec(job.partition_strategy ?? '')?.[1] ?? null;
  found.push(...(await partitionProblems(partitionField, template)));
  if (found.length > 0) throw badInput(yaml.locate(found));
  await checkAnswerRules(template);
  const seedPath = resolveSeedPath(job.seed_data_path, base);
  const sampling = job.sampling ?? 'shuffle';
  const weightField = /^weighted\((.+)\)$/.exec(sampling)?.[1] ?? null;
  const seeds = await checkSeeds(seedPath, template.compiled.requirements, weightField, partitionField);
  if (seeds.problems.length > 0) throw badInput(seeds.problems);
  const numRecords = o.overrides?.numRecords ?? job.num_records;
  return {
    draft: {
      schema: 'stint.job/1',
      name: job.name,
      stint_version: stintVersion,
      engine: { sampling: 1, templates: 1 },
      job_seed: o.overrides?.jobSeed ?? job.job_seed ?? null,
      sampling,
      num_records: numRecords,
      budget_limit_nano_usd: budget,
      template: {
        spec: template.spec,
        schema_requirements: [
          ...new Set(template.compiled.requirements.filter((r) => !r.optional).map((r) => r.path.join('.'))),
        ].sort(),
        files: [...template.files].map(([path, text]) => ({ path, sha256: sha256Text(text) })),
      },
      seeds: {
        rows: seeds.rows,
        bytes: seeds.bytes,
        sha256: seeds.sha256,
        source: job.seed_data_path,
        source_sha256: await sha256File(seedPath),
      },
      models: frozen,
      max_attempts: job.max_attempts ?? 3,
      on_shortfall: job.on_shortfall ?? 'replace',
      max_failures: maxFailures(job.max_failures ?? '10%'),
      give_up_after_ms: durationMs(job.give_up_after ?? '30s'),
      output_format: [...new Set([job.output_format ?? 'JSONL'].flat())],
      export_layout: job.export_layout ?? 'columns',
      partition_strategy: job.partition_strategy ?? 'none',
      checkpoint_interval: job.checkpoint_interval ?? 'auto',
      concurrency: job.concurrency ?? 'auto',
      budget_scope: job.budget_scope ?? 'all',
      priority: job.priority ?? 5,
      max_workers: job.max_workers ?? 4,
      ...(job.task ? { task: job.task } : {}),
    },
    compiled: template.compiled,
    templateFiles: template.files,
    seedPath,
    fileLimits: { budgetNanoUsd: fileBudget ?? null, numRecords: job.num_records },
    warnings: [...template.warnings, ...seeds.warnings],
  };
}

/** A path into the result that leads nowhere would put every record into one partition. */
async function partitionProblems(field: string | null, { spec }: LoadedTemplate): Promise<Problem[]> {
  if (field === null) return [];
  const { resultPathProblem } = await import('@stint/export');
  const message = resultPathProblem(field, spec.steps);
  if (message === null) return [];
  return [{ path: 'partition_strategy', reason: 'BAD_PARTITION', message, hint: 'Name one that there is, or none.' }];
}

/** Schemas and patterns of `output` and `expect` compile now, or never. */
async function checkAnswerRules(template: LoadedTemplate): Promise<void> {
  for (const step of template.compiled.steps) if (step.kind === 'model') await compileValidator(step);
}

function templatePath(job: ParsedJob, base: string): string {
  if (job.template !== undefined) return isAbsolute(job.template) ? job.template : resolve(base, job.template);
  const id = job.template_id ?? '';
  const path = join(samplesDir, id, 'template.yaml');
  if (/^[A-Za-z0-9_-]+$/.test(id) && existsSync(path)) return path;
  throw new AppError('INVALID_ARGUMENT', 'UNKNOWN_TEMPLATE', `template_id: no sample template is called "${id}"`, {
    hint: 'Shipped: creative_writing, question_answer, brainstorm, poem, dialogue. Stored templates are not in this version; use template: <file>.',
  });
}

function builtInModel(alias: string): ModelFile {
  return { provider: 'bedrock', model: builtInAliases[alias] ?? alias };
}

function freezeModel(alias: string, m: ModelFile, base: string, o: LoadOptions): FrozenModel {
  const price = priceOf(alias, m);
  const { price: _price, path, ...rest } = m;
  if (m.provider === 'openai') {
    const configuredUrl = m.base_url ?? OPENAI_URL;
    const baseUrl = o.overrides?.baseUrl ?? configuredUrl;
    const apiKey = apiKeyFor({ baseUrl, configuredUrl, apiKeyEnv: m.api_key_env, env: o.env });
    // Throws where a header, query or extra field can't be sent.
    planRequests({
      baseUrl,
      apiKey,
      tokenField: m.token_field ?? 'max_tokens',
      headers: m.headers,
      query: m.query,
      extraBody: m.extra_body as JsonObject | undefined,
    });
  }
  const file = path ?? (m.provider === 'llama' && /\.gguf$/i.test(m.model) ? m.model : undefined);
  if (m.provider === 'replay' && file === undefined) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'MISSING_KEY',
      `models.${alias}.path is missing: a replay model needs its recordings`,
      { hint: 'Add path: <file of recorded answers>.' },
    );
  }
  const absolute = file === undefined ? undefined : resolve(base, file);
  if (absolute !== undefined && !existsSync(absolute)) {
    throw new AppError('INVALID_ARGUMENT', 'BAD_PATH', `there is no file ${absolute}`, { hint: 'Check the path.' });
  }
  const frozen: FrozenModel = {
    ...(Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== undefined)) as typeof rest),
    max_tokens: m.max_tokens ?? 2000,
    temperature: m.temperature ?? 0.7,
    timeout_s: m.timeout_s ?? 120,
    price,
  };
  if (absolute !== undefined) frozen.path = absolute;
  return frozen;
}

function priceOf(alias: string, m: ModelFile): Price {
  if (m.price) {
    const input = usdToNano(m.price.input);
    return {
      input,
      output: usdToNano(m.price.output),
      cache_read: m.price.cache_read === undefined ? input : usdToNano(m.price.cache_read),
      cache_write: m.price.cache_write === undefined ? input : usdToNano(m.price.cache_write),
      source: 'job file',
    };
  }
  if (m.provider === 'llama' || m.provider === 'replay') {
    return { input: 0, output: 0, cache_read: 0, cache_write: 0, source: `${m.provider}: no charge` };
  }
  const found = findPrice(m.provider, builtInAliases[m.model] ?? m.model);
  if (found) return found;
  throw new AppError(
    'INVALID_ARGUMENT',
    'MISSING_PRICE',
    `the price of ${m.provider} model "${m.model}" is not known`,
    { hint: `Add models.${alias}.price: { input: <USD per million tokens>, output: <…> }; 0 where it is free.` },
  );
}

function maxFailures(value: number | string): JobSpec['max_failures'] {
  return typeof value === 'number' ? { records: value } : { percent: Number(value.replace('%', '')) };
}

const sha256Text = (text: string): string => createHash('sha256').update(text).digest('hex');
