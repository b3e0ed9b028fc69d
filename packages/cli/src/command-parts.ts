// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/base';
import type { Command } from 'commander';

/** A command that only has others below it. */
export function group(c: Command): Command {
  return c.allowExcessArguments().action(() => {
    const [unknown] = c.args;
    if (unknown === undefined) c.help({ error: true });
    throw new AppError('INVALID_ARGUMENT', 'USAGE', `unknown command '${c.name()} ${unknown}'`, {
      hint: `stint ${c.name()} --help lists the commands.`,
    });
  });
}

export const json = (c: Command): Command => c.option('--json', 'one JSON object on stdout; messages go to stderr');
