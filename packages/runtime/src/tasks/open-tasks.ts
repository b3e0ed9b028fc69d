// SPDX-License-Identifier: Apache-2.0
import { AppError, isEnded, isUlid, toAppError, viewTask } from '@stint/core/tasks';
import type {
  LogOptions,
  SubmitOptions,
  TaskDocument,
  TaskEngine,
  TaskFilter,
  TaskLogLine,
  TaskView,
} from '@stint/core';
import { composeTasks, machineArch } from './compose-tasks.ts';
import { requestOf } from './new-task.ts';
import type { NewTask } from './new-task.ts';
import type { TaskRuntime, TaskRuntimeOptions } from './compose-tasks.ts';
import { ecsArch, taskSpecOf } from './task-request.ts';
import type { TaskRequest } from './task-request.ts';

export type { NewTask };
export type TaskOutputLine = TaskLogLine & { attempt: number };

/** The tasks of one state folder, the same that `stint task` shows. Ids are taken in capitals and small letters. */
export interface Tasks extends AsyncDisposable {
  /**
   * Stores a task where the settings say, and looks after it from then on, as long as this is open.
   * @param idempotencyKey - the same key with the same request names the same task, as long as it is kept
   * @throws AppError INVALID_ARGUMENT/BAD_ARGUMENT naming every wrong member, INVALID_ARGUMENT/NOTHING_FITS,
   * FAILED_PRECONDITION/IDEMPOTENCY_MISMATCH, and what the settings and the cluster deserve
   */
  submit(task: NewTask, options?: Pick<SubmitOptions, 'idempotencyKey'>): Promise<TaskView>;
  /** How it stands; takes up what a dead process left. @throws AppError NOT_FOUND/TASK_NOT_FOUND */
  get(id: string): Promise<TaskView>;
  /** Newest first, at most `limit` (1,000); takes up what dead processes left. */
  list(filter?: TaskFilter, limit?: number): Promise<TaskView[]>;
  /** Resolves with the ended task, whoever looks after it. @throws AppError CANCELED/ABORTED after the signal */
  wait(id: string, signal?: AbortSignal): Promise<TaskView>;
  /** Ends it, and resolves when it has ended. One that has ended stays as it is. */
  cancel(id: string, reason?: string): Promise<TaskView>;
  /** Its output, attempt after attempt; with `follow` until it has ended. */
  logs(id: string, options?: LogOptions): AsyncIterable<TaskOutputLine>;
  /** Called with each change of a task that is looked after here. @returns how to be called no more */
  onChange(listener: (task: TaskView) => void): () => void;
  /** Forgets an ended task, its output and its key. @throws AppError FAILED_PRECONDITION/TASK_OPEN */
  remove(id: string): Promise<void>;
  /** Tasks go on; whoever opens the folder next, or `stint task wait`, looks after them. Idempotent. */
  close(): Promise<void>;
}

/** All have a default: the environment and the folder of this process, and its `stint.config.yaml`. */
export type OpenTasksOptions = Partial<TaskRuntimeOptions>;

/**
 * Opens the tasks of this state folder, for a program; `stint task` stands on the same calls.
 * @throws AppError INVALID_ARGUMENT/BAD_CONFIG naming every problem of the settings
 */
export async function openTasks(options: OpenTasksOptions = {}): Promise<Tasks> {
  const { env = process.env, cwd = process.cwd(), notice } = options;
  const runtime = await composeTasks({ ...options, env, cwd });
  const { engine } = runtime;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= runtime.close());
  return {
    submit: async (task, { idempotencyKey } = {}) =>
      viewTask((await submitTask(runtime, requestOf(task), { idempotencyKey })).task),
    get: async (id) => viewTask(await lookAgain(engine, checkTaskId(id), notice)),
    list: async (filter = {}, limit = 1_000) => (await listTasks(engine, filter, limit, notice)).map(viewTask),
    wait: async (id, signal) => viewTask(await engine.wait(checkTaskId(id), signal)),
    cancel: async (id, reason = 'canceled by the program') => {
      await engine.cancel(checkTaskId(id), reason);
      return viewTask(await engine.wait(checkTaskId(id)));
    },
    logs: (id, how) => engine.logs(checkTaskId(id), how),
    onChange: (listener) => engine.onChange((task) => listener(viewTask(task))),
    remove: (id) => engine.remove(checkTaskId(id)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Where the settings say, complete and checked. */
export async function submitTask(
  runtime: TaskRuntime,
  request: TaskRequest,
  options: SubmitOptions,
): Promise<{ task: TaskDocument; created: boolean }> {
  // An unset variable of a script, most likely: all of its tasks would be one.
  if (options.idempotencyKey === '')
    throw new AppError('INVALID_ARGUMENT', 'BAD_ARGUMENT', '--idempotency-key: it is empty');
  const spec = taskSpecOf(request, runtime.settings.compute === 'ecs' ? ecsArch : machineArch);
  return await runtime.engine.submit(spec, await runtime.target(), options);
}

/** What a dead process left is taken up and looked at, before it is shown; where that fails, the store's word stands. */
export async function lookAgain(
  engine: TaskEngine,
  id: string,
  notice: ((text: string) => void) | undefined,
): Promise<TaskDocument> {
  await takeUp(engine, id, notice);
  return await engine.read(id);
}

/** As `lookAgain`, of all of them, newest first. */
export async function listTasks(
  engine: TaskEngine,
  filter: TaskFilter,
  limit: number,
  notice: ((text: string) => void) | undefined,
): Promise<readonly TaskDocument[]> {
  await takeUp(engine, undefined, notice);
  return (await engine.list(filter, null, limit)).tasks;
}

async function takeUp(engine: TaskEngine, id: string | undefined, notice?: (text: string) => void): Promise<void> {
  try {
    if ((await engine.takeUp(id)) > 0) await engine.lookNow();
  } catch (e) {
    const error = toAppError(e);
    if (error.reason === 'TASK_NOT_FOUND') throw e;
    const stored = id === undefined ? (await engine.list({}, null, 1_000)).tasks : [await engine.read(id)];
    const knownMs = Math.max(0, ...stored.filter((task) => !isEnded(task.state)).map(lastKnownMs));
    const since = knownMs === 0 ? '' : `, last changed at ${new Date(knownMs).toISOString()}`;
    notice?.(`as it was stored${since}: ${error.message}`);
    // Those of another backend were taken up.
    if (engine.open > 0) await engine.lookNow();
  }
}

/** When the newest of what is known of a task happened. */
const lastKnownMs = (task: TaskDocument): number =>
  Math.max(
    task.createdAtMs,
    ...task.attempts.flatMap((a) => [a.createdAtMs, a.startedAtMs ?? 0, a.endedAtMs ?? 0, a.stop?.sentAtMs ?? 0]),
  );

/** Ids are shown in capitals and taken in any; a program without types may have none at all. */
export function checkTaskId(id: unknown): string {
  const upper = typeof id === 'string' ? id.toUpperCase() : '';
  if (isUlid(upper)) return upper;
  throw new AppError('NOT_FOUND', 'TASK_NOT_FOUND', `no task ${JSON.stringify(id)}`, {
    hint: '`stint task ls` lists the tasks of this state folder.',
  });
}
