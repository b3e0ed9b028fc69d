// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { WantedCapacity } from '@stint/runtime/tasks';
import { capacityListText, capacityPlanText } from './capacity-texts.ts';
import { group, json } from './command-parts.ts';
import { printable, printResult } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { collect, withConfig, withWants } from './wants-options.ts';

interface Flags extends WantedCapacity {
  json?: boolean;
  config?: string;
  dryRun?: boolean;
}

/** `stint capacity ls|plan|create`. */
export function capacityCommand(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const tasks = () => import('@stint/runtime/tasks');
  const capacity = group(new Command('capacity').description('what tasks can run on in an ECS cluster'));
  const notice = (text: string): void => terminal.err(`${printable(text)}\n`);
  const base = (f: Flags) => ({ env: process.env, cwd: process.cwd(), config: f.config, notice });
  const configured = (c: Command): Command => withConfig(json(c));

  configured(capacity.command('ls').description('what each capacity provider of the cluster can run')).action(
    async (f: Flags) => {
      const { capacityList } = await tasks();
      finish(printResult(terminal, await capacityList(base(f)), f.json ?? false, capacityListText));
    },
  );

  withWants(
    configured(
      capacity.command('plan').description('what a task would take, and what to make where nothing fits; exit 2 then'),
    ),
  )
    .option('--capacity <name>', 'capacity to choose from, in this order', collect)
    .action(async (f: Flags) => {
      const { capacityPlan } = await tasks();
      const result = await capacityPlan({ ...base(f), wanted: f, adviseAlways: f.json ?? false });
      finish(printResult(terminal, result, f.json ?? false, capacityPlanText));
    });

  withWants(
    configured(capacity.command('create <name>').description('make a provider for such tasks, and wait for it')),
  )
    .option('--dry-run', 'print the CreateCapacityProvider request, and make nothing')
    .action(async (name: string, f: Flags) => {
      const { capacityCreate } = await tasks();
      const stop = new AbortController();
      const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal);
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
      const { dryRun } = f;
      const result = await capacityCreate({ ...base(f), name, wanted: f, dryRun, signal: stop.signal });
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      const exitCode = printResult(terminal, result, f.json ?? false, (made) => {
        if (made.state === null) return `${JSON.stringify(made.request, null, 2)}\n`;
        return `${made.name} in ${made.cluster}: ${made.state}${made.created ? '' : ', it was there already'}\n`;
      });
      finish(exitCode === 130 && stop.signal.reason === 'SIGTERM' ? 143 : exitCode);
    });
  return capacity;
}
