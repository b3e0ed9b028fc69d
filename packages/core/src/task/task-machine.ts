// SPDX-License-Identifier: Apache-2.0
// The life of a task as two pure functions: what is to be done for it now, and what it is after something happened.
// All that they know is the stored document, so any process goes on where another one died.
import type {
  AttemptDraft,
  ComputeTraits,
  Observation,
  PreparedStart,
  StartRefusal,
  StartResult,
} from '../ports/compute.ts';
import { backoffMs } from '../jobs/pacing.ts';
import { afterAttempt, policyOf } from './after-attempt.ts';
import { describeEnd, endStateOf } from './outcome-codes.ts';
import type { AttemptEnd, Outcome } from './outcome-codes.ts';
import { refusalInWords } from './refusal-in-words.ts';
import { attemptMoves, isEnded, requireMove, taskMoves } from './states.ts';
import type { AttemptState, TaskState } from './states.ts';
import type { Attempt, StopWhy, TaskDocument } from './task-document.ts';
import type { Placement } from './offers.ts';

export type TaskAction =
  /** Ended, and nothing is left to free. */
  | { kind: 'none' }
  | { kind: 'settle'; attempt: Attempt }
  /** Choose a place, make the request, store it as a draft. */
  | { kind: 'place' }
  /** Send the stored request, for the first time or again. */
  | { kind: 'start'; attempt: Attempt }
  | { kind: 'find'; attempt: Attempt }
  | { kind: 'stop'; attempt: Attempt; handle: string; reason: string }
  /** Look at it at the next tick, and decide again at `untilMs` at the latest. */
  | { kind: 'observe'; handle: string; untilMs: number }
  /** Its start deadline has come: look once more, and stop it if it still has not started. */
  | { kind: 'lastLook'; attempt: Attempt; handle: string }
  | { kind: 'wait'; untilMs: number }
  /** Something is due that needs nobody outside. */
  | { kind: 'apply'; event: TaskEvent };

export type TaskEvent =
  | { kind: 'drafted'; placement: Placement; submission: number; clientToken: string; prepared: PreparedStart }
  | { kind: 'started'; handle: string }
  /** Looked for and found, running or ended. */
  | { kind: 'found'; handle: string }
  | { kind: 'refused'; refusal: StartRefusal }
  /** It ended while it was being started. */
  | { kind: 'ended'; end: AttemptEnd }
  /** The draft was certainly never sent. */
  | { kind: 'notSent' }
  | { kind: 'observed'; observation: Observation }
  /** It can't be found, now or ever. */
  | { kind: 'lost'; raw: Record<string, unknown> }
  /** It can never run here, or not with these credentials. */
  | { kind: 'impossible'; code: 'REFUSED' | 'ACCESS_DENIED'; raw: Record<string, unknown> }
  | { kind: 'waiting'; waitingFor: string; notBeforeMs: number | null }
  | { kind: 'cancelWished'; reason: string }
  | { kind: 'cancelTaken' }
  | { kind: 'stopWished'; why: StopWhy }
  | { kind: 'stopSent' }
  | { kind: 'deadlinePassed' }
  | { kind: 'settled'; attempt: number };

const keptRefusals = 10;
const capacityBackoff = { baseMs: 2_000, capMs: 60_000 };
const quotaBackoff = { baseMs: 15_000, capMs: 120_000 };
const staleBackoff = { baseMs: 500, capMs: 60_000 };

/** Open, or ended with something left to free. */
export const needsCare = (task: TaskDocument): boolean => !isEnded(task.state) || task.attempts.some((a) => !a.settled);

export const liveAttempt = (task: TaskDocument): Attempt | null => {
  const last = task.attempts.at(-1);
  return last && last.state !== 'ENDED' ? last : null;
};

