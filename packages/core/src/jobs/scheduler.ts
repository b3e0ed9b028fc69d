// SPDX-License-Identifier: Apache-2.0
import { backoffMs, bucketDelayMs, newBuckets, newConcurrency, onSuccess, onThrottle, take } from './pacing.ts';
import type { Buckets, Concurrency } from './pacing.ts';

/**
 * Decides which call goes when: the cap, concurrency, buckets, waiting after failures, giving up, stopping.
 *
 *   next(state, event, now) → actions
 *
 * Deterministic and without I/O: time comes with the event, jitter from the `random` of the configuration. The state is
 * changed in place (one caller, thousands of events a second). The shell (run-job.ts) does what the actions say and
 * reports what happened as the next event.
 */

/** A model call that is rendered and could go. The shell's own data rides in `item`. */
export interface ReadyCall<T> {
  item: T;
  alias: string;
  /** First call of a record that holds nothing yet. */
  isNew: boolean;
  /** Exact worst case of this call. */
  worstNanoUsd: number;
  /** What is held for it once it is sent: its worst case, and what its alias is known to bill beyond that. */
  holdNanoUsd: number;
  /** What admission already set aside for this step. */
  heldNanoUsd: number;
  /** What the record's later steps need on top (admission of a record), else 0. */
  laterNanoUsd: number;
  /** Worst-case tokens, for TPM. */
  tokens: number;
  sentAtMs: number;
  /** When the provider asked for the next try, at the earliest. */
  notBeforeMs: number;
  /** Failures in a row of this call's step. */
  failures: number;
}

export type CallOutcome =
  | { kind: 'settled'; costNanoUsd: number; tokens: number }
  /** `failure` null: over for other reasons (stopped, refused for good). */
  | { kind: 'released' | 'unknown'; failure: 'throttled' | 'transient' | null; retryAfterMs: number | null };

export type SchedulerEvent<T> =
  | { type: 'ready'; call: ReadyCall<T> }
  /** The same call again after a failure; waits its backoff first. */
  | { type: 'again'; call: ReadyCall<T>; because: 'throttled' | 'transient' }
  /** Sends nothing: what became of its record (ready, again, left) follows at once, and goes before new records. */
  | { type: 'ended'; call: ReadyCall<T>; outcome: CallOutcome }
  /** A record left (ok, failed, parked), giving back what was held for steps that will not run. */
  | { type: 'left'; freedNanoUsd: number }
  /** A record goes on, but some of its later steps will not run. */
  | { type: 'freed'; freedNanoUsd: number }
  | { type: 'tick' }
  | { type: 'stop' };

export type Action<T> =
  | { type: 'send'; call: ReadyCall<T> }
  /** The cap leaves no room and nothing can give any back: the record stays pending, `left` follows. */
  | { type: 'park'; call: ReadyCall<T> }
  | { type: 'capReached' }
  /** No success of this alias for so long. */
  | { type: 'giveUp'; alias: string; forMs: number };

interface Lane<T> {
  alias: string;
  inFlight: number;
  /** Calls of records already begun, first come first served; they go before any new record. */
  waiting: ReadyCall<T>[];
  /** First calls of records. */
  fresh: ReadyCall<T>[];
  pausedUntilMs: number;
  concurrency: Concurrency;
  buckets: Buckets;
  firstFailureAtMs: number | null;
  lastSuccessAtMs: number;
  /** Most that a call cost beyond its worst case: a provider that bills more is believed, and counted on. */
  beyondNanoUsd: number;
}

export interface SchedulerConfig {
  /** null = no cap. */
  capNanoUsd: number | null;
  settledNanoUsd: number;
  unknownNanoUsd: number;
  concurrency: number | 'auto';
  giveUpAfterMs: number;
  lanes: {
    alias: string;
    maxConcurrency: number | null;
    rpm?: number | undefined;
    tpm?: number | undefined;
    /** What earlier runs learned. */
    beyondNanoUsd?: number | undefined;
  }[];
  /** Uniform in [0, 1). */
  random: () => number;
}

