// SPDX-License-Identifier: Apache-2.0
import { AppError, toAppError } from '../errors.ts';
import type { Compute, TaskLogLine, TaskLogPage } from '../ports/compute.ts';
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
/** A page that can't be read now is asked for again; so often in a row, it is told. */
const mostTries = 10;
const transient = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'THROTTLED']);
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
  for (let number = f.attempt ?? 1; !aborted();) {
    let attempt = attemptOf(task, number);
    while (!attempt && f.follow && !isEnded(task.state) && !aborted()) {
      await f.pause(f.compute.traits.logPollMs);
      task = await f.refresh();
      attempt = attemptOf(task, number);
    }
    if (!attempt) return;
    let cursor: string | null = null;
    let withdrawn = false;
    for (let empty = 0; !aborted();) {
      const page = await readPage(f, task, attempt, cursor);
      // CloudWatch Logs gives empty pages in the middle of a stream, too: where the cursor stays, it is the end of it.
      const moved = page.lines.length > 0 || page.cursor !== cursor;
      cursor = page.cursor;
      for (const line of page.lines) yield { ...line, attempt: number };
      empty = moved ? 0 : empty + 1;
      if (moved && !page.end) continue;
      const ended = attempt.state === 'ENDED';
      const drained = page.end || empty >= emptyPolls || f.now() - (attempt.endedAtMs ?? 0) > drainMs;
      if (ended && drained) break;
      // Without following, what is there now is all of an attempt that still runs.
      if (!ended && !f.follow) break;
      await f.pause(f.compute.traits.logPollMs);
      task = await f.refresh();
      const now = attemptOf(task, number);
      // It was never sent, and is no attempt any more: the next one has its number, where there is one.
      withdrawn = now === undefined;
      if (!now) break;
      attempt = now;
    }
    if (withdrawn) continue;
    if (f.attempt !== undefined) return;
    number++;
  }
}

async function readPage(f: Follow, task: TaskDocument, attempt: Attempt, cursor: string | null): Promise<TaskLogPage> {
  for (let tries = 1; ; tries++) {
    try {
      return await f.compute.logs(task, attempt, cursor, f.signal ?? never);
    } catch (e) {
      const { code, reason } = toAppError(e);
      if (f.signal?.aborted) return { lines: [], cursor, end: true };
      if (tries === mostTries || !(transient.has(code) || transient.has(reason))) throw e;
      await f.pause(f.compute.traits.logPollMs);
    }
  }
}

const attemptOf = (task: TaskDocument, number: number): Attempt | undefined =>
  task.attempts.find((a) => a.number === number);
