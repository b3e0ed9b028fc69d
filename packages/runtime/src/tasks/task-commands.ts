// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import { AppError, parseDurationMs, taskMoves, toAppError, viewTask } from '@stint/core/tasks';
import type { TaskDocument, TaskFilter, TaskLogLine, TaskState, TaskView } from '@stint/core';
import type { CommandResult } from '../commands.ts';
import { askAgain, tellProblems } from './ask-again.ts';
import { composeTasks } from './compose-tasks.ts';
import type { TaskRuntime, TaskRuntimeOptions } from './compose-tasks.ts';
import { checkTaskId as checkId, listTasks, lookAgain, submitTask } from './open-tasks.ts';
import { startSupervisor } from './supervisor.ts';
import { refusedTask } from './refused-task.ts';
import { exitCodeOfTask } from './task-exit-codes.ts';
import type { TaskRequest } from './task-request.ts';

export type TaskSignal = 'SIGINT' | 'SIGTERM';

/** What a task command may tell while it works. */
export interface TaskEvents {
  /** One sentence for people, never a secret. */
  notice?: (text: string) => void;
  /** A line of the task's own output; the next one comes when the promise, where there is one, has resolved. */
  line?: (line: TaskLogLine & { attempt: number }) => Promise<void> | void;
}

export interface TaskCommandOptions extends TaskRuntimeOptions {
  events?: TaskEvents;
}

export interface TaskRunOptions extends TaskCommandOptions {
  request: TaskRequest;
  idempotencyKey?: string | undefined;
  detach?: boolean | undefined;
  /** How to start `stint` as another process. */
  stintCommand: readonly string[];
  /** Registers what is to happen at a signal. */
  onSignal: (stop: (signal: TaskSignal) => void) => void;
}

/** `stint task run`: attached until the task has ended, or with `detach` until it is stored. */
export async function taskRun(options: TaskRunOptions): Promise<CommandResult<TaskView | { id: string }>> {
  return await withTasks(options, async (runtime) => {
    const { idempotencyKey, detach = false, events = {} } = options;
    const { task, created } = await submitTask(runtime, options.request, { idempotencyKey, owned: !detach });
    if (!created) events.notice?.(`task ${task.id} has this key: attached to it`);
    if (detach) {
      startSupervisor(options.stintCommand, options);
      return { exitCode: 0, body: { id: task.id } };
    }
    return await attach(runtime, task.id, options);
  });
}

async function attach(
  { engine }: TaskRuntime,
  id: string,
  { events = {}, onSignal }: TaskRunOptions,
): Promise<CommandResult<TaskView>> {
  let signaled: TaskSignal | null = null;
  let ended = false;
  onSignal((signal) => {
    signaled = signal;
    const tell = (message: string): void => events.notice?.(`could not be canceled yet: ${message}`);
    void askAgain(
      () => engine.cancel(id, signal),
      () => ended,
      tell,
    );
  });
  const unlisten = engine.onChange(teller(events, id));
  // A task goes on, and is waited for, whether its output can be read or not.
  const following = follow(engine.logs(id, { follow: true }), events).catch((e: unknown) =>
    events.notice?.(`its output could not be read: ${toAppError(e).message}`),
  );
  const done = await engine.wait(id);
  ended = true;
  await following;
  unlisten();
  const canceled = done.state === 'CANCELED' && signaled !== null;
  return {
    exitCode: canceled ? 128 + constants.signals[signaled ?? 'SIGINT'] : exitCodeOfTask(done),
    body: viewTask(done),
  };
}

async function follow(lines: AsyncIterable<TaskLogLine & { attempt: number }>, events: TaskEvents): Promise<void> {
  for await (const line of lines) await events.line?.(line);
}

/** Says once what a task waits for, what is not enforced, and how it moves. */
function teller(events: TaskEvents, id: string): (task: TaskDocument) => void {
  const said = new Set<string>();
  const say = (text: string): void => {
    if (!said.has(text)) events.notice?.(text);
    said.add(text);
  };
  return (task) => {
    if (task.id !== id) return;
    for (const a of task.attempts) {
      for (const warning of a.placement.warnings) say(warning);
      if (a.outcome?.code === 'SPOT_RECLAIM') say(`attempt ${a.number}: ${a.outcome.sentence}`);
    }
    // What passes within the first moments is no news.
    if (task.waitingFor !== null && task.attempts.every((a) => a.state === 'ENDED' || a.refusals.length > 0)) {
      say(`waits for ${task.waitingFor}`);
    }
  };
}

export interface TaskListOptions extends TaskCommandOptions {
  state?: readonly string[] | undefined;
  namePrefix?: string | undefined;
  limit?: number | undefined;
}