export interface SchedulerState<T> {
  readonly config: SchedulerConfig;
  settledNanoUsd: number;
  unknownNanoUsd: number;
  heldNanoUsd: number;
  inFlight: number;
  /** Records admitted or waiting to be. */
  active: number;
  newWaiting: number;
  stopping: boolean;
  capReached: boolean;
  /** What one more record may cost, where the cap left no room for it. */
  nextRecordNanoUsd: number | null;
  lanes: Map<string, Lane<T>>;
  delayed: { atMs: number; call: ReadyCall<T> }[];
  /** When `tick` is due next, epoch of the caller's clock; Infinity = not needed. */
  wakeAtMs: number;
}

export function newScheduler<T>(config: SchedulerConfig, now: number): SchedulerState<T> {
  const lanes = new Map<string, Lane<T>>();
  for (const lane of config.lanes) {
    lanes.set(lane.alias, {
      alias: lane.alias,
      inFlight: 0,
      waiting: [],
      fresh: [],
      pausedUntilMs: 0,
      concurrency: newConcurrency(config.concurrency, lane.maxConcurrency),
      buckets: newBuckets(lane.rpm, lane.tpm, now),
      firstFailureAtMs: null,
      lastSuccessAtMs: -Infinity,
      beyondNanoUsd: lane.beyondNanoUsd ?? 0,
    });
  }
  return {
    config,
    settledNanoUsd: config.settledNanoUsd,
    unknownNanoUsd: config.unknownNanoUsd,
    heldNanoUsd: 0,
    inFlight: 0,
    active: 0,
    newWaiting: 0,
    stopping: false,
    capReached: false,
    nextRecordNanoUsd: null,
    lanes,
    delayed: [],
    wakeAtMs: Infinity,
  };
}

/** True where the shell should prepare one more record and report it `ready`. */
export function wantsRecord(s: SchedulerState<unknown>): boolean {
  if (s.stopping || s.capReached || s.newWaiting > 0) return false;
  return s.active < recordLimit(s);
}

/** True when a call of the alias succeeded at or after `sinceMs`. */
export function succeededSince(s: SchedulerState<unknown>, alias: string, sinceMs: number): boolean {
  return (s.lanes.get(alias)?.lastSuccessAtMs ?? -Infinity) >= sinceMs;
}

export function everSucceeded(s: SchedulerState<unknown>, alias: string): boolean {
  return (s.lanes.get(alias)?.lastSuccessAtMs ?? -Infinity) > -Infinity;
}

/** What a call of the alias may cost beyond its worst case, by all that is known. */
export function beyondOf(s: SchedulerState<unknown>, alias: string): number {
  return s.lanes.get(alias)?.beyondNanoUsd ?? 0;
}

export function next<T>(s: SchedulerState<T>, event: SchedulerEvent<T>, now: number): Action<T>[] {
  const actions: Action<T>[] = [];
  switch (event.type) {
    case 'ready': {
      const lane = laneOf(s, event.call.alias);
      if (event.call.isNew) {
        s.active++;
        s.newWaiting++;
        lane.fresh.push(event.call);
      } else lane.waiting.push(event.call);
      break;
    }
    case 'again': {
      const { call } = event;
      const base = event.because === 'throttled' ? 100 : 250;
      const wait = backoffMs(call.failures, base, event.because === 'throttled' ? 5_000 : 20_000, s.config.random());
      s.delayed.push({ atMs: Math.max(now + wait, call.notBeforeMs), call });
      break;
    }
    case 'ended':
      ended(s, event.call, event.outcome, now, actions);
      return actions;
    case 'left':
      s.active--;
      s.heldNanoUsd -= event.freedNanoUsd;
      break;
    case 'freed':
      s.heldNanoUsd -= event.freedNanoUsd;
      break;
    case 'stop':
      s.stopping = true;
      break;
    case 'tick':
      break;
  }
  pump(s, now, actions);
  return actions;
}

