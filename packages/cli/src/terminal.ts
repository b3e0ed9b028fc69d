// SPDX-License-Identifier: Apache-2.0
import { isAppError, toAppError } from '@stint/core/base';
import type { CommandResult, ErrorBody } from '@stint/runtime';

/** What the commands write to. Results go to stdout; progress and messages to stderr, so that stdout can be piped. */
export interface Terminal {
  out: (text: string) => void;
  err: (text: string) => void;
  /** Resolves when what was written has been taken, where its reader is slower than we are. */
  taken?: () => Promise<void> | undefined;
  /** stderr is a terminal that a line can be redrawn on. */
  live: boolean;
  /** stdout is a terminal, too: what it prints may steer it. */
  shown: boolean;
  columns: () => number;
}

const failed = new Set<NodeJS.WriteStream>();
/**
 * Whether something of what was printed is lost, but for want of a reader; known once all of it has been taken.
 * @param messages - stderr counts, too: it holds more than messages.
 */
export async function outputFailed(messages: boolean): Promise<boolean> {
  await Promise.all([process.stdout, process.stderr].map(flushed));
  // A stream tells of its error only after the write's callback.
  await new Promise((next) => setImmediate(next));
  return failed.has(process.stdout) || (messages && failed.has(process.stderr));
}

export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever read our output may be gone (`stint … | head`); the job goes on.
    if (stream.listenerCount('error') === 0) {
      stream.on('error', (e: NodeJS.ErrnoException) => {
        if (e.code === 'EPIPE' || failed.has(stream)) return;
        failed.add(stream);
        // Where that can't be written either, the exit code has to do.
        if (stream === process.stdout) process.stderr.write(`stint: stdout can't be written: ${e.message}\n`);
      });
    }
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    taken: () => {
      const behind = [process.stdout, process.stderr].filter((stream) => stream.writableNeedDrain);
      return behind.length === 0 ? undefined : Promise.all(behind.map(flushed)).then(() => undefined);
    },
    live: process.stderr.isTTY && process.env['TERM'] !== 'dumb',
    shown: process.stdout.isTTY,
    columns: () => process.stderr.columns || 80,
  };
}

/** Whether it was taken or its reader is gone: both are told by the callback of a write. */
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => void stream.write('', () => resolve()));

/** C0 and C1 control characters but newline and tab: text of users or servers must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** An error in prose, with what to do next. */
export function errorText(e: ErrorBody): string {
  const hint = e.hint === null ? '' : `\n  ${e.hint}`;
  return printable(`stint: ${e.message}${hint}\n`);
}

export function bodyOf(e: unknown): ErrorBody {
  const { code, reason, message, info } = toAppError(e);
  const details = info.details ?? null;
  // What is no AppError is a fault of ours: the place helps to report it.
  const at = !isAppError(e) && e instanceof Error ? (e.stack?.split('\n')[1]?.trim() ?? null) : null;
  return { code, reason, message, hint: info.hint ?? null, details: at === null ? details : { ...details, at } };
}

/**
 * Prints a command's result: with `json` one object on stdout, else prose (errors on stderr).
 * @param exact - the prose is data, which a pipe or a file gets as it is.
 */
export function printResult<T extends object>(
  terminal: Terminal,
  result: CommandResult<T>,
  json: boolean,
  prose: (body: T) => string,
  exact = false,
): number {
  const { body, exitCode } = result;
  if (json) terminal.out(`${JSON.stringify(body)}\n`);
  else if ('error' in body) terminal.err(errorText(body.error));
  else terminal.out(exact && !terminal.shown ? prose(body) : printable(prose(body)));
  return exitCode;
}