/** What is to be done for the task now. */
export function nextAction(task: TaskDocument, now: number, traits: ComputeTraits): TaskAction {
  const unsettled = task.attempts.find((a) => a.state === 'ENDED' && !a.settled);
  if (unsettled) return { kind: 'settle', attempt: unsettled };
  if (isEnded(task.state)) return { kind: 'none' };
  if (task.cancel && task.state !== 'CANCELING') return { kind: 'apply', event: { kind: 'cancelTaken' } };
  const attempt = liveAttempt(task);
  if (!attempt)
    return now < (task.notBeforeMs ?? 0) ? { kind: 'wait', untilMs: task.notBeforeMs ?? 0 } : { kind: 'place' };
  if (attempt.handle === null) return beforeHandle(task, attempt, now, traits);

  const { stop, handle } = attempt;
  if (stop && stop.sentAtMs === null) return { kind: 'stop', attempt, handle, reason: stopReason(task, stop.why) };
  const untilMs = dueAt(task, attempt, traits);
  if (!stop && now >= untilMs) {
    if (attempt.startedAtMs === null) return { kind: 'lastLook', attempt, handle };
    return { kind: 'apply', event: { kind: 'stopWished', why: 'timeLimit' } };
  }
  return { kind: 'observe', handle, untilMs: stop ? Infinity : untilMs };
}

function beforeHandle(task: TaskDocument, attempt: Attempt, now: number, traits: ComputeTraits): TaskAction {
  if (attempt.request !== null) {
    const resend = now - attempt.firstSentAtMs <= traits.resendWithinMs;
    return resend ? { kind: 'start', attempt } : { kind: 'find', attempt };
  }
  const deadline = attempt.createdAtMs + traits.startTimeoutMs;
  if (now >= deadline) return { kind: 'apply', event: { kind: 'deadlinePassed' } };
  const notBefore = Math.min(task.notBeforeMs ?? 0, deadline);
  return now < notBefore ? { kind: 'wait', untilMs: notBefore } : { kind: 'place' };
}

/** When this attempt has to be stopped: its start deadline, or its time limit once it runs. */
function dueAt(task: TaskDocument, attempt: Attempt, traits: ComputeTraits): number {
  if (attempt.startedAtMs === null) return attempt.createdAtMs + traits.startTimeoutMs;
  return task.spec.timeLimitMs === null ? Infinity : attempt.startedAtMs + task.spec.timeLimitMs;
}

function stopReason(task: TaskDocument, why: StopWhy): string {
  if (why === 'cancel') return `stint: ${task.cancel?.reason ?? 'canceled'}`.slice(0, 1000);
  return why === 'timeLimit' ? 'stint: time limit reached' : 'stint: did not start in time';
}

/**
 * A backend that does not know a handle. Soon after the start that means nothing, even if it was seen before: what ended
 * is known for longer. Later, one never seen is looked for, and one that was seen has ended and expired.
 */
export function onMissing(attempt: Attempt, now: number, traits: ComputeTraits): 'wait' | 'find' | 'lost' {
  if (now - attempt.firstSentAtMs < traits.appearsWithinMs) return 'wait';
  return attempt.seen ? 'lost' : 'find';
}

/** The attempt as its backend needs it to make the request. */
export function draftOf(task: TaskDocument, placement: Placement): AttemptDraft {
  const live = liveAttempt(task);
  const attempt = live ? live.number : (task.attempts.at(-1)?.number ?? 0) + 1;
  const submission = live ? live.submission + 1 : 1;
  return { taskId: task.id, attempt, submission, startedBy: startedByOf(task.id, attempt), spec: task.spec, placement };
}

export const startedByOf = (taskId: string, attempt: number): string => `stint/${taskId}/${attempt}`;

/**
 * The task after an event, with `version + 1`. Returns the same object where the event changes nothing.
 * @param random - in [0, 1), for jitter
 */
export function applyEvent(
  task: TaskDocument,
  event: TaskEvent,
  now: number,
  traits: ComputeTraits,
  random: number,
): TaskDocument {
  const next = transition(task, event, now, traits, random);
  if (next === task) return task;
  requireMove(taskMoves, task.state, next.state);
  return { ...next, version: task.version + 1 };
}

