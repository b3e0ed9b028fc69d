// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_LIMITS, evaluate, holds, render, TemplateError, toJson, toText } from '@stint/jinja';
import type { RenderOptions } from '@stint/jinja';
import type { FrozenModel, JobSpec } from '../formats/job.ts';
import type { RejectRow } from '../formats/record.ts';
import type { StoredCall } from '../ports/call-log.ts';
import type { CompletionRequest, Message, StopReason, Usage } from '../ports/model-provider.ts';
import type { SeedRow, SeedSource } from '../ports/seed-source.ts';
import type { CompiledStep, CompiledTemplate } from './compile-template.ts';
import { drawSample } from './draw-sample.ts';
import { inputTokenBound, nanoToUsd, utf8Bytes, worstCaseNanoUsd } from './money.ts';
import { callSeed, drawsOf, seedIndexOf } from './sampling.ts';
import type { Sampling } from './sampling.ts';
import type { AnswerValidator } from './validate-answer.ts';

/**
 * One record on its way through the template: a deterministic machine that is fed answers, live ones or those the
 * call log kept. It knows nothing of time, order or money in force; it renders, draws, validates and adds up.
 */

export interface RecordEnv {
  spec: JobSpec;
  template: CompiledTemplate;
  /** By step position; null for steps that call no model. */
  validators: readonly (AnswerValidator | null)[];
  /** By step position: UTF-8 bytes that its requests carry besides messages: output schema and extra_body; 0 = none. */
  extraBytes: readonly number[];
  seeds: SeedSource;
  sampling: Sampling;
}

/** What an answered call brings. */
export interface Answer {
  text: string;
  model: string;
  stopReason: StopReason;
  usage: Usage;
  reported: boolean;
  costNanoUsd: number;
  latencyMs: number;
  atMs: number;
}

interface StepOutcome {
  /** The step's fields as JSON text, in their final order. */
  json: string;
}

interface Paid {
  costNanoUsd: number;
  usage: Usage;
  tries: number;
  reported: boolean;
}

export interface RecordWork {
  readonly index: number;
  attempt: number;
  readonly seedIndex: number;
  readonly row: SeedRow;
  /** Position of the step at work. */
  step: number;
  /** Last try of each step that the call log has a row for, in this attempt; 0 = none. */
  readonly tries: number[];
  /** 0 = first turn, 1 = the corrective one. */
  turn: number;
  bad: { text: string; message: string } | null;
  /** Transient failures of this step in this attempt. */
  transients: number;
  firstTransientAtMs: number;
  prompt: string;
  outcomes: (StepOutcome | null)[];
  /** What later renderings see as `steps`. */
  visible: Record<string, { output: string; json: unknown; skipped: boolean }>;
  context: Record<string, unknown> | Map<string, unknown>;
  paid: (Paid | null)[];
  /** Held in the call log for steps that did not run yet, by position: nano-dollars and the row's try. */
  held: ({ nanoUsd: number; try: number } | null)[];
  rejects: RejectRow[];
  /** Calls of an earlier run, ascending; consumed before any call is made. */
  logged: StoredCall[];
  lastAnswerAtMs: number;
  /** Later steps' worst cases are held for this attempt. */
  holding: boolean;
  /** Counted by the scheduler. */
  admitted: boolean;
  /** Attempts of an earlier run that gave this index up. */
  readonly baseAttempts: number;
  /** At least one model call of this attempt was answered: a template error may be the answer's doing. */
  answered: boolean;
  /** Among the records at work. */
  place: number;
}

export type Advance =
  { type: 'call'; request: CompletionRequest; alias: string; worstNanoUsd: number; tokens: number } | { type: 'done' };

export function recordId(spec: JobSpec, index: number): string {
  return `${spec.job_id}-${String(index)}`;
}

export function modelOf(env: RecordEnv, alias: string): FrozenModel {
  const model = env.spec.models[alias];
  if (!model) throw new Error(`alias ${alias} is not in job.json`);
  return model;
}

