// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { diagnosisText } from './capacity-texts.ts';
import { json } from './command-parts.ts';
import { printable, printResult } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { withConfig } from './wants-options.ts';

/** `stint doctor`. */
export function doctorCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const command = new Command('doctor').description(
    'whether tasks can run here and on ECS, and what to do; exit 2 if not',
  );
  return withConfig(json(command)).action(async (f: { json?: boolean; config?: string }) => {
    const { doctor } = await import('@stint/runtime/tasks');
    const notice = (text: string): void => terminal.err(`${printable(text)}\n`);
    const result = await doctor({ env: process.env, cwd: process.cwd(), config: f.config, notice });
    finish(printResult(terminal, result, f.json ?? false, diagnosisText));
  });
}
