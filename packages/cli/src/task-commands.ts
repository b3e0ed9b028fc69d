// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { TaskEvents, TaskSignal } from '@stint/runtime/tasks';
import { integer } from './arguments.ts';
import { group, json } from './command-parts.ts';
import { taskLsText, taskText } from './task-texts.ts';
import { printable, printResult } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { collect, withConfig, withWants } from './wants-options.ts';

interface Flags {
  json?: boolean;
  config?: string;
  compute?: string;
  detach?: boolean;
  idempotencyKey?: string;
  follow?: boolean;
  attempt?: number;
  state?: string[];
  namePrefix?: string;
  limit?: number;
  ended?: boolean;
  olderThan?: string;
}

const BIN = fileURLToPath(new URL('../bin/stint.js', import.meta.url));

/** `stint task run|ls|get|logs|wait|cancel|rm`. */
export function taskCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const tasks = () => import('@stint/runtime/tasks');
  const task = group(new Command('task').description('run containers and processes, here or on ECS'));
  const base = (f: Flags) => ({ env: process.env, cwd: process.cwd(), config: f.config, compute: f.compute });
  const configured = (c: Command): Command => withConfig(json(c));
  const notice = (text: string): void => terminal.err(`${printable(text)}\n`);

  const run = task.command('run <image> [command...]').description('run one task to its end; exits with its exit code');
  withWants(configured(run).option('--name <name>', 'a name for people'))
    .option('--capacity <name>', 'capacity to choose from, in this order', collect)
    .option('-e, --env <key=value>', 'environment of the container', collect)
    .option('--secret <name=arn>', 'variable from a secret of AWS (ECS only)', collect)
    .option('--label <key=value>', 'labels; tags on AWS', collect)
    .option('--entrypoint <program>', 'instead of the entry point of the image')
    .option('--stop-timeout <time>', 'from SIGTERM to SIGKILL: 30s, on ECS 120s')
    .option('--time-limit <time>', 'ends an attempt that runs longer: 30s, 10m, 2h')
    .option('--idempotency-key <key>', 'the same key attaches to the task that exists')
    .option('-d, --detach', 'print the id, and leave')
    .option('--compute <name>', 'container, process or ecs')
    .action(async (image: string, command: string[], f: Flags & Record<string, never>) => {
      const { taskRun } = await tasks();
      const signals = catchSignals();
      const output = lineTo(terminal, f.json ?? false);
      const result = await taskRun({
        ...base(f),
        request: { ...f, image, command },
        idempotencyKey: f.idempotencyKey,
        detach: f.detach,
        stintCommand: [process.execPath, BIN],
        onSignal: signals.on,
        events: { notice, line: output.line },
      });
      output.flush();
      signals.off();
      const { body } = result;
      const quiet = f.json !== true && !('error' in body);
      if (quiet && 'state' in body) terminal.err(printable(taskText(body)));
      else if (quiet) terminal.out(`${body.id}\n`);
      finish(quiet ? result.exitCode : printResult(terminal, result, f.json ?? false, () => ''));
    });

  configured(task.command('ls').description('the tasks of this state folder, newest first'))
    .option('--state <state>', 'only tasks in these states', collect)
    .option('--name-prefix <text>', 'only tasks whose name begins so')
    .option('--limit <n>', 'at most so many (default: 1000)', integer('--limit', 1, 100_000))
    .action(async (f: Flags) => {
      const { taskList } = await tasks();
      const { state, namePrefix, limit } = f;
      const result = await taskList({ ...base(f), state, namePrefix, limit, events: { notice } });
      finish(printResult(terminal, result, f.json ?? false, taskLsText));
    });

  configured(task.command('get <id>').description('how a task stands')).action(async (id: string, f: Flags) => {
    const { taskGet } = await tasks();
    finish(printResult(terminal, await taskGet({ ...base(f), id, events: { notice } }), f.json ?? false, taskText));
  });

  configured(task.command('logs <id>').description('the output of a task'))
    .option('-f, --follow', 'go on until it has ended')
    .option('--attempt <n>', 'of this attempt only', integer('--attempt', 1, 1_000_000))
    .action(async (id: string, f: Flags) => {
      const { taskLogs } = await tasks();
      const output = lineTo(terminal, false);
      const events: TaskEvents = { notice, line: output.line };
      const result = await taskLogs({ ...base(f), id, follow: f.follow, attempt: f.attempt, events });
      output.flush();
      finish('error' in result.body ? printResult(terminal, result, f.json ?? false, () => '') : result.exitCode);
    });

  configured(task.command('wait <id>').description('wait until it has ended; exits as run would')).action(
    async (id: string, f: Flags) => {
      const { taskWait } = await tasks();
      finish(printResult(terminal, await taskWait({ ...base(f), id, events: { notice } }), f.json ?? false, taskText));
    },
  );

  configured(task.command('cancel <id>').description('end a task, and wait for its end')).action(
    async (id: string, f: Flags) => {
      const { taskCancel } = await tasks();
      finish(printResult(terminal, await taskCancel({ ...base(f), id }), f.json ?? false, taskText));
    },
  );

  configured(task.command('rm [ids...]').description('forget ended tasks, with their output'))
    .option('--ended', 'all that have ended')
    .option('--older-than <time>', 'with --ended: longer ago than 30d')
    .action(async (ids: string[], f: Flags) => {
      const { taskRemove } = await tasks();
      const result = await taskRemove({ ...base(f), ids, ended: f.ended, olderThan: f.olderThan });
      finish(printResult(terminal, result, f.json ?? false, (r) => r.removed.map((id) => `${id}\n`).join('')));
    });

  task
    .command('supervise', { hidden: true })
    .option('--config <file>')
    .action(async (f: Flags) => {
      const { supervise } = await tasks();
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
      await supervise(base(f), stop.signal);
      finish(0);
    });
  return task;
}

