// SPDX-License-Identifier: Apache-2.0
import { AppError, toAppError } from '../errors.ts';
import type { CallKey, LogEntry, Totals } from '../ports/call-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Completion, CompletionRequest, ModelProvider, Usage } from '../ports/model-provider.ts';
import { Deadlines } from './deadlines.ts';
import { classify } from './failures.ts';
import type { FailureClass } from './failures.ts';
import { LiveSet } from './live-set.ts';
import { costNanoUsd } from './money.ts';
import { modelOf } from './record.ts';
import type { Advance, Answer, RecordEnv, RecordWork } from './record.ts';
import { beyondOf, drain, newScheduler, next } from './scheduler.ts';
import type { Action, CallOutcome, ReadyCall, SchedulerEvent, SchedulerState } from './scheduler.ts';

/** One call on its way. */
export interface LiveCall {
  work: RecordWork;
  request: CompletionRequest;
  key: CallKey;
  /** Holds to write for later steps when this call is sent. */
  later: { position: number; nanoUsd: number }[];
  controller: AbortController | null;
  startedAtMs: number;
  /** When it times out; Infinity while it is not at the provider. */
  dueAtMs: number;
  place: number;
}
export type Call = ReadyCall<LiveCall>;

export interface CallDeskDeps {
  env: RecordEnv;
  providers: ReadonlyMap<string, ModelProvider>;
  clock: Clock;
  random: () => number;
  capNanoUsd: number | null;
  concurrency: number | 'auto';
  totals: Totals;
  /** From the call log: by step, nano-dollars that a call cost beyond its worst case. */
  beyond: ReadonlyMap<number, number>;
  /** Queues rows for the call log; `then` runs once they are durable. */
  append: (entries: readonly LogEntry[], then?: () => void) => void;
  on: {
    answered: (work: RecordWork, answer: Answer) => void;
    failed: (call: Call, error: AppError, failure: FailureClass) => void;
    /** The record has to wait for another run (the cap, a stop). */
    parked: (work: RecordWork) => void;
    capReached: () => void;
    gaveUp: (alias: string, forMs: number, last: AppError | null) => void;
    /** A timer of the scheduler went off: there may be room for more. */
    woke: () => void;
  };
}

/** No call of any model comes near; beyond it sums of money would no longer be exact. */
const MOST_TOKENS = 100_000_000;