function transition(
  task: TaskDocument,
  event: TaskEvent,
  now: number,
  traits: ComputeTraits,
  random: number,
): TaskDocument {
  switch (event.kind) {
    case 'drafted':
      return draft(task, event, now);
    case 'started':
    case 'found': {
      const state = task.state === 'QUEUED' ? 'INITIALIZING' : task.state;
      const known = { handle: event.handle, request: null, seen: event.kind === 'found' };
      return withLive(task, liveAttempt(task)?.state === 'SUBMITTING' ? { ...known, state: 'STARTING' } : known, {
        state,
        waitingFor: state === 'INITIALIZING' ? 'its capacity to start it' : task.waitingFor,
      });
    }
    case 'refused':
      return refuse(task, event.refusal, now, traits, random);
    case 'ended': {
      const ended = endAttempt(task, event.end, now, traits);
      // Nothing is left of it, so there is nothing to free.
      return { ...ended, attempts: ended.attempts.map((a) => (a.handle === null ? { ...a, settled: true } : a)) };
    }
    case 'notSent':
      return withdraw(task, now);
    case 'observed':
      return observe(task, event.observation, now, traits);
    case 'lost':
      return endAttempt(task, { code: 'UNKNOWN', exitCode: null, raw: event.raw }, now, traits);
    case 'impossible':
      return liveAttempt(task)
        ? endAttempt(task, { code: event.code, exitCode: null, raw: event.raw }, now, traits)
        : endTask(task, describeEnd({ code: event.code, exitCode: null, raw: event.raw }), now);
    case 'waiting':
      if (task.waitingFor === event.waitingFor && task.notBeforeMs === event.notBeforeMs) return task;
      return { ...task, waitingFor: event.waitingFor, notBeforeMs: event.notBeforeMs };
    case 'cancelWished':
      return withWish(task, event.reason, now);
    case 'cancelTaken':
      return takeCancel(task, now);
    case 'stopWished':
      return withLive(task, { stop: { why: event.why, wishedAtMs: now, sentAtMs: null } }, {});
    case 'stopSent': {
      const stop = liveAttempt(task)?.stop;
      return stop ? withLive(task, { stop: { ...stop, sentAtMs: now } }, {}) : task;
    }
    case 'deadlinePassed':
      return passDeadline(task, now, traits);
    case 'settled':
      return {
        ...task,
        attempts: task.attempts.map((a) => (a.number === event.attempt ? { ...a, settled: true } : a)),
      };
  }
}

function draft(task: TaskDocument, event: TaskEvent & { kind: 'drafted' }, now: number): TaskDocument {
  const live = liveAttempt(task);
  const { submission, clientToken, prepared } = event;
  const { request, notes, warnings = [] } = prepared;
  const placement = { ...event.placement, warnings: [...event.placement.warnings, ...warnings] };
  const sent = { placement, submission, clientToken, request, notes, firstSentAtMs: now };
  const more = { waitingFor: 'its request to be answered', notBeforeMs: null };
  if (live) return withLive(task, sent, more);
  const attempt: Attempt = {
    number: (task.attempts.at(-1)?.number ?? 0) + 1,
    state: 'SUBMITTING',
    ...sent,
    createdAtMs: now,
    refusals: [],
    handle: null,
    seen: false,
    rawStatus: null,
    startedAtMs: null,
    endedAtMs: null,
    where: null,
    stop: null,
    outcome: null,
    settled: false,
  };
  return { ...task, ...more, attempts: [...task.attempts, attempt] };
}

function refuse(
  task: TaskDocument,
  refusal: StartRefusal,
  now: number,
  traits: ComputeTraits,
  random: number,
): TaskDocument {
  const live = liveAttempt(task);
  if (!live) return task;
  const { kind, code, message, raw } = refusal;
  if (kind === 'invalid' || kind === 'access') {
    return endAttempt(
      task,
      { code: kind === 'access' ? 'ACCESS_DENIED' : 'REFUSED', exitCode: null, raw: { code, message, ...raw } },
      now,
      traits,
    );
  }
  const { offer, market } = live.placement;
  const refused = { submission: live.submission, offer, market, kind, code, message, atMs: now };
  const refusals = [...live.refusals, refused].slice(-keptRefusals);
  const next = withLive(task, { request: null, refusals }, {});
  // Nothing was started, so a wish to stop is fulfilled.
  if (task.cancel) return endAttempt(next, canceled(task), now, traits);
  const { baseMs, capMs } = { quota: quotaBackoff, capacity: capacityBackoff, stale: staleBackoff }[kind];
  const waitMs = backoffMs(live.submission, baseMs, capMs, random);
  return { ...next, waitingFor: `${offer}: ${refusalInWords(refusal)}`, notBeforeMs: now + Math.ceil(waitMs) };
}

