// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import type { Command } from 'commander';
import { createProgram } from './program.ts';
import { bodyOf, errorText, outputFailed, processTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { cliVersion } from './version.ts';

/** As for every other disk that is full or failing. */
const storageExit = 6;

/** Runs one `stint` command and resolves to its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  let exitCode = 0;
  const program = createProgram(terminal, cliVersion, (code) => {
    exitCode = code;
  });
  let usage = '';
  each(program, (c) =>
    c.exitOverride().configureOutput({
      writeOut: terminal.out,
      writeErr: (text) => {
        usage += text;
      },
    }),
  );
  try {
    await program.parseAsync([...argv], { from: 'user' });
    // A task's own stderr goes to ours.
    return exitCode === 0 && (await outputFailed(argv[0] === 'task')) ? storageExit : exitCode;
  } catch (e) {
    return refused(terminal, e, usage, argv.includes('--json'));
  }
}

/** What was refused before a command ran: wrong usage, or an error that no command turned into its result. */
async function refused(terminal: Terminal, e: unknown, usage: string, json: boolean): Promise<number> {
  const { exitCodeOfError } = await import('@stint/runtime');
  const said = commanderError(e);
  if (said?.exitCode === 0) return 0;
  const error = said
    ? new AppError('INVALID_ARGUMENT', 'USAGE', said.message.replace(/^error: /, ''), {
        hint: 'stint --help lists the commands, stint COMMAND --help its options.',
      })
    : e;
  const body = bodyOf(error);
  if (json) terminal.out(`${JSON.stringify({ error: body })}\n`);
  // Help that was asked for by an incomplete command is its own message.
  else if (said?.code === 'commander.help') terminal.err(usage);
  else terminal.err(errorText(body));
  return exitCodeOfError(body);
}

function commanderError(e: unknown): { code: string; exitCode: number; message: string } | null {
  const isOne = e instanceof Error && 'code' in e && typeof e.code === 'string' && e.code.startsWith('commander.');
  return isOne ? (e as unknown as { code: string; exitCode: number; message: string }) : null;
}

function each(command: Command, run: (c: Command) => void): void {
  run(command);
  for (const c of command.commands) each(c, run);
}