/** A report that makes no sense counts as none, and the call at its worst case. */
function isPlausible(usage: Usage): boolean {
  return Object.values(usage).every(
    (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0 && (n as number) <= MOST_TOKENS,
  );
}

const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/**
 * Sends the calls that the scheduler lets go and books what comes back: SENT is durable before the first byte leaves,
 * every end is a row in the call log. What an answer means for its record is not decided here.
 */
export class CallDesk {
  readonly scheduler: SchedulerState<LiveCall>;
  readonly sums: Totals;
  readonly #d: CallDeskDeps;
  readonly #flying = new LiveSet<LiveCall>();
  readonly #deadlines: Deadlines<LiveCall>;
  #wakeAt = Infinity;
  #cancelWake: () => void = () => undefined;
  #lastFailure: AppError | null = null;
  #closed = false;

  constructor(deps: CallDeskDeps) {
    this.#d = deps;
    this.sums = { ...deps.totals };
    const { spec } = deps.env;
    this.scheduler = newScheduler(
      {
        capNanoUsd: deps.capNanoUsd,
        settledNanoUsd: deps.totals.settledNanoUsd,
        unknownNanoUsd: deps.totals.unknownNanoUsd,
        concurrency: deps.concurrency,
        giveUpAfterMs: spec.give_up_after_ms,
        random: deps.random,
        lanes: [...deps.providers].map(([alias, provider]) => ({
          alias,
          maxConcurrency: provider.capabilities.maxConcurrency,
          rpm: spec.models[alias]?.rpm,
          tpm: spec.models[alias]?.tpm,
          beyondNanoUsd: this.#learned(alias),
        })),
      },
      deps.clock.monotonic(),
    );
    this.#deadlines = new Deadlines(
      deps.clock,
      this.#flying,
      (item) => item.dueAtMs,
      (item) => {
        this.#timeOut(item);
      },
    );
  }

  get inFlight(): number {
    return this.#flying.size;
  }

  /** What earlier runs saw the alias bill beyond the worst case. */
  #learned(alias: string): number {
    const { beyond, env } = this.#d;
    return env.template.steps.reduce((n, s) => (s.alias === alias ? Math.max(n, beyond.get(s.position) ?? 0) : n), 0);
  }

  /** A rendered call that could go; the scheduler says when. `later` are holds its record needs on top. */
  ready(work: RecordWork, step: Extract<Advance, { type: 'call' }>, later: LiveCall['later']): void {
    for (const h of later) h.nanoUsd += beyondOf(this.scheduler, this.#d.env.template.steps[h.position]?.alias ?? '');
    const call: Call = {
      alias: step.alias,
      isNew: !work.admitted,
      worstNanoUsd: step.worstNanoUsd,
      holdNanoUsd: 0,
      heldNanoUsd: work.held[work.step]?.nanoUsd ?? 0,
      laterNanoUsd: later.reduce((n, h) => n + h.nanoUsd, 0),
      tokens: step.tokens,
      sentAtMs: 0,
      notBeforeMs: 0,
      failures: 0,
      item: {
        work,
        request: step.request,
        key: keyOf(work, work.step, 0),
        later,
        controller: null,
        startedAtMs: 0,
        dueAtMs: Infinity,
        place: -1,
      },
    };
    work.admitted = true;
    this.event({ type: 'ready', call });
  }

  /** The same request again after a failure, once its backoff is over. */
  again(call: Call, because: 'throttled' | 'transient'): void {
    call.failures++;
    call.isNew = false;
    call.heldNanoUsd = 0;
    call.laterNanoUsd = 0;
    call.item.controller = null;
    this.event({ type: 'again', call, because });
  }

  event(event: SchedulerEvent<LiveCall>): void {
    const now = this.#d.clock.monotonic();
    for (const action of next(this.scheduler, event, now)) this.#act(action);
    this.#armWake(now);
  }

  /** No call is sent any more; what waits is parked. */
  stop(): void {
    this.event({ type: 'stop' });
    for (const call of drain(this.scheduler)) this.#d.on.parked(call.item.work);
  }

  /** Ends the calls in flight; each is booked as what it may have cost. */
  abortAll(): void {
    const reason = new AppError('CANCELED', 'ABORTED', 'stopped before the answer came');
    for (const item of this.#flying) item.controller?.abort(reason);
  }

  /** Answers that come from now on are nobody's business. */
  close(): void {
    this.#closed = true;
    this.#cancelWake();
    this.#deadlines.close();
  }

  #armWake(now: number): void {
    const at = this.scheduler.wakeAtMs;
    if (at === this.#wakeAt || this.#closed) return;
    this.#cancelWake();
    this.#wakeAt = at;
    if (at === Infinity) return;
    this.#cancelWake = this.#d.clock.after(Math.max(1, at - now), () => {
      this.#wakeAt = Infinity;
      this.event({ type: 'tick' });
      this.#d.on.woke();
    });
  }

  #act(action: Action<LiveCall>): void {
    switch (action.type) {
      case 'send':
        this.#send(action.call);
        break;
      case 'park':
        this.#d.on.parked(action.call.item.work);
        break;
      case 'capReached':
        this.#d.on.capReached();
        break;
      case 'giveUp':
        this.#d.on.gaveUp(action.alias, action.forMs, this.#lastFailure);
        break;
    }
  }

  /** The holds of an admission ride in the same write as its first SENT. */
  #send(call: Call): void {
    const { item } = call;
    const { work } = item;
    const atMs = this.#d.clock.now();
    const holds = item.later.map((h): LogEntry => {
      const tryNumber = (work.tries[h.position] ?? 0) + 1;
      work.tries[h.position] = tryNumber;
      work.held[h.position] = { nanoUsd: h.nanoUsd, try: tryNumber };
      return { type: 'hold', key: keyOf(work, h.position, tryNumber), holdNanoUsd: h.nanoUsd, atMs };
    });
    item.later = [];
    const tryNumber = work.held[work.step]?.try ?? (work.tries[work.step] ?? 0) + 1;
    work.tries[work.step] = tryNumber;
    work.held[work.step] = null;
    item.key = keyOf(work, work.step, tryNumber);
    const { spec, template } = this.#d.env;
    const stepId = template.steps[work.step]?.id ?? '';
    item.request.idempotencyKey = `${spec.job_id}:${work.index}:${work.attempt}:${stepId}:${tryNumber}`;
    this.#flying.add(item);
    this.#d.append([...holds, { type: 'send', key: item.key, holdNanoUsd: call.holdNanoUsd, atMs }], () => {
      this.#call(call);
    });
  }

  #call(call: Call): void {
    const { item, alias } = call;
    const provider = this.#d.providers.get(alias);
    if (!provider || this.#closed) return;
    item.controller = new AbortController();
    item.startedAtMs = this.#d.clock.monotonic();
    item.dueAtMs = item.startedAtMs + modelOf(this.#d.env, alias).timeout_s * 1000;
    this.#deadlines.watch(item);
    provider.complete(item.request, item.controller.signal).then(
      (completion) => {
        this.#onAnswer(call, completion);
      },
      (e: unknown) => {
        this.#onFailure(call, toAppError(e));
      },
    );
  }

  #timeOut(item: LiveCall): void {
    const alias = this.#d.env.template.steps[item.key.step]?.alias ?? '';
    const message = `no answer of model "${alias}" within ${modelOf(this.#d.env, alias).timeout_s} s`;
    item.controller?.abort(new AppError('DEADLINE_EXCEEDED', 'TIMEOUT', message));
  }

  #landed(call: Call, outcome: CallOutcome): void {
    call.item.dueAtMs = Infinity;
    this.#flying.delete(call.item);
    this.event({ type: 'ended', call, outcome });
  }

  #onAnswer(call: Call, completion: Completion): void {
    if (this.#closed) return;
    const { item, alias } = call;
    const told = completion.usage;
    const reported = told !== null && isPlausible(told);
    const usage = reported ? told : NO_USAGE;
    const answer: Answer = {
      text: completion.text,
      model: completion.model,
      stopReason: completion.stopReason,
      usage,
      reported,
      costNanoUsd: reported ? costNanoUsd(usage, modelOf(this.#d.env, alias).price) : call.holdNanoUsd,
      latencyMs: this.#d.clock.monotonic() - item.startedAtMs,
      atMs: this.#d.clock.now(),
    };
    const { costNanoUsd: cost } = answer;
    this.#d.append([
      { type: 'settle', key: item.key, holdNanoUsd: call.worstNanoUsd, costNanoUsd: cost, usage, reported, answer },
    ]);
    this.sums.calls++;
    this.sums.inputTokens += usage.inputTokens;
    this.sums.outputTokens += usage.outputTokens;
    this.#landed(call, { kind: 'settled', costNanoUsd: cost, tokens: usage.inputTokens + usage.outputTokens });
    this.#d.on.answered(item.work, answer);
  }

  #onFailure(call: Call, error: AppError): void {
    if (this.#closed) return;
    const { key } = call.item;
    const kind = error.info.charge === 'none' ? 'released' : 'unknown';
    this.#d.append([{ type: kind === 'released' ? 'release' : 'unknown', key, atMs: this.#d.clock.now() }]);
    if (kind === 'unknown') this.sums.calls++;
    const failure = classify(error);
    this.#lastFailure = error;
    this.#landed(call, {
      kind,
      failure: failure === 'throttled' || failure === 'transient' ? failure : null,
      retryAfterMs: error.info.retryAfterMs ?? null,
    });
    this.#d.on.failed(call, error, failure);
  }
}

export function keyOf(work: RecordWork, step: number, tryNumber: number): CallKey {
  return { index: work.index, attempt: work.attempt, step, try: tryNumber };
}