/** Takes back a draft that was never sent: an attempt without any submission never was. */
function withdraw(task: TaskDocument, now: number): TaskDocument {
  const live = liveAttempt(task);
  if (live?.handle !== null) return task;
  const attempts =
    live.refusals.length === 0
      ? task.attempts.slice(0, -1)
      : [...task.attempts.slice(0, -1), { ...live, request: null }];
  const next = { ...task, attempts, waitingFor: null };
  if (!task.cancel) return next;
  return endTask({ ...next, attempts: attempts.map(endedWithCancel(task, now)) }, describeEnd(canceled(task)), now);
}

const canceled = (task: TaskDocument): AttemptEnd => ({
  code: 'CANCELED',
  exitCode: null,
  raw: { reason: task.cancel?.reason ?? null },
});

const endedWithCancel =
  (task: TaskDocument, now: number) =>
  (a: Attempt): Attempt =>
    a.state === 'ENDED' ? a : { ...a, state: 'ENDED', endedAtMs: now, outcome: describeEnd(canceled(task)) };

const withWish = (task: TaskDocument, reason: string, now: number): TaskDocument =>
  task.cancel || isEnded(task.state) ? task : { ...task, cancel: { reason, atMs: now } };

/** The wish to cancel alone, which needs no backend: whoever looks after the task acts on it. */
export function wishCancel(task: TaskDocument, reason: string, now: number): TaskDocument {
  const wished = withWish(task, reason, now);
  return wished === task ? task : { ...wished, version: task.version + 1 };
}

function takeCancel(task: TaskDocument, now: number): TaskDocument {
  const live = liveAttempt(task);
  // Not placed, or refused and waiting: nothing runs and nothing can.
  if (!live || (live.handle === null && live.request === null)) {
    return endTask(
      { ...task, attempts: task.attempts.map(endedWithCancel(task, now)) },
      describeEnd(canceled(task)),
      now,
    );
  }
  const stop = live.stop ?? { why: 'cancel' as const, wishedAtMs: now, sentAtMs: null };
  return withLive(task, { stop }, { state: 'CANCELING', waitingFor: 'its end' });
}

function observe(task: TaskDocument, o: Observation, now: number, traits: ComputeTraits): TaskDocument {
  const live = liveAttempt(task);
  if (!live || live.handle !== o.handle || o.phase === 'missing') return task;
  if (o.phase === 'stopped') {
    const end = o.end ?? { code: 'UNKNOWN' as const, exitCode: null, raw: {} };
    const facts = {
      seen: true,
      rawStatus: o.rawStatus,
      startedAtMs: o.startedAtMs ?? live.startedAtMs,
      endedAtMs: o.stoppedAtMs ?? now,
      where: o.where ?? live.where,
    };
    return endAttempt(withLive(task, facts, {}), asWeKnowIt(end, live), now, traits);
  }
  const started = o.startedAtMs ?? live.startedAtMs;
  const runs = o.phase === 'running' || (started !== null && o.phase === 'stopping');
  const state: AttemptState = runs ? 'RUNNING' : live.state;
  const where = o.where ?? live.where;
  // It started after all, before a stop for not starting was sent: there is no reason left to stop it.
  const late = runs && live.stop?.why === 'startDeadline' && live.stop.sentAtMs === null;
  const stop = late ? null : live.stop;
  const startedAtMs = runs ? (started ?? now) : started;
  const same =
    live.seen &&
    live.rawStatus === o.rawStatus &&
    live.state === state &&
    live.startedAtMs === startedAtMs &&
    stop === live.stop &&
    sameWhere(live.where, where);
  if (same) return task;
  const taskState: TaskState = task.state === 'CANCELING' ? 'CANCELING' : runs ? 'RUNNING' : task.state;
  return withLive(
    task,
    { seen: true, rawStatus: o.rawStatus, state, startedAtMs, where, stop },
    { state: taskState, waitingFor: runs ? null : task.waitingFor },
  );
}