export function beginRecord(env: RecordEnv, index: number, attempt: number, logged: StoredCall[]): RecordWork {
  const seedIndex = seedIndexOf(env.spec.job_seed, env.sampling, env.seeds.rows, index);
  const row = env.seeds.row(seedIndex);
  const n = env.template.steps.length;
  const work: RecordWork = {
    index,
    attempt,
    seedIndex,
    row,
    step: 0,
    tries: new Array<number>(n).fill(0),
    turn: 0,
    bad: null,
    transients: 0,
    firstTransientAtMs: 0,
    prompt: '',
    outcomes: new Array<StepOutcome | null>(n).fill(null),
    visible: Object.create(null) as RecordWork['visible'],
    context: {},
    paid: new Array<Paid | null>(n).fill(null),
    held: new Array<{ nanoUsd: number; try: number } | null>(n).fill(null),
    rejects: [],
    logged,
    lastAnswerAtMs: 0,
    holding: false,
    admitted: false,
    baseAttempts: attempt - 1,
    answered: false,
    place: -1,
  };
  work.context = contextOf(env, work);
  countTries(work);
  return work;
}

function countTries(work: RecordWork): void {
  work.tries.fill(0);
  for (const { key } of work.logged) {
    if (key.attempt === work.attempt) work.tries[key.step] = Math.max(work.tries[key.step] ?? 0, key.try);
  }
}

/** The next attempt of the same record: new draws, nothing kept but its rejects. */
export function nextAttempt(env: RecordEnv, work: RecordWork): void {
  work.attempt++;
  work.step = 0;
  startStep(work);
  work.outcomes.fill(null);
  work.paid.fill(null);
  work.visible = Object.create(null) as RecordWork['visible'];
  work.context = contextOf(env, work);
  work.answered = false;
  work.holding = false;
  countTries(work);
}

function startStep(work: RecordWork): void {
  work.turn = 0;
  work.bad = null;
  work.transients = 0;
  work.prompt = '';
}

/** The row's fields at top level; a reserved name wins over a field. */
function contextOf(env: RecordEnv, work: RecordWork): Record<string, unknown> | Map<string, unknown> {
  const reserved = {
    seed: work.row,
    steps: work.visible,
    record: { index: work.index, id: recordId(env.spec, work.index) },
    job: { name: env.spec.name },
  };
  if (work.row instanceof Map) return new Map([...work.row, ...Object.entries(reserved)]);
  return Object.assign(Object.create(null) as Record<string, unknown>, work.row, reserved);
}

/** A step may be called as a method of mappings is (`copy`, `items`): `steps.copy` is the step. */
function renderOptions(
  env: RecordEnv,
  work: RecordWork,
  step: CompiledStep,
  steps: object = work.visible,
): RenderOptions {
  const draws = drawsOf(env.spec.job_seed, work.index, work.attempt, step.id);
  return { load: (name) => env.template.load(name), draw: (n) => draws.below(n), entriesFirst: steps };
}

/**
 * Runs steps until one needs a model call or the record is done. Calling it again for the same step renders the same
 * request.
 * @throws TemplateError
 */
export function advance(env: RecordEnv, work: RecordWork): Advance {
  for (;;) {
    const step = env.template.steps[work.step];
    if (!step) return { type: 'done' };
    if (work.prompt === '' && work.turn === 0 && skipped(env, work, step)) {
      finishStep(work, step, '', undefined, `{"output":"","skipped":true}`, true);
      continue;
    }
    if (step.kind === 'model') return callOf(env, work, step);
    const value = localValue(env, work, step);
    const text = toText(value);
    finishStep(work, step, text, value, `{"output":${JSON.stringify(text)},"json":${toJson(value)}}`);
  }
}