function laneOf<T>(s: SchedulerState<T>, alias: string): Lane<T> {
  const lane = s.lanes.get(alias);
  if (!lane) throw new Error(`unknown lane ${alias}`);
  return lane;
}

/**
 * Records at work at once, and so calls in flight: the widest lane, so that one slow lane cannot pile up records without
 * bound.
 */
function recordLimit(s: SchedulerState<unknown>): number {
  if (s.config.concurrency !== 'auto') return s.config.concurrency;
  let widest = 1;
  for (const lane of s.lanes.values()) widest = Math.max(widest, lane.concurrency.limit);
  return widest;
}

function ended<T>(s: SchedulerState<T>, call: ReadyCall<T>, outcome: CallOutcome, now: number, actions: Action<T>[]) {
  const lane = laneOf(s, call.alias);
  lane.inFlight--;
  s.inFlight--;
  s.heldNanoUsd -= call.holdNanoUsd;
  if (outcome.kind === 'settled') {
    s.settledNanoUsd += outcome.costNanoUsd;
    lane.beyondNanoUsd = Math.max(lane.beyondNanoUsd, outcome.costNanoUsd - call.worstNanoUsd);
    take(lane.buckets, 0, outcome.tokens - call.tokens);
    lane.firstFailureAtMs = null;
    lane.lastSuccessAtMs = now;
    onSuccess(lane.concurrency);
    return;
  }
  if (outcome.kind === 'unknown') s.unknownNanoUsd += call.holdNanoUsd;
  else take(lane.buckets, 0, -call.tokens);
  if (outcome.failure === null) return;
  lane.firstFailureAtMs ??= now;
  // Asked to wait for longer than the job would: the next call at that moment decides.
  const until = Math.min(now + (outcome.retryAfterMs ?? 0), lane.firstFailureAtMs + s.config.giveUpAfterMs);
  if (outcome.failure === 'throttled') {
    onThrottle(lane.concurrency, call.sentAtMs, now);
    lane.pausedUntilMs = Math.max(lane.pausedUntilMs, until);
  } else call.notBeforeMs = until;
  const forMs = now - lane.firstFailureAtMs;
  if (forMs >= s.config.giveUpAfterMs) actions.push({ type: 'giveUp', alias: lane.alias, forMs });
}

/** Sends what may go, then says when to look again. Records already begun come first, in every lane. */
function pump<T>(s: SchedulerState<T>, now: number, actions: Action<T>[]): void {
  wakeDelayed(s, now);
  s.wakeAtMs = s.delayed.reduce((at, d) => Math.min(at, d.atMs), Infinity);
  if (s.stopping) return;
  let blocked = false;
  for (const lane of s.lanes.values()) if (pumpWaiting(s, lane, now, actions)) blocked = true;
  if (!blocked) {
    for (const lane of s.lanes.values()) if (pumpFresh(s, lane, now, actions)) blocked = true;
  }
  if (blocked && s.inFlight === 0 && s.wakeAtMs === Infinity) relieve(s, actions);
}

/** @returns true where the cap leaves no room for a call of a record that has begun; those that need none still go. */
function pumpWaiting<T>(s: SchedulerState<T>, lane: Lane<T>, now: number, actions: Action<T>[]): boolean {
  let blocked = false;
  for (let i = 0; i < lane.waiting.length && lane.inFlight < lane.concurrency.limit && !isPaced(s, lane, now);) {
    const call = lane.waiting[i];
    if (!call) break;
    const more = moreNanoUsd(lane, call);
    if (more > 0 && (blocked || !fits(s, more))) {
      blocked = true;
      i++;
      continue;
    }
    if (i === 0) lane.waiting.shift();
    else lane.waiting.splice(i, 1);
    send(s, lane, call, now);
    actions.push({ type: 'send', call });
  }
  return blocked;
}