const sameWhere = (a: Attempt['where'], b: Attempt['where']): boolean =>
  a === b ||
  (a !== null &&
    b !== null &&
    a.provider === b.provider &&
    a.zone === b.zone &&
    a.instanceId === b.instanceId &&
    a.instanceType === b.instanceType);

/**
 * A backend can't know who asked it to stop an attempt, nor, without its configuration, that a host was Spot: the
 * document tells.
 */
function asWeKnowIt(end: AttemptEnd, attempt: Attempt): AttemptEnd {
  if (end.code === 'HOST_LOST' && attempt.placement.market === 'spot')
    return { code: 'SPOT_RECLAIM', exitCode: end.exitCode, raw: end.raw };
  if (end.code !== 'STOPPED_BY_OTHER' || !attempt.stop) return end;
  const code = { cancel: 'CANCELED', timeLimit: 'TIME_LIMIT', startDeadline: 'START_DEADLINE' } as const;
  return { code: code[attempt.stop.why], exitCode: end.exitCode, raw: end.raw };
}

function passDeadline(task: TaskDocument, now: number, traits: ComputeTraits): TaskDocument {
  const refused = liveAttempt(task)?.refusals.at(-1);
  const code = refused?.kind === 'quota' ? 'QUOTA_EXCEEDED' : 'START_DEADLINE';
  return endAttempt(task, { code, exitCode: null, raw: { lastRefusal: refused ?? null } }, now, traits);
}

function endAttempt(task: TaskDocument, end: AttemptEnd, now: number, traits: ComputeTraits): TaskDocument {
  const outcome = describeEnd(end);
  const live = liveAttempt(task);
  const next = withLive(task, { state: 'ENDED', outcome, request: null, endedAtMs: live?.endedAtMs ?? now }, {});
  const ownEnd = endStateOf(outcome) === 'COMPLETE' || endStateOf(outcome) === 'EXECUTOR_ERROR';
  if (task.cancel && !ownEnd && outcome.code !== 'UNKNOWN')
    return endTask(next, describeEnd({ ...end, code: 'CANCELED' }), now);
  const after = afterAttempt(next.attempts, outcome, policyOf(task, traits), traits);
  switch (after.kind) {
    case 'end':
      return endTask(next, outcome, now);
    case 'exhausted':
      return endTask(
        next,
        describeEnd({ code: 'SPOT_ATTEMPTS_EXHAUSTED', exitCode: end.exitCode, raw: { attempts: listed(next) } }),
        now,
      );
    case 'again':
      if (task.cancel) return endTask(next, outcome, now);
      return { ...next, state: 'QUEUED', waitingFor: after.waitingFor, notBeforeMs: now + after.delayMs };
  }
}

const listed = (task: TaskDocument): unknown[] =>
  task.attempts.map((a) => ({
    attempt: a.number,
    offer: a.placement.offer,
    market: a.placement.market,
    code: a.outcome?.code ?? null,
    raw: a.outcome?.raw ?? null,
  }));

function endTask(task: TaskDocument, outcome: Outcome, now: number): TaskDocument {
  return { ...task, state: endStateOf(outcome), outcome, waitingFor: null, notBeforeMs: null, endedAtMs: now };
}

/** The task with its live attempt changed. */
function withLive(task: TaskDocument, change: Partial<Attempt>, more: Partial<TaskDocument>): TaskDocument {
  const live = liveAttempt(task);
  if (!live) return task;
  if (change.state) requireMove(attemptMoves, live.state, change.state);
  return { ...task, ...more, attempts: [...task.attempts.slice(0, -1), { ...live, ...change }] };
}

/** What the answer to a start means for the task. */
export function eventOf(result: StartResult): TaskEvent {
  switch (result.kind) {
    case 'started':
      return { kind: 'started', handle: result.handle };
    case 'refused':
      return { kind: 'refused', refusal: result.refusal };
    case 'ended':
      return { kind: 'ended', end: result.end };
  }
}