function skipped(env: RecordEnv, work: RecordWork, step: CompiledStep): boolean {
  return step.when !== undefined && !holds(step.when, work.context, renderOptions(env, work, step));
}

function localValue(env: RecordEnv, work: RecordWork, step: CompiledStep): unknown {
  if (step.spec.sample) {
    return drawSample(step.spec.sample, drawsOf(env.spec.job_seed, work.index, work.attempt, step.id));
  }
  if (!step.compute) throw new Error(`step ${step.id} has no expression`);
  return evaluate(step.compute, work.context, renderOptions(env, work, step));
}

function finishStep(
  work: RecordWork,
  step: CompiledStep,
  output: string,
  json: unknown,
  encoded: string,
  isSkipped = false,
): void {
  work.visible[step.id] = { output, json: isSkipped ? null : json, skipped: isSkipped };
  work.outcomes[step.position] = { json: encoded };
  work.step++;
  startStep(work);
}

function callOf(env: RecordEnv, work: RecordWork, step: CompiledStep): Advance {
  const options = renderOptions(env, work, step);
  const messages: Message[] = [];
  if (step.system) messages.push({ role: 'system', content: render(step.system, work.context, options) });
  if (work.prompt === '' && step.prompt) work.prompt = render(step.prompt, work.context, options);
  messages.push(...turnsOf(work));
  const alias = step.alias ?? '';
  const model = modelOf(env, alias);
  const maxTokens = step.spec.max_tokens ?? model.max_tokens;
  const extraBytes = env.extraBytes[step.position] ?? 0;
  const bound = inputTokenBound({ messages }, extraBytes);
  return {
    type: 'call',
    alias,
    worstNanoUsd: worstCaseNanoUsd(bound, maxTokens, model.price),
    tokens: bound + maxTokens,
    request: {
      model: model.model,
      messages,
      maxTokens,
      temperature: step.spec.temperature ?? model.temperature ?? undefined,
      schema: step.schema,
      // Names the try, which is known when the call is sent.
      idempotencyKey: '',
      seed: callSeed(env.spec.job_seed, work.index, work.attempt, step.id, work.turn),
    },
  };
}

/** The prompt alone, or with the refused answer and what was wrong with it. */
function turnsOf(work: RecordWork): Message[] {
  if (!work.bad) return [{ role: 'user', content: work.prompt }];
  const complaint = `That answer was not accepted: ${work.bad.message}. Answer again, in full, and mend this.`;
  // Providers refuse empty messages and two of one role in a row.
  if (work.bad.text.trim() === '') return [{ role: 'user', content: `${work.prompt}\n\n${complaint}` }];
  return [
    { role: 'user', content: work.prompt },
    { role: 'assistant', content: work.bad.text },
    { role: 'user', content: complaint },
  ];
}

export type Accepted = { type: 'next' } | { type: 'again' } | { type: 'rejected'; code: string; message: string };

/** Feeds the answer of the call that `advance` asked for. */
export function accept(env: RecordEnv, work: RecordWork, answer: Answer): Accepted {
  const step = env.template.steps[work.step];
  const validate = env.validators[work.step];
  if (!step || !validate) throw new Error('no call is open');
  addPaid(work, step.position, answer);
  work.answered = true;
  work.lastAnswerAtMs = answer.atMs;
  const verdict = validate(answer.text, answer.stopReason);
  if (!verdict.ok) {
    return refuse(work, answer.text, verdict.code, verdict.message);
  }
  finishStep(work, step, answer.text, verdict.json, encodeModelStep(work, step, answer, verdict.json));
  return { type: 'next' };
}

/** A refused answer (or a refusal before one): one corrective turn, then the attempt is rejected. */
export function refuse(work: RecordWork, text: string, code: string, message: string): Accepted {
  const wasCorrective = work.turn > 0;
  work.turn = 1;
  work.bad = { text, message };
  return wasCorrective ? { type: 'rejected', code, message } : { type: 'again' };
}

