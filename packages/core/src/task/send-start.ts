// SPDX-License-Identifier: Apache-2.0
import { AppError, toAppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Compute, StartResult } from '../ports/compute.ts';
import type { Attempt, TaskDocument } from './task-document.ts';
import { eventOf, onMissing } from './task-machine.ts';
import type { TaskEvent } from './task-machine.ts';

export interface SendStart {
  compute: Compute;
  clock: Clock;
  task: TaskDocument;
  attempt: Attempt;
  /** It was certainly never sent before. */
  unsent: boolean;
  /** Given up while nothing was sent. */
  giveUp: AbortSignal;
  stop: AbortSignal;
}

/**
 * Sends the stored request of an attempt. Where it may have been sent before, a refusal (credentials that have run out
 * meanwhile, above all) tells nothing of that first time: it is believed only when nothing of it is found, and would be by now.
 * @throws AppError UNAVAILABLE/RESEND_REFUSED: nothing is known yet; and as `Compute.start` and `find`
 */
export async function sendStart({
  compute,
  clock,
  task,
  attempt,
  unsent,
  giveUp,
  stop,
}: SendStart): Promise<TaskEvent> {
  const result = await startOrRefusal(compute, task, attempt, giveUp);
  if (unsent || result.kind !== 'refused' || result.ofFirstSend === true) return eventOf(result);
  const handle = await compute.find(task, attempt, stop);
  if (handle !== null) return { kind: 'found', handle };
  if (onMissing(attempt, clock.now(), compute.traits) !== 'wait') return eventOf(result);
  throw new AppError(
    'UNAVAILABLE',
    'RESEND_REFUSED',
    `its request was sent again, and refused: ${result.refusal.message}`,
  );
}

/** That it may not be sent is a refusal as any other. */
async function startOrRefusal(
  compute: Compute,
  task: TaskDocument,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<StartResult> {
  try {
    return await compute.start(task, attempt, signal);
  } catch (e) {
    const { code, reason, message } = toAppError(e);
    if (code !== 'PERMISSION_DENIED') throw e;
    return { kind: 'refused', refusal: { kind: 'access', code: reason, message, raw: { reason, message } } };
  }
}
