// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { GenerateOptions } from '@stint/runtime';
import { baseUrl, concurrency, dollars, integer, jobSeed, numRecords } from './arguments.ts';
import { group, json } from './command-parts.ts';
import { capacityCommand } from './capacity-commands.ts';
import { doctorCommand } from './doctor-command.ts';
import { emulatorCommand } from './emulator-command.ts';
import { modelsCommand } from './models-commands.ts';
import { runWithProgress } from './run-command.ts';
import { taskCommand } from './task-commands.ts';
import { summaryText } from './summary-text.ts';
import { printResult } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { planText, renderText, templateText, verifyText } from './texts.ts';

interface Flags {
  out?: string;
  numRecords?: number;
  budgetLimit?: string;
  jobSeed?: number;
  concurrency?: number | 'auto';
  baseUrl?: string;
  json?: boolean;
  retryFailed?: boolean;
  format?: string[];
  pilot?: number;
  seed?: string;
  index?: number;
  step?: string;
}

/** Every command of `stint`. `finish` is told the exit code of the one that ran. */
export function createProgram(terminal: Terminal, version: string, finish: (exitCode: number) => void): Command {
  const base = { env: process.env, cwd: process.cwd() };
  const runtime = () => import('@stint/runtime');
  const program = new Command('stint')
    .description('Makes synthetic datasets with language models, under a hard cap, resumable after kill -9.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('(stint --help lists the commands, stint COMMAND --help its options)');

  const command = (usage: string, description: string): Command => program.command(usage).description(description);

  withLimits(command('generate <job>', 'run a job file to its end here; the same command goes on where it stopped'))
    .option('--out <dir>', 'folder of the job (default: stint-out/<name>)')
    .option('--job-seed <n>', 'seed of every random draw', jobSeed)
    .action(async (job: string, f: Flags) => {
      const { generate } = await runtime();
      const options: GenerateOptions = { ...base, ...limitsOf(f), jobPath: job, out: f.out, jobSeed: f.jobSeed };
      finish(
        await runWithProgress(terminal, f.json ?? false, summaryText, (events) => generate({ ...options, events })),
      );
    });

  withLimits(command('plan <job>', 'what a job costs at most, and which key goes to which host; nothing is spent'))
    .option(
      '--pilot <k>',
      'run K records for real, and estimate cost and time from them',
      integer('--pilot', 1, 10_000),
    )
    .option('--out <dir>', 'folder of the pilot (default: stint-out/<name>-pilot)')
    .option('--job-seed <n>', 'seed of every random draw', jobSeed)
    .action(async (job: string, f: Flags) => {
      const { plan } = await runtime();
      const options = { ...base, ...limitsOf(f), jobPath: job, out: f.out, jobSeed: f.jobSeed, pilot: f.pilot };
      finish(await runWithProgress(terminal, f.json ?? false, planText, (events) => plan({ ...options, events })));
    });

  json(command('status <dir>', 'how a job stands; changes nothing')).action(async (dir: string, f: Flags) => {
    const { status } = await runtime();
    finish(printResult(terminal, await status({ ...base, dir }), f.json ?? false, summaryText));
  });

  withLimits(command('resume <dir>', 'go on with a job from what its folder froze, without the job file'))
    .option('--retry-failed', 'give records that were given up new attempts')
    .action(async (dir: string, f: Flags) => {
      const { resume } = await runtime();
      const options = { ...base, ...limitsOf(f), dir, retryFailed: f.retryFailed };
      finish(await runWithProgress(terminal, f.json ?? false, summaryText, (events) => resume({ ...options, events })));
    });

  json(command('export <dir>', 'write the dataset of what is committed so far'))
    .option('--format <format...>', 'jsonl, parquet, csv (default: as the job file says)')
    .action(async (dir: string, f: Flags) => {
      const { exportDataset } = await runtime();
      const formats = f.format?.flatMap((x) => x.split(',')).filter((x) => x !== '');
      finish(printResult(terminal, await exportDataset({ ...base, dir, formats }), f.json ?? false, summaryText));
    });

  json(
    command('verify <dir>', 'recompute hashes, counts, sums and prompts of a job; exit code 1 where it is damaged'),
  ).action(async (dir: string, f: Flags) => {
    const { verify } = await runtime();
    finish(printResult(terminal, await verify({ ...base, dir }), f.json ?? false, verifyText));
  });

  json(command('cancel <dir>', 'end a job for good; what is committed stays')).action(async (dir: string, f: Flags) => {
    const { cancel } = await runtime();
    finish(printResult(terminal, await cancel({ ...base, dir }), f.json ?? false, summaryText));
  });

  const template = group(command('template', 'check a template, or look at its prompts'));
  json(template.command('check <template>').description('syntax, includes, and the seed fields that it needs')).action(
    async (file: string, f: Flags) => {
      const { checkTemplate } = await runtime();
      finish(printResult(terminal, await checkTemplate({ ...base, template: file }), f.json ?? false, templateText));
    },
  );
  json(template.command('render <template>').description('the prompts of one record; no model is called'))
    .option('--seed <row>', 'a JSON object, or the path of a seed file')
    .option('--index <n>', 'index of the record (default: 0)', integer('--index', 0, 100_000_000_000))
    .option('--job-seed <n>', 'seed of every random draw (default: 0)', jobSeed)
    .option('--step <id>', 'this step only')
    .action(async (file: string, f: Flags) => {
      const { renderTemplate } = await runtime();
      const { seed, index, step } = f;
      const result = await renderTemplate({ ...base, template: file, seed, index, jobSeed: f.jobSeed, step });
      const one = step !== undefined;
      finish(printResult(terminal, result, f.json ?? false, (r) => renderText(r, one), one));
    });

  program.addCommand(modelsCommand(terminal, finish));
  program.addCommand(taskCommand(terminal, finish));
  program.addCommand(capacityCommand(terminal, finish));
  program.addCommand(doctorCommand(terminal, finish));
  program.addCommand(emulatorCommand(terminal, finish));

  command('demo', 'label a dozen real e-mails with a small model on this machine')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(async (_: unknown, self: Command) => {
      const { demo } = await import('./demo.ts');
      finish(await demo(self.args, { stdout: process.stdout, stderr: process.stderr, ...base }));
    });
  return program;
}

function withLimits(c: Command): Command {
  return json(c)
    .option('--num-records <n>', 'records in force from now on', numRecords)
    .option('--budget-limit <usd>', 'hard cap in force from now on', dollars)
    .option('--concurrency <n>', 'calls in flight at most; or auto', concurrency)
    .option('--base-url <url>', 'URL of every openai model, instead of the job file’s', baseUrl);
}

const limitsOf = ({ numRecords, budgetLimit, concurrency, baseUrl }: Flags) => ({
  numRecords,
  budgetLimit,
  concurrency,
  baseUrl,
});
