// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import { Command } from 'commander';
import type { ServeEmulatorOptions } from '@stint/runtime/emulator';
import { integer } from './arguments.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

type Flags = Pick<
  ServeEmulatorOptions,
  'host' | 'port' | 'compute' | 'faults' | 'log' | 'timeScale' | 'data' | 'account'
>;

/** `stint emulator`. */
export function emulatorCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  return new Command('emulator')
    .description('an ECS endpoint for development and tests; prints one JSON line when it serves, ends on SIGTERM')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)', given('--host', 'an address'))
    .option('--port <n>', 'port to listen on; 0 (default): any free one', integer('--port', 0, 65_535))
    .option('--compute <how>', 'process, container or noop (default: container where an engine answers)', compute)
    .option('--faults <file>', 'what goes wrong: a fault script', given('--faults', 'a file'))
    .option('--log <file>', 'every call as a line of JSON, appended', given('--log', 'a file'))
    .option('--time-scale <n>', 'emulated seconds per real second (default: 20)', timeScale)
    .option('--data <dir>', 'folder of containers and logs (default: a temporary one)', given('--data', 'a folder'))
    .option('--account <id>', 'account number (default: 000000000000)')
    .action(async (flags: Flags) => {
      const { serveEmulator } = await import('@stint/runtime/emulator');
      const stop = new AbortController();
      const onSignal = (): void => {
        stop.abort();
      };
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
      await serveEmulator({
        ...flags,
        env: process.env,
        cwd: process.cwd(),
        signal: stop.signal,
        onReady: (endpoint) => {
          terminal.out(`${JSON.stringify({ ready: true, endpoint })}\n`);
        },
        onWarning: (text) => {
          terminal.err(`stint emulator: ${printable(text)}\n`);
        },
      }).finally(() => process.off('SIGINT', onSignal).off('SIGTERM', onSignal));
      finish(0);
    });
}

function compute(text: string): NonNullable<Flags['compute']> {
  if (text === 'process' || text === 'container' || text === 'noop') return text;
  throw badOption('--compute', text, 'process, container or noop');
}

/** An unset variable of a script would be every address, or the current folder. */
const given =
  (option: string, wanted: string) =>
  (text: string): string => {
    if (text.trim() !== '') return text;
    throw badOption(option, '""', wanted);
  };

function timeScale(text: string): number {
  const n = Number(text);
  if (/^\d*\.?\d+$/.test(text) && n > 0) return n;
  throw badOption('--time-scale', text, 'a number above 0');
}

const badOption = (option: string, text: string, wanted: string): AppError =>
  new AppError('INVALID_ARGUMENT', 'BAD_OPTION', `${option} ${text}: not ${wanted}`, {
    hint: `Give ${option} ${wanted}.`,
    details: { option },
  });