/** `stint task ls`: newest first; takes up what a dead process left. */
export async function taskList(options: TaskListOptions): Promise<CommandResult<{ tasks: TaskView[] }>> {
  return await withTasks(options, async ({ engine }) => {
    const { state, namePrefix } = options;
    const filter: TaskFilter = {
      ...(state && { states: state.map(stateOf) }),
      ...(namePrefix !== undefined && { namePrefix }),
    };
    const tasks = await listTasks(engine, filter, options.limit ?? 1_000, options.events?.notice);
    return { exitCode: 0, body: { tasks: tasks.map(viewTask) } };
  });
}

export interface TaskIdOptions extends TaskCommandOptions {
  id: string;
}

/** `stint task get`. */
export async function taskGet(options: TaskIdOptions): Promise<CommandResult<TaskView>> {
  return await withTasks(options, async ({ engine }) => {
    const task = await lookAgain(engine, checkId(options.id), options.events?.notice);
    return { exitCode: 0, body: viewTask(task) };
  });
}

/** `stint task wait`: exits as `run` would. */
export async function taskWait(options: TaskIdOptions): Promise<CommandResult<TaskView>> {
  return await withTasks(options, async ({ engine }) => {
    const done = await engine.wait(checkId(options.id));
    return { exitCode: exitCodeOfTask(done), body: viewTask(done) };
  });
}

export interface TaskLogsOptions extends TaskIdOptions {
  follow?: boolean | undefined;
  attempt?: number | undefined;
}

/** `stint task logs`: each line goes to `events.line`. */
export async function taskLogs(options: TaskLogsOptions): Promise<CommandResult<Record<string, never>>> {
  return await withTasks(options, async ({ engine }) => {
    const { follow: following, attempt } = options;
    await follow(engine.logs(checkId(options.id), { follow: following, attempt }), options.events ?? {});
    return { exitCode: 0, body: {} };
  });
}

/** `stint task cancel`: returns when the task has ended; an ended one stays as it is. */
export async function taskCancel(options: TaskIdOptions): Promise<CommandResult<TaskView>> {
  return await withTasks(options, async ({ engine }) => {
    const id = checkId(options.id);
    await engine.cancel(id, 'stint task cancel');
    return { exitCode: 0, body: viewTask(await engine.wait(id)) };
  });
}

export interface TaskRemoveOptions extends TaskCommandOptions {
  ids: readonly string[];
  ended?: boolean | undefined;
  olderThan?: string | undefined;
}

/** `stint task rm ID…` or `--ended --older-than 30d`. */
export async function taskRemove(options: TaskRemoveOptions): Promise<CommandResult<{ removed: string[] }>> {
  return await withTasks(options, async ({ engine }) => {
    const { ids, ended = false, olderThan } = options;
    if (ids.length === 0 && !ended) throw usage('name the tasks to remove, or say --ended --older-than 30d');
    if (ids.length > 0 && (ended || olderThan !== undefined)) throw usage('either tasks or --ended, not both');
    if (ended && olderThan === undefined) throw usage('--ended needs --older-than, for example 30d');
    const ageMs = olderThan === undefined ? 0 : parseDurationMs(olderThan);
    if (ageMs === null) throw usage(`--older-than ${olderThan}: is no duration: write 12h or 30d`);
    const chosen = ended ? await endedBefore(engine, Date.now() - ageMs) : ids.map(checkId);
    // All or none: one that is unknown or open is found before any is gone.
    for (const id of ids.map(checkId)) if ((await engine.read(id)).endedAtMs === null) await engine.remove(id);
    for (const id of chosen) await engine.remove(id);
    return { exitCode: 0, body: { removed: chosen } };
  });
}

async function endedBefore(engine: TaskRuntime['engine'], atMs: number): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const states = ['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'] as const;
    const page = await engine.list({ states }, cursor, 500);
    const settled = page.tasks.filter((t) => (t.endedAtMs ?? Infinity) < atMs && t.attempts.every((a) => a.settled));
    found.push(...settled.map((t) => t.id));
    ({ cursor } = page);
  } while (cursor !== null);
  return found;
}

function stateOf(text: string): TaskState {
  const upper = text.toUpperCase();
  const known = (Object.keys(taskMoves) as TaskState[]).find((state) => state === upper);
  if (known) return known;
  throw usage(`--state ${text}: there is ${Object.keys(taskMoves).join(', ')}`);
}

const usage = (message: string): AppError => new AppError('INVALID_ARGUMENT', 'BAD_ARGUMENT', message);

async function withTasks<T>(
  options: TaskCommandOptions,
  run: (runtime: TaskRuntime) => Promise<CommandResult<T>>,
): Promise<CommandResult<T>> {
  let runtime: TaskRuntime | undefined;
  try {
    const notice = options.events?.notice;
    runtime = await composeTasks({ ...options, notice, ...(notice && { problem: tellProblems(notice) }) });
    return await run(runtime);
  } catch (e) {
    return refusedTask(e);
  } finally {
    await runtime?.close();
  }
}
