// SPDX-License-Identifier: Apache-2.0
import { canonical } from '@stint/core';
import type { FrozenModel, JobSpec } from '@stint/core';
import type { LoadedJob } from './load-job.ts';

/** Settings of a model that change how calls are paced, not what they ask: free to change on a job that has begun. */
const PACING = [
  'timeout_s',
  'rpm',
  'tpm',
  'latency_ms',
  'api_key_env',
  'base_url',
  'headers',
  'query',
  'path',
  'threads',
] as const;

/**
 * What the job file would make now against what the job froze. Limits and concurrency may change, and so may steps that
 * no record has run yet; anything else is named in `changes`.
 */
export function compareWithFrozen(
  loaded: LoadedJob,
  frozen: JobSpec,
  run: { stepsRun: ReadonlySet<number> },
): { changes: string[]; refrozen?: JobSpec } {
  const { draft } = loaded;
  const changes: string[] = [];
  const differs = (label: string, a: unknown, b: unknown): void => {
    if (canonical(a) !== canonical(b)) changes.push(`${label} changed`);
  };
  if (draft.job_seed !== null && draft.job_seed !== frozen.job_seed) {
    changes.push(`job_seed changed from ${frozen.job_seed} to ${draft.job_seed}`);
  }
  differs('name', draft.name, frozen.name);
  differs('sampling', draft.sampling, frozen.sampling);
  if (draft.seeds.sha256 !== frozen.seeds.sha256) {
    changes.push(
      `the seed data (${draft.seeds.source}) changed: ${frozen.seeds.rows} rows then, ${draft.seeds.rows} now`,
    );
  }
  for (const key of [
    'max_attempts',
    'on_shortfall',
    'max_failures',
    'output_format',
    'export_layout',
    'partition_strategy',
  ] as const) {
    differs(key, draft[key], frozen[key]);
  }
  for (const alias of new Set([...Object.keys(draft.models), ...Object.keys(frozen.models)])) {
    const [now, then] = [draft.models[alias], frozen.models[alias]];
    if (!now || !then) {
      if (then && run.stepsRun.size > 0) changes.push(`model "${alias}" is no longer there`);
      else if (run.stepsRun.size > 0 && usedByRun(alias, draft.template.spec.steps, run.stepsRun))
        changes.push(`model "${alias}" is new`);
      continue;
    }
    if (canonical(now.price) !== canonical(then.price)) changes.push(`the price of model "${alias}" changed`);
    differs(`model "${alias}"`, asked(now), asked(then));
  }
  const template = compareTemplates(loaded, frozen, run.stepsRun);
  changes.push(...template.changes);
  if (changes.length > 0 || !template.edited) return { changes };
  return { changes, refrozen: { ...frozen, template: draft.template, models: { ...frozen.models, ...draft.models } } };
}

function usedByRun(alias: string, steps: JobSpec['template']['spec']['steps'], stepsRun: ReadonlySet<number>): boolean {
  return steps.some((s, i) => stepsRun.has(i) && (s.model ?? s.model_tier) === alias);
}

function asked(m: FrozenModel): Record<string, unknown> {
  const out: Record<string, unknown> = { ...m };
  for (const key of PACING) Reflect.deleteProperty(out, key);
  Reflect.deleteProperty(out, 'price');
  return out;
}

function compareTemplates(
  loaded: LoadedJob,
  frozen: JobSpec,
  stepsRun: ReadonlySet<number>,
): { changes: string[]; edited: boolean } {
  const now = loaded.draft.template;
  const then = frozen.template;
  const changes: string[] = [];
  let edited = false;
  // Steps up to the last one that ran have left their mark on records.
  const last = Math.max(-1, ...stepsRun);
  const n = Math.max(now.spec.steps.length, then.spec.steps.length);
  for (let i = 0; i < n; i++) {
    const [a, b] = [now.spec.steps[i], then.spec.steps[i]];
    if (canonical(a ?? null) === canonical(b ?? null)) continue;
    edited = true;
    if (i <= last) changes.push(`step "${b?.id ?? a?.id ?? ''}" of the template changed, and records have run it`);
  }
  const [entry, ...others] = then.files;
  for (const f of others) {
    const same = now.files.find((x) => x.path === f.path);
    if (same?.sha256 === f.sha256) continue;
    edited = true;
    if (last >= 0) changes.push(`the included template ${f.path} changed`);
  }
  // Comments and descriptions of the entry may change; its steps were compared one by one.
  if (entry && now.files[0]?.sha256 !== entry.sha256) edited ||= false;
  return { changes, edited };
}