const longestBatch = 65_536;

/**
 * The container's output goes where it came from, or to stderr where stdout is for JSON. Lines that come together are
 * written together: one write each would take most of the time of a long output.
 */
function lineTo(terminal: Terminal, json: boolean): { line: NonNullable<TaskEvents['line']>; flush: () => void } {
  let to: 'out' | 'err' = 'out';
  let waiting = '';
  const flush = (): void => {
    if (waiting !== '') terminal[to](waiting);
    waiting = '';
  };
  const line: TaskEvents['line'] = ({ stream, text, partial = false }) => {
    const where = stream === 'stdout' && !json ? 'out' : 'err';
    if (where !== to) flush();
    to = where;
    if (waiting === '') setImmediate(flush);
    waiting += partial ? text : `${text}\n`;
    if (waiting.length < longestBatch) return undefined;
    flush();
    // Else a slow reader of a long output would fill our memory.
    return terminal.taken?.();
  };
  return { line, flush };
}

/** A terminal's Ctrl-C reaches us directly and through the parent that re-executed us; a person is slower than this. */
const sameSignalMs = 500;

/** The first signal cancels the task; a second one leaves at once, and the task to whoever looks next. */
function catchSignals(): { on: (stop: (signal: TaskSignal) => void) => void; off: () => void } {
  let stop: ((signal: TaskSignal) => void) | undefined;
  let first: { signal: TaskSignal; atMs: number } | undefined;
  const on = (signal: TaskSignal): void => {
    const now = performance.now();
    if (!first) {
      first = { signal, atMs: now };
      stop?.(signal);
    } else if (signal !== first.signal || now - first.atMs > sameSignalMs)
      process.exit(128 + constants.signals[signal]);
  };
  process.on('SIGINT', on).on('SIGTERM', on);
  return {
    on: (given) => {
      stop = given;
      if (first) given(first.signal);
    },
    off: () => void process.off('SIGINT', on).off('SIGTERM', on),
  };
}