function addPaid(work: RecordWork, position: number, answer: Answer): void {
  const before = work.paid[position];
  if (!before) {
    const { costNanoUsd, usage, reported } = answer;
    work.paid[position] = { costNanoUsd, usage: { ...usage }, tries: 1, reported };
    return;
  }
  before.costNanoUsd += answer.costNanoUsd;
  before.usage.inputTokens += answer.usage.inputTokens;
  before.usage.outputTokens += answer.usage.outputTokens;
  before.usage.cacheReadTokens += answer.usage.cacheReadTokens;
  before.usage.cacheWriteTokens += answer.usage.cacheWriteTokens;
  before.tries++;
  before.reported &&= answer.reported;
}

/** `usage` and `cost_usd` are the step's sums over its paid tries, so that usage × price = cost. */
function encodeModelStep(work: RecordWork, step: CompiledStep, answer: Answer, json: unknown): string {
  const paid = work.paid[step.position];
  const u = paid?.usage ?? answer.usage;
  const cache =
    (u.cacheReadTokens > 0 ? `,"cache_read_tokens":${String(u.cacheReadTokens)}` : '') +
    (u.cacheWriteTokens > 0 ? `,"cache_write_tokens":${String(u.cacheWriteTokens)}` : '');
  return (
    `{"prompt":${JSON.stringify(work.prompt)},"output":${JSON.stringify(answer.text)}` +
    (step.schema ? `,"json":${toJson(json)}` : '') +
    `,"model":${JSON.stringify(answer.model)}` +
    `,"usage":{"input_tokens":${String(u.inputTokens)},"output_tokens":${String(u.outputTokens)}${cache}}` +
    `,"cost_usd":${String(nanoToUsd(paid?.costNanoUsd ?? answer.costNanoUsd))}` +
    `,"stop_reason":${JSON.stringify(answer.stopReason)},"latency_ms":${String(Math.round(answer.latencyMs))}` +
    (paid && paid.tries > 1 ? `,"tries":${String(paid.tries)}` : '') +
    (paid && !paid.reported ? `,"usage_reported":false` : '') +
    '}'
  );
}

/** The finished record as the line that is committed (no newline), with its cost and tokens. */
export function encodeRecord(env: RecordEnv, work: RecordWork, nowMs: number): string {
  const results = env.template.steps.map(
    (step) => `${JSON.stringify(step.id)}:${work.outcomes[step.position]?.json ?? 'null'}`,
  );
  const keys =
    work.row instanceof Map ? (work.row.get('_id') as unknown) : (work.row as Record<string, unknown>)['_id'];
  const at = new Date(work.lastAnswerAtMs > 0 ? work.lastAnswerAtMs : nowMs).toISOString();
  return (
    `{"id":${JSON.stringify(recordId(env.spec, work.index))},"job_id":${JSON.stringify(env.spec.job_id)}` +
    `,"index":${String(work.index)},"attempt":${String(work.attempt)},"seed_index":${String(work.seedIndex)}` +
    `,"seed_data_keys":${keys === undefined ? 'null' : toJson(keys)},"timestamp":"${at}"` +
    `,"generation_result":{${results.join(',')}}}`
  );
}

/** Sums over the steps of this attempt. */
export function paidSoFar(work: RecordWork): { costNanoUsd: number; inputTokens: number; outputTokens: number } {
  const sum = { costNanoUsd: 0, inputTokens: 0, outputTokens: 0 };
  for (const p of work.paid) {
    if (!p) continue;
    sum.costNanoUsd += p.costNanoUsd;
    sum.inputTokens += p.usage.inputTokens;
    sum.outputTokens += p.usage.outputTokens;
  }
  return sum;
}

