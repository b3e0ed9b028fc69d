// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '@stint/core/base';
import type { AppError, TaskEngine } from '@stint/core';
import { tryLockFile } from '@stint/local/tasks';
import { composeTasks } from './compose-tasks.ts';
import type { TaskRuntimeOptions } from './compose-tasks.ts';
import { stateHome } from './state-home.ts';

const lookMs = 500;
/** Between looks at what can't be looked after; others are looked after all the while. */
const longestWaitMs = 5_000;
/** Looks with nothing open before it goes: a task that comes right after another finds it still there. */
const idleLooks = 4;

/**
 * Looks after the tasks that nobody else does, in this state folder, until nothing is open. One at a time: a second one
 * leaves at once. It looks once more after it gave its place up, so that a task made meanwhile is not missed.
 */
export async function supervise(options: TaskRuntimeOptions, signal: AbortSignal): Promise<void> {
  const home = stateHome(options.env, options.cwd);
  while (!signal.aborted) {
    const unlock = tryLockFile(home, 'supervisor.lock');
    if (!unlock) return;
    const problem = logTo(join(home, 'supervisor.log'));
    const runtime = await composeTasks({ ...options, problem });
    try {
      for (let idle = 0, failures = 0; idle < idleLooks && !signal.aborted;) {
        const failed = await takeUp(runtime.engine);
        if (failed === null) failures = 0;
        else problem(null, 'take up', failed);
        // What can't be reached for the moment is open all the same, and nobody else comes for it.
        idle = runtime.engine.open > 0 || (failed !== null && mayPass(failed)) ? 0 : idle + 1;
        const ms = failed === null ? lookMs : Math.min(longestWaitMs, lookMs * 2 ** failures++);
        await sleep(ms, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      await runtime.close();
      unlock();
    }
    if (signal.aborted || !(await anythingOpen(options))) return;
  }
}

async function takeUp(engine: TaskEngine): Promise<AppError | null> {
  try {
    await engine.takeUp();
    return null;
  } catch (e) {
    return toAppError(e);
  }
}

const passing = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'PERMISSION_DENIED']);
/** Credentials are renewed and services come back; a store that may not be written, or a wrong configuration, stays. */
const mayPass = ({ code, reason }: AppError): boolean => passing.has(code) && reason !== 'STORAGE_DENIED';

async function anythingOpen(options: TaskRuntimeOptions): Promise<boolean> {
  const runtime = await composeTasks(options);
  try {
    return (await runtime.engine.takeUp()) > 0;
  } finally {
    await runtime.close();
  }
}

/** Starts a supervisor in a session of its own; it leaves by itself where there is one. `command` runs `stint`. */
export function startSupervisor(command: readonly string[], { env, cwd, config }: TaskRuntimeOptions): void {
  const [program = process.execPath, ...args] = command;
  const flags = config === undefined ? [] : ['--config', config];
  const child = spawn(program, [...args, 'task', 'supervise', ...flags], { detached: true, stdio: 'ignore', cwd, env });
  child.unref();
}

/** One JSON line per problem; never a request, which may hold secrets. */
const logTo =
  (path: string) =>
  (taskId: string | null, what: string, error: unknown): void => {
    const { code, reason, message } = toAppError(error);
    try {
      appendFileSync(
        path,
        `${JSON.stringify({ time: new Date().toISOString(), task: taskId, what, code, reason, message })}\n`,
        { mode: 0o600 },
      );
    } catch {
      // A log that can't be written must not end the work.
    }
  };
