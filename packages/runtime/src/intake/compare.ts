// SPDX-License-Identifier: Apache-2.0
import { canonical } from '@stint/core';
import type { FrozenModel, JobSpec } from '@stint/core';
import type { LoadedJob } from './load-job.ts';

/**
 * Settings of a model that change how its calls travel, not what they ask: those of the job file count for each run of it,
 * and are no part of what is frozen.
 */
const PER_RUN = [
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

/** What concerns the exports alone: they are made from the records again, whenever it changes. */
const EXPORTS = ['output_format', 'export_layout', 'partition_strategy'] as const;

/** Positions of the steps that calls were sent for; `all` once a record is committed. */
export type WhatRan = ReadonlySet<number> | 'all';

/**
 * What the job file would make now against what the job froze: in `changes` what may not change, in `edited` the
 * specification with the edits of exports, and of steps that no record has run yet (null = none).
 */
export function compareWithFrozen(
  loaded: LoadedJob,
  frozen: JobSpec,
  ran: WhatRan,
): { changes: string[]; edited: JobSpec | null } {
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
  for (const key of ['max_attempts', 'on_shortfall', 'max_failures'] as const) differs(key, draft[key], frozen[key]);
  const models = compareModels(draft.models, frozen, ran);
  const template = compareTemplates(loaded, frozen, ran);
  changes.push(...models.changes, ...template.changes);
  const exports = pick(draft, EXPORTS);
  const edited = models.edited || template.edited || canonical(exports) !== canonical(pick(frozen, EXPORTS));
  if (changes.length > 0 || !edited) return { changes, edited: null };
  const { template: now } = draft;
  return { changes, edited: { ...frozen, ...exports, template: now, models: { ...frozen.models, ...draft.models } } };
}

/** This run's specification: frozen, but for what the job file says for each run. */
export function withRunSettings(frozen: JobSpec, { draft }: LoadedJob): JobSpec {
  const models = Object.entries(frozen.models).map(([alias, then]) => {
    const now = draft.models[alias];
    return [alias, now ? { ...asked(then), ...pick(now, PER_RUN), price: then.price } : then] as const;
  });
  const { give_up_after_ms, checkpoint_interval } = draft;
  return { ...frozen, models: Object.fromEntries(models), give_up_after_ms, checkpoint_interval };
}

function compareModels(now: JobSpec['models'], frozen: JobSpec, ran: WhatRan): { changes: string[]; edited: boolean } {
  const changes: string[] = [];
  let edited = false;
  for (const [alias, then] of Object.entries(frozen.models)) {
    const model = now[alias];
    // Where it is gone, so are the steps that named it.
    if (!model) continue;
    const differences = [
      ...(canonical(model.price) === canonical(then.price) ? [] : [`the price of model "${alias}" changed`]),
      ...(canonical(asked(model)) === canonical(asked(then)) ? [] : [`model "${alias}" changed`]),
    ];
    if (frozen.template.spec.steps.some((s, i) => (s.model ?? s.model_tier) === alias && hasRun(ran, i))) {
      changes.push(...differences);
    } else edited ||= differences.length > 0;
  }
  return { changes, edited };
}

const hasRun = (ran: WhatRan, step: number): boolean => ran === 'all' || ran.has(step);

/** What a model is asked, its price apart. */
function asked(m: FrozenModel): Omit<FrozenModel, 'price' | (typeof PER_RUN)[number]> {
  const out: Partial<FrozenModel> = { ...m };
  for (const key of [...PER_RUN, 'price']) Reflect.deleteProperty(out, key);
  return out as FrozenModel;
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((k) => from[k] !== undefined).map((k) => [k, from[k]])) as Pick<T, K>;
}

function compareTemplates(loaded: LoadedJob, frozen: JobSpec, ran: WhatRan): { changes: string[]; edited: boolean } {
  const now = loaded.draft.template;
  const then = frozen.template;
  const changes: string[] = [];
  let edited = false;
  // Steps up to the last one that ran have left their mark on records.
  const last = ran === 'all' ? Infinity : Math.max(-1, ...ran);
  const n = Math.max(now.spec.steps.length, then.spec.steps.length);
  for (let i = 0; i < n; i++) {
    const [a, b] = [now.spec.steps[i], then.spec.steps[i]];
    if (canonical(a ?? null) === canonical(b ?? null)) continue;
    edited = true;
    if (i <= last) changes.push(`step "${b?.id ?? a?.id ?? ''}" of the template changed, and records have run it`);
  }
  // Comments and descriptions of the entry may change; its steps were compared one by one.
  for (const f of then.files.slice(1)) {
    if (now.files.find((x) => x.path === f.path)?.sha256 === f.sha256) continue;
    edited = true;
    if (last >= 0) changes.push(`the included template ${f.path} changed`);
  }
  return { changes, edited };
}
