// SPDX-License-Identifier: Apache-2.0
import { AppError } from '../errors.ts';
import type { Compute, TaskLogLine } from '../ports/compute.ts';
import { isEnded } from './states.ts';
import type { Attempt, TaskDocument } from './task-document.ts';

interface Follow {
  /** The task as it is now. */
  refresh: () => Promise<TaskDocument>;
  /** Resolves after `ms`, at a change of the task, or at an abort. */
  pause: (ms: number) => Promise<void>;
  now: () => number;
  compute: Compute;
  attempt: number | undefined;
  follow: boolean;
  signal: AbortSignal | undefined;
}

/** Lines may come in after the end of an attempt: it is drained until two polls are empty, but not for ever. */
const emptyPolls = 2;
const drainMs = 30_000;
const never = new AbortController().signal;

/**
 * The lines of a task, attempt by attempt and each in order; with `follow` until the task has ended and nothing follows.
 * @throws AppError NOT_FOUND/ATTEMPT_NOT_FOUND
 */
export async function* followLogs(f: Follow): AsyncIterable<TaskLogLine & { attempt: number }> {
  const aborted = (): boolean => f.signal?.aborted ?? false;
  let task = await f.refresh();
  if (f.attempt !== undefined && !f.follow && !task.attempts.some((a) => a.number === f.attempt)) {
    throw new AppError('NOT_FOUND', 'ATTEMPT_NOT_FOUND', `task ${task.id} has no attempt ${f.attempt}`, {
      hint: `It has ${task.attempts.length}.`,
    });
  }
  for (let number = f.attempt ?? 1; !aborted(); number++) {
    let attempt = attemptOf(task, number);
    while (!attempt && f.follow && !isEnded(task.state) && !aborted()) {
      await f.pause(f.compute.traits.logPollMs);
      task = await f.refresh();
      attempt = attemptOf(task, number);
    }
    if (!attempt) return;
    let cursor: string | null = null;
    for (let empty = 0; !aborted();) {
      const page = await f.compute.logs(task, attempt, cursor, f.signal ?? never);
      cursor = page.cursor;
      for (const line of page.lines) yield { ...line, attempt: number };
      empty = page.lines.length === 0 ? empty + 1 : 0;
      if (page.lines.length > 0 && !page.end) continue;
      const ended = attempt.state === 'ENDED';
      const drained = page.end || empty >= emptyPolls || f.now() - (attempt.endedAtMs ?? 0) > drainMs;
      if (ended && drained) break;
      // Without following, what is there now is all of an attempt that still runs.
      if (!ended && !f.follow) break;
      await f.pause(f.compute.traits.logPollMs);
      task = await f.refresh();
      attempt = attemptOf(task, number) ?? attempt;
    }
    if (f.attempt !== undefined) return;
  }
}

const attemptOf = (task: TaskDocument, number: number): Attempt | undefined =>
  task.attempts.find((a) => a.number === number);