/** Notes a rejected attempt; `raw` is the last refused answer. */
export function noteReject(env: RecordEnv, work: RecordWork, code: string, reason: string, nowMs: number): void {
  work.rejects.push({
    schema: 'stint.reject/1',
    id: recordId(env.spec, work.index),
    index: work.index,
    attempt: work.attempt,
    step: env.template.steps[work.step]?.id ?? null,
    code,
    reason,
    raw: work.bad?.text ?? null,
    cost_usd: nanoToUsd(paidSoFar(work).costNanoUsd),
    timestamp: new Date(nowMs).toISOString(),
  });
}

/** Bytes that one use of an earlier output counts for before it exists: 8 per token it may have. */
const BYTES_PER_TOKEN = 8;

/**
 * Worst case of each model step after the current one, before its prompt can be rendered: the prompt with earlier
 * outputs left empty, plus `max_tokens` × 8 bytes for each use of one. Replaced by the exact hold when it is rendered.
 */
export function laterHolds(env: RecordEnv, work: RecordWork): { position: number; nanoUsd: number }[] {
  const holds: { position: number; nanoUsd: number }[] = [];
  const later = env.template.steps.slice(work.step + 1).filter((step) => step.kind === 'model');
  if (later.length === 0) return holds;
  const outputs = outputBytes(env, work);
  for (const step of later) {
    const model = modelOf(env, step.alias ?? '');
    const maxTokens = step.spec.max_tokens ?? model.max_tokens;
    const texts = (step.system ? 1 : 0) + 1;
    const rendered = Math.min(
      emptyRenderBytes(env, work, step) + usedBytes(step, outputs),
      texts * DEFAULT_LIMITS.outputBytes,
    );
    const bound = rendered + 16 * 3 + (env.extraBytes[step.position] ?? 0);
    holds.push({ position: step.position, nanoUsd: worstCaseNanoUsd(bound, maxTokens, model.price) });
  }
  return holds;
}

/** By step: bytes of its output, as they are or at most will be. */
function outputBytes(env: RecordEnv, work: RecordWork): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const step of env.template.steps) {
    if (step.position < work.step) bytes.set(step.id, utf8Bytes(work.visible[step.id]?.output ?? ''));
    else if (step.kind === 'sample') bytes.set(step.id, sampleBytes(step.spec.sample));
    else if (step.kind === 'compute')
      bytes.set(step.id, Math.min(64 + usedBytes(step, bytes), DEFAULT_LIMITS.builtBytes));
    else bytes.set(step.id, (step.spec.max_tokens ?? modelOf(env, step.alias ?? '').max_tokens) * BYTES_PER_TOKEN);
  }
  return bytes;
}

function usedBytes(step: CompiledStep, outputs: ReadonlyMap<string, number>): number {
  let bytes = 0;
  for (const [id, uses] of step.outputUses) bytes += uses * (outputs.get(id) ?? 0);
  return bytes;
}

function sampleBytes(spec: CompiledStep['spec']['sample']): number {
  const values = spec?.type === 'category' ? spec.values : [];
  return values.reduce<number>((most, value) => Math.max(most, utf8Bytes(String(value))), 64);
}

function emptyRenderBytes(env: RecordEnv, work: RecordWork, step: CompiledStep): number {
  const steps: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const s of env.template.steps.slice(0, step.position)) {
    steps[s.id] = work.visible[s.id] ?? { output: '', json: s.standIn, skipped: false };
  }
  const context =
    work.context instanceof Map ? new Map([...work.context, ['steps', steps]]) : { ...work.context, steps };
  let bytes = 0;
  for (const part of [step.system, step.prompt]) {
    if (!part) continue;
    try {
      bytes += utf8Bytes(render(part, context, renderOptions(env, work, step, steps)));
    } catch (e) {
      if (!(e instanceof TemplateError)) throw e;
      // It does something with an output that an empty one does not bear: count the text and the whole row instead.
      bytes += 2 * utf8Bytes(step.spec.prompt ?? '') + utf8Bytes(toJson(work.row));
    }
  }
  return bytes;
}
