// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '@stint/jinja';
import type { AppError } from '../errors.ts';
import { toAppError } from '../errors.ts';
import { SHARD_SIZE } from '../formats/shard-checkpoint.ts';
import type { CallLog, LogEntry, StoredCall, Totals } from '../ports/call-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { JobLimits, Lease } from '../ports/job-store.ts';
import type { ModelProvider } from '../ports/model-provider.ts';
import { CallDesk, keyOf } from './call-desk.ts';
import type { Call } from './call-desk.ts';
import { CommitPacer } from './commit-pacer.ts';
import type { Committer } from './committer.ts';
import { MAX_TRANSIENT_TRIES, renamed, templateFailure, tooManyFailed } from './failures.ts';
import type { FailureClass } from './failures.ts';
import type { IndexSource } from './index-source.ts';
import type { JobProgress } from './job-progress.ts';
import { LiveSet } from './live-set.ts';
import { takeLogged } from './logged-answers.ts';
import type { StopCause } from './outcome.ts';
import {
  accept,
  advance,
  beginRecord,
  encodeRecord,
  laterHolds,
  nextAttempt,
  noteReject,
  paidSoFar,
  refuse,
} from './record.ts';
import type { Accepted, Advance, RecordEnv, RecordWork } from './record.ts';
import { everSucceeded, succeededSince, wantsRecord } from './scheduler.ts';
import type { ShardBook } from './shard-book.ts';

export interface JobRunDeps {
  env: RecordEnv;
  limits: JobLimits;
  /** By alias. */
  providers: ReadonlyMap<string, ModelProvider>;
  log: CallLog;
  lease: () => Lease;
  clock: Clock;
  random: () => number;
  indices: IndexSource;
  book: ShardBook;
  committer: Committer;
  totals: Totals;
  /** From the call log: by step, nano-dollars that a call cost beyond its worst case. */
  beyond: ReadonlyMap<number, number>;
  counts: { ok: number; failed: number; rejected: number };
  /** How long a stop lets the calls in flight go on. */
  softLimitMs: number;
}

/** How long a cancelled job lets the calls in flight go on. */
const CANCEL_LIMIT_MS = 10_000;
/** Records begun in one go before the event loop may breathe; those without a live call never wait for one. */
const BURST = 1024;

/**
 * The records of one run: takes indices, walks each record through its template, decides what an answer or a failure
 * means for it, and hands what is decided to be committed. It ends with everything finished committed.
 */
export class JobRun {
  readonly #d: JobRunDeps;
  readonly #desk: CallDesk;
  readonly #pacer: CommitPacer;
  readonly #active = new LiveSet<RecordWork>();
  readonly #logged = new Map<number, StoredCall[]>();
  readonly #openShards = new Set<number>();
  readonly #tally: { ok: number; failed: number; rejected: number };
  /** Appends land in order: when the last is durable, all are. */
  #appended: Promise<void> = Promise.resolve();
  #opening = false;
  #filling = false;
  #cancelSoftLimit: () => void = () => undefined;
  /** There from the start: a stop may come before the run begins. */
  readonly #finished = Promise.withResolvers<void>();
  #ended = false;
  cause: StopCause | null = null;

