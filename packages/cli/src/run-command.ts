// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import type { StopSignal } from '@stint/core';
import type { CommandEvents, CommandResult, StartedJob } from '@stint/runtime';
import { ProgressView } from './progress-view.ts';
import { printable, printResult } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const SIGNALS: readonly StopSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];
/** A terminal's Ctrl-C reaches us directly and through the parent that re-executed us; a person is slower than this. */
const SAME_SIGNAL_MS = 500;

/** Runs a command that holds a job: progress on stderr, signals, then its result on stdout. */
export async function runWithProgress<T extends object>(
  terminal: Terminal,
  json: boolean,
  prose: (body: T) => string,
  run: (events: CommandEvents) => Promise<CommandResult<T>>,
): Promise<number> {
  let view: ProgressView | undefined;
  let job: StartedJob | undefined;
  let first: { signal: StopSignal; at: number } | undefined;
  const say = (text: string): void => {
    if (view) view.note(text);
    else terminal.err(`${printable(text)}\n`);
  };
  const onSignal = (signal: StopSignal): void => {
    const at = performance.now();
    if (first) {
      if (at - first.at < SAME_SIGNAL_MS) return;
      // Equally correct: what is committed stays, calls in flight count at their worst case.
      process.exit(128 + constants.signals[signal]);
    }
    first = { signal, at };
    say(`${signal}: letting calls in flight finish, then committing; again to exit at once`);
    job?.stop(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const result = await run({
      started: (started) => {
        job = started;
        view = new ProgressView({ terminal, name: started.name, progress: started.progress });
        if (first) started.stop(first.signal);
      },
      notice: say,
      exporting: () => view?.startExports(),
    });
    view?.stop();
    return printResult(terminal, result, json, prose);
  } finally {
    view?.stop();
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