/** What calls of records that have begun will need on top of what is held, once their backoff or their turn comes. */
function promisedNanoUsd(s: SchedulerState<unknown>): number {
  if (s.config.capNanoUsd === null) return 0;
  const need = (sum: number, call: ReadyCall<unknown>): number =>
    sum + Math.max(0, moreNanoUsd(laneOf(s, call.alias), call));
  let sum = s.delayed.reduce((n, d) => need(n, d.call), 0);
  for (const lane of s.lanes.values()) sum = lane.waiting.reduce(need, sum);
  return sum;
}

/** @returns true where the cap leaves no room for one more record. */
function pumpFresh<T>(s: SchedulerState<T>, lane: Lane<T>, now: number, actions: Action<T>[]): boolean {
  while (lane.inFlight < lane.concurrency.limit) {
    const call = lane.fresh[0];
    if (!call || isPaced(s, lane, now)) return false;
    if (!fits(s, moreNanoUsd(lane, call) + promisedNanoUsd(s))) return true;
    lane.fresh.shift();
    send(s, lane, call, now);
    actions.push({ type: 'send', call });
  }
  return false;
}

/** True where the lane waits for a bucket or a pause; then the time to look again is noted. */
function isPaced(s: SchedulerState<unknown>, lane: Lane<unknown>, now: number): boolean {
  const wait = Math.max(lane.pausedUntilMs - now, bucketDelayMs(lane.buckets, now));
  if (wait <= 0) return false;
  s.wakeAtMs = Math.min(s.wakeAtMs, now + wait);
  return true;
}

function wakeDelayed<T>(s: SchedulerState<T>, now: number): void {
  if (s.delayed.length === 0) return;
  const due = s.delayed.filter((d) => d.atMs <= now);
  if (due.length === 0) return;
  s.delayed = s.delayed.filter((d) => d.atMs > now);
  for (const { call } of due) laneOf(s, call.alias).waiting.push(call);
}

/** What sending the call adds to what is held: its record's later steps ride with its first call. */
function moreNanoUsd<T>(lane: Lane<T>, call: ReadyCall<T>): number {
  return call.worstNanoUsd + lane.beyondNanoUsd + call.laterNanoUsd - call.heldNanoUsd;
}

function fits(s: SchedulerState<unknown>, more: number): boolean {
  const cap = s.config.capNanoUsd;
  return cap === null || more <= 0 || s.settledNanoUsd + s.unknownNanoUsd + s.heldNanoUsd + more <= cap;
}

function send<T>(s: SchedulerState<T>, lane: Lane<T>, call: ReadyCall<T>, now: number): void {
  s.heldNanoUsd += moreNanoUsd(lane, call);
  call.holdNanoUsd = call.worstNanoUsd + lane.beyondNanoUsd;
  lane.inFlight++;
  s.inFlight++;
  if (call.isNew) s.newWaiting--;
  call.sentAtMs = now;
  take(lane.buckets, 1, call.tokens);
}

/** Nothing in flight can give money back: records already begun make room for each other, then the cap is reached. */
function relieve<T>(s: SchedulerState<T>, actions: Action<T>[]): void {
  for (const lane of s.lanes.values()) {
    const call = lane.waiting.pop();
    if (call) {
      actions.push({ type: 'park', call });
      return;
    }
  }
  s.capReached = true;
  for (const lane of s.lanes.values()) {
    for (const call of lane.fresh) {
      s.nextRecordNanoUsd = Math.min(s.nextRecordNanoUsd ?? Infinity, moreNanoUsd(lane, call));
    }
  }
  for (const call of takeFresh(s)) actions.push({ type: 'park', call });
  actions.push({ type: 'capReached' });
}

function takeFresh<T>(s: SchedulerState<T>): ReadyCall<T>[] {
  s.newWaiting = 0;
  return [...s.lanes.values()].flatMap((lane) => lane.fresh.splice(0));
}

/** All calls that wait and will never go once stopping; the shell parks their records. */
export function drain<T>(s: SchedulerState<T>): ReadyCall<T>[] {
  const calls = s.delayed.splice(0).map((d) => d.call);
  for (const lane of s.lanes.values()) calls.push(...lane.waiting.splice(0));
  return [...calls, ...takeFresh(s)];
}