  constructor(deps: JobRunDeps) {
    this.#d = deps;
    this.#tally = { ...deps.counts };
    this.#pacer = new CommitPacer(deps.committer, deps.clock, deps.env.spec.checkpoint_interval, {
      durable: () => this.#appended,
      committed: () => {
        this.#fill();
      },
      failed: (e) => {
        this.#onStorageError(e);
      },
    });
    const { env, providers, clock, random, totals, beyond, limits } = deps;
    this.#desk = new CallDesk({
      env,
      providers,
      clock,
      random,
      totals,
      beyond,
      capNanoUsd: limits.budgetNanoUsd,
      concurrency: limits.concurrency,
      append: (entries, then) => {
        this.#append(entries, then);
      },
      on: {
        answered: (work, answer) => {
          this.#feed(work, () => this.#afterVerdict(work, accept(env, work, answer)));
        },
        failed: (call, error, failure) => {
          this.#onFailure(call, error, failure);
        },
        parked: (work) => {
          this.#park(work);
        },
        capReached: () => {
          this.#maybeDone();
        },
        gaveUp: (alias, forMs, error) => {
          this.stop({ type: 'gaveUp', alias, forMs, error });
        },
        woke: () => {
          this.#fill();
        },
      },
    });
  }

  /** Runs until nothing is left to do or `stop`; everything finished is committed when it resolves. */
  async run(): Promise<void> {
    // A run that died between its last failed record and its end would else be forgotten.
    this.#stopIfTooManyFailed();
    this.#fill();
    await this.#finished.promise;
    this.#cancelSoftLimit();
    this.#desk.close();
    await this.#pacer.close();
    if (this.cause?.type === 'lost' || this.cause?.type === 'storage') return;
    await this.#d.committer.commit(this.#appended).catch((e: unknown) => {
      this.#onStorageError(e);
    });
  }

  /**
   * Stops admission; what is in flight may finish until the soft limit. The first cause counts, trouble with storage
   * always.
   */
  stop(cause: StopCause): void {
    if (this.cause && cause.type !== 'lost' && cause.type !== 'storage') return;
    this.cause = cause;
    // Nothing is in flight any more: a timer now would only keep the process.
    if (this.#ended) return;
    this.#desk.stop();
    if (cause.type === 'lost') this.#desk.abortAll();
    else {
      const limitMs = cause.type === 'cancelled' ? Math.min(CANCEL_LIMIT_MS, this.#d.softLimitMs) : this.#d.softLimitMs;
      this.#cancelSoftLimit();
      this.#cancelSoftLimit = this.#d.clock.after(limitMs, () => {
        this.#desk.abortAll();
      });
    }
    this.#maybeDone();
  }

  get progress(): JobProgress {
    const { scheduler: s, sums } = this.#desk;
    return {
      target: this.#d.limits.numRecords,
      ...this.#tally,
      inFlight: s.inFlight,
      calls: sums.calls,
      inputTokens: sums.inputTokens,
      outputTokens: sums.outputTokens,
      capNanoUsd: this.#d.limits.budgetNanoUsd,
      settledNanoUsd: s.settledNanoUsd,
      unknownNanoUsd: s.unknownNanoUsd,
      heldNanoUsd: s.heldNanoUsd,
      stopping: this.cause !== null,
    };
  }

  get capReached(): boolean {
    return this.#desk.scheduler.capReached;
  }

  get nextRecordNanoUsd(): number | null {
    return this.#desk.scheduler.nextRecordNanoUsd;
  }

  // Admission

  /** Prepares records for as long as the scheduler wants more. */
  #fill(): void {
    if (this.#filling || this.#ended) return;
    this.#filling = true;
    let burst = BURST;
    while (wantsRecord(this.#desk.scheduler) && this.#pacer.hasRoom) {
      const index = this.#peekIndex();
      if (index === null) break;
      if (!this.#shardIsOpen(Math.floor(index / SHARD_SIZE))) break;
      if (burst-- === 0) {
        this.#d.clock.after(0, () => this.#fill());
        break;
      }
      this.#d.indices.take();
      const attempt = this.#d.indices.attemptsOf(index) + 1;
      const logged = this.#logged.get(index) ?? [];
      this.#logged.delete(index);
      const work = beginRecord(this.#d.env, index, attempt, logged);
      this.#active.add(work);
      this.#proceed(work);
    }
    this.#filling = false;
    this.#pacer.poke();
    this.#maybeDone();
  }

  /** The next index to take; null when the target is covered or no index is left. */
  #peekIndex(): number | null {
    if (this.cause) return null;
    const { env, limits, indices } = this.#d;
    if (this.#tally.ok + this.#active.size >= limits.numRecords) return null;
    return indices.peek(env.spec.on_shortfall === 'replace' ? Number.MAX_SAFE_INTEGER : limits.numRecords);
  }

  /** A shard is sealed, and its calls of earlier runs are read, before any of its records begins. */
  #shardIsOpen(shard: number): boolean {
    if (this.#openShards.has(shard)) return true;
    if (this.#opening) return false;
    this.#opening = true;
    const from = shard * SHARD_SIZE;
    void (async () => {
      try {
        this.#d.indices.learn((await this.#d.book.open(shard)).doc);
        for (const call of await this.#d.log.calls(from, from + SHARD_SIZE - 1)) {
          const { index } = call.key;
          if (!this.#d.indices.isPending(index) || call.key.attempt <= this.#d.indices.attemptsOf(index)) continue;
          const list = this.#logged.get(index);
          if (list) list.push(call);
          else this.#logged.set(index, [call]);
        }
        this.#openShards.add(shard);
      } catch (e) {
        this.#onStorageError(e);
      }
      this.#opening = false;
      this.#fill();
    })();
    return false;
  }

  // One record

  /** Takes a record as far as it goes without a live call; then that call is ready. */
  #proceed(work: RecordWork): void {
    const { env } = this.#d;
    try {
      for (;;) {
        const step = advance(env, work);
        if (step.type === 'done') {
          this.#decideOk(work);
          return;
        }
        const logged = takeLogged(work);
        if (logged === 'gone') {
          // An earlier run gave this attempt up for failures that left no answer, and began the next.
          if (!this.#reject(work, 'TRANSIENT', 'the provider failed too often in an earlier run')) return;
          continue;
        }
        if (logged === null) {
          this.#ready(work, step);
          return;
        }
        if (!this.#afterVerdict(work, accept(env, work, logged))) return;
      }
    } catch (e) {
      if (e instanceof TemplateError) this.#onTemplateError(work, e);
      else this.stop({ type: 'failed', error: toAppError(e) });
    }
  }

  /** @returns false where the record is over. */
  #afterVerdict(work: RecordWork, verdict: Accepted): boolean {
    return verdict.type !== 'rejected' || this.#reject(work, verdict.code, verdict.message);
  }

  #ready(work: RecordWork, step: Extract<Advance, { type: 'call' }>): void {
    if (this.cause) {
      this.#park(work);
      return;
    }
    const later = work.holding ? [] : this.#laterHolds(work);
    work.holding = true;
    this.#desk.ready(work, step, later);
  }

  /** Later steps' worst cases, where they are not held already. */
  #laterHolds(work: RecordWork): { position: number; nanoUsd: number }[] {
    if (this.#d.limits.budgetNanoUsd === null) return [];
    return laterHolds(this.#d.env, work).filter((h) => !work.held[h.position]);
  }

  #decideOk(work: RecordWork): void {
    const line = encodeRecord(this.#d.env, work, this.#d.clock.now());
    this.#tally.ok++;
    this.#decide(work, line);
  }

  #giveUp(work: RecordWork, code: string, reason: string): void {
    this.#tally.failed++;
    this.#decide(work, null, { code, reason });
    this.#stopIfTooManyFailed({ index: work.index, code, reason });
  }

  #stopIfTooManyFailed(last?: { index: number; code: string; reason: string }): void {
    const { env, limits } = this.#d;
    const error = tooManyFailed(env.spec, limits.numRecords, this.#tally.failed, last);
    if (error) this.stop({ type: 'failed', error });
  }

  #decide(work: RecordWork, line: string | null, failed?: { code: string; reason: string }): void {
    const sums = line === null ? { costNanoUsd: 0, inputTokens: 0, outputTokens: 0 } : paidSoFar(work);
    this.#tally.rejected += work.rejects.length;
    // Before it leaves: that may be what ends the run.
    this.#d.committer.add({
      index: work.index,
      line,
      failed: failed ? { index: work.index, attempts: work.attempt, ...failed } : null,
      rejects: work.rejects,
      ...sums,
    });
    this.#leave(work);
    this.#pacer.poke();
    this.#maybeDone();
  }

  /** @returns true where a new attempt of the record begins. */
  #reject(work: RecordWork, code: string, reason: string): boolean {
    noteReject(this.#d.env, work, code, reason, this.#d.clock.now());
    if (work.attempt - work.baseAttempts >= this.#d.env.spec.max_attempts) {
      this.#giveUp(work, code, reason);
      return false;
    }
    const freed = this.#releaseHeld(work);
    if (freed > 0) this.#desk.event({ type: 'freed', freedNanoUsd: freed });
    nextAttempt(this.#d.env, work);
    return true;
  }

  /**
   * What depends on this record alone harms this record alone; a template that fails its first record would fail all.
   */
  #onTemplateError(work: RecordWork, e: TemplateError): void {
    const message = `${e.template}:${String(e.line)}: ${e.message}`;
    if (e.kind === 'filter' || this.#tally.ok > 0) {
      if (this.#reject(work, 'TEMPLATE_ERROR', message)) this.#proceed(work);
      return;
    }
    noteReject(this.#d.env, work, 'TEMPLATE_ERROR', message, this.#d.clock.now());
    this.stop({ type: 'failed', error: templateFailure(message, e, work.index) });
    this.#giveUp(work, 'TEMPLATE_ERROR', message);
  }

  /** Leaves a record unfinished; its answers stay in the log for the next run. */
  #park(work: RecordWork): void {
    this.#leave(work);
    this.#maybeDone();
  }

  #leave(work: RecordWork): void {
    this.#active.delete(work);
    const freed = this.#releaseHeld(work);
    if (work.admitted) {
      work.admitted = false;
      this.#desk.event({ type: 'left', freedNanoUsd: freed });
    }
  }

  #releaseHeld(work: RecordWork): number {
    let freed = 0;
    const entries: LogEntry[] = [];
    const atMs = this.#d.clock.now();
    for (const [position, h] of work.held.entries()) {
      if (!h) continue;
      entries.push({ type: 'release', key: keyOf(work, position, h.try), atMs });
      freed += h.nanoUsd;
      work.held[position] = null;
    }
    if (entries.length > 0) this.#append(entries);
    return freed;
  }

  // What came back

  #feed(work: RecordWork, verdict: () => boolean): void {
    try {
      if (verdict()) this.#proceed(work);
    } catch (e) {
      this.stop({ type: 'failed', error: toAppError(e) });
    }
    this.#fill();
  }

  #onFailure(call: Call, error: AppError, failure: FailureClass): void {
    const { work } = call.item;
    switch (failure) {
      case 'throttled':
      case 'transient':
        this.#afterTrouble(call, failure, error);
        break;
      case 'filtered':
        this.#feed(work, () => this.#afterVerdict(work, refuse(work, '', 'CONTENT_FILTERED', error.message)));
        break;
      case 'request':
        this.#afterRefusal(call, error);
        break;
      case 'fatal':
        this.#park(work);
        this.stop({ type: 'failed', error: renamed(error) });
        break;
      case 'aborted':
        this.#park(work);
        break;
    }
    this.#fill();
  }

  #afterTrouble(call: Call, because: 'throttled' | 'transient', error: AppError): void {
    const { work } = call.item;
    if (this.cause) {
      this.#park(work);
      return;
    }
    if (because === 'transient') {
      if (work.transients++ === 0) work.firstTransientAtMs = this.#d.clock.monotonic();
      const over = work.transients >= MAX_TRANSIENT_TRIES;
      if (over && succeededSince(this.#desk.scheduler, call.alias, work.firstTransientAtMs)) {
        this.#feed(work, () => this.#reject(work, 'TRANSIENT', error.message));
        return;
      }
    }
    this.#desk.again(call, because);
  }

  /** The provider refused the request itself: no other attempt would fare better. */
  #afterRefusal(call: Call, error: AppError): void {
    const { work } = call.item;
    if (!everSucceeded(this.#desk.scheduler, call.alias) && this.#tally.ok === 0) {
      this.#park(work);
      this.stop({ type: 'failed', error: renamed(error) });
      return;
    }
    noteReject(this.#d.env, work, error.reason, error.message, this.#d.clock.now());
    this.#giveUp(work, error.reason, error.message);
  }

  // Storage

  /** Queues rows; `then` runs once they are durable. A refused write ends the run. */
  #append(entries: readonly LogEntry[], then?: () => void): void {
    if (this.#ended) return;
    this.#appended = this.#d.log.append(this.#d.lease(), entries);
    this.#appended.then(then, (e: unknown) => {
      this.#onStorageError(e);
    });
  }

  #onStorageError(e: unknown): void {
    const error = toAppError(e);
    if (error.reason === 'LEASE_LOST') this.stop({ type: 'lost', error });
    else if (error.reason === 'STORAGE_UNAVAILABLE' || error.code === 'PERMISSION_DENIED') {
      this.stop({ type: 'storage', error });
    } else this.stop({ type: 'failed', error });
    // Rows that could not be written leave nothing to wait for.
    this.#end();
  }

  #maybeDone(): void {
    if (this.#ended || this.#filling || this.#opening) return;
    if (this.#desk.inFlight > 0 || this.#active.size > 0) return;
    if (this.cause || this.#desk.scheduler.capReached || this.#peekIndex() === null) this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#desk.abortAll();
    this.#finished.resolve();
  }
}
