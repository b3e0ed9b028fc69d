// SPDX-License-Identifier: Apache-2.0
import type { ComputeTraits, PlacementHistory } from '../ports/compute.ts';
import type { Outcome } from './outcome-codes.ts';
import type { Attempt, TaskDocument } from './task-document.ts';
import type { SpotPolicy } from './wants.ts';

/** What follows the end of an attempt. */
export type AfterAttempt =
  | { kind: 'end' }
  /** A new attempt, not before `delayMs` from now. */
  | { kind: 'again'; delayMs: number; waitingFor: string }
  | { kind: 'exhausted' };

const firstWaitMs = 30_000;
const longestWaitMs = 300_000;

export const policyOf = (task: TaskDocument, traits: ComputeTraits): SpotPolicy =>
  task.spec.wants.spotPolicy ?? traits.spotPolicy;

/** Ends that mean: this kind of capacity is not to be had now. */
const noCapacity = new Set(['CAPACITY_UNAVAILABLE', 'QUOTA_EXCEEDED', 'START_DEADLINE']);

export const spotReclaims = (attempts: readonly Attempt[]): number =>
  attempts.filter((a) => a.outcome?.code === 'SPOT_RECLAIM').length;

/**
 * The one policy of new attempts: a reclaim gets one, up to `maxSpotAttempts`; under spotFirst a Spot attempt without
 * capacity gets one, once, for the way to on-demand. Every other failure is the caller's to retry.
 * `attempts` ends with the one that `outcome` is of.
 */
export function afterAttempt(
  attempts: readonly Attempt[],
  outcome: Outcome,
  policy: SpotPolicy,
  traits: ComputeTraits,
): AfterAttempt {
  const last = attempts.at(-1);
  if (outcome.code === 'SPOT_RECLAIM') {
    const reclaims = spotReclaims(attempts);
    if (reclaims > traits.maxSpotAttempts) return { kind: 'exhausted' };
    const delayMs = policy === 'spot' ? waitAfterNeverRan(attempts) : 0;
    const waitingFor = `a new attempt after Spot reclaim ${reclaims} of at most ${traits.maxSpotAttempts}`;
    return { kind: 'again', delayMs, waitingFor };
  }
  if (policy === 'spotFirst' && last?.placement.market === 'spot' && noCapacity.has(outcome.code)) {
    const before = attempts.filter((a) => a.placement.market === 'spot' && noCapacity.has(a.outcome?.code ?? ''));
    if (before.length <= 1) return { kind: 'again', delayMs: 0, waitingFor: 'a new attempt: Spot had no capacity' };
  }
  return { kind: 'end' };
}

/** A reclaim before the start means no capacity: 30 s, doubling to 5 min, as long as none has run. */
function waitAfterNeverRan(attempts: readonly Attempt[]): number {
  let neverRan = 0;
  for (let i = attempts.length - 1; i >= 0; i--) {
    const attempt = attempts[i];
    if (attempt?.outcome?.code !== 'SPOT_RECLAIM' || attempt.startedAtMs !== null) break;
    neverRan++;
  }
  return neverRan === 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(neverRan - 1, 10));
}

/** What earlier attempts, and refusals of the one under way, tell about where the next submission should go. */
export function historyOf(task: TaskDocument, inUse: { cpus: number; memoryMib: number }): PlacementHistory {
  const exhausted: { offer: string; market: 'spot' | 'onDemand'; why: 'capacity' | 'startDeadline' }[] = [];
  for (const { outcome, placement, refusals, state } of task.attempts) {
    if (outcome && noCapacity.has(outcome.code)) {
      const why = outcome.code === 'START_DEADLINE' ? 'startDeadline' : 'capacity';
      exhausted.push({ offer: placement.offer, market: placement.market, why });
    }
    if (state === 'ENDED') continue;
    for (const r of refusals)
      if (r.kind === 'capacity') exhausted.push({ offer: r.offer, market: r.market, why: 'capacity' });
  }
  return { spotReclaims: spotReclaims(task.attempts), exhausted, inUse };
}
