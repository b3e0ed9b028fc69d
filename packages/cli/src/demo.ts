// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { isAppError } from '@stint/core';
import type { JobSummary } from '@stint/runtime';
import { numRecords } from './arguments.ts';
import { MODEL, whyNoModel } from './demo-model.ts';
import { firstRows, mailTable } from './demo-view.ts';
import { bodyOf, errorText } from './terminal.ts';

/** What the demo needs of the terminal and the process around it. */
export interface DemoIo {
  stdout: { write(text: string): unknown; columns?: number | undefined };
  stderr: { write(text: string): unknown };
  env: NodeJS.ProcessEnv;
  cwd: string;
}

type Say = (line?: string) => void;
type Provider = 'llama' | 'rehearsal';

const SPAM = fileURLToPath(new URL('../../../examples/spam/', import.meta.url));
const ROWS_SHOWN = 12;
const HELP = `stint demo [--num-records N] [--rehearsal]: labels a dozen real e-mails with a small model on this machine

  --num-records N   how many e-mails (12 at first; a higher number later goes on where it stopped)
  --rehearsal       made-up answers instead of a model's
`;

/** `npm start`: the spam example from nothing to a dataset; the same command goes on after an interruption. */
export async function demo(argv: readonly string[], io: DemoIo): Promise<number> {
  const say: Say = (line = '') => void io.stdout.write(`${line}\n`);
  let options: { 'num-records'?: string | undefined; rehearsal?: boolean | undefined; help?: boolean | undefined };
  try {
    options = parseArgs({
      args: [...argv],
      options: { 'num-records': { type: 'string' }, rehearsal: { type: 'boolean' }, help: { type: 'boolean' } },
    }).values;
    if (options['num-records'] !== undefined) numRecords(options['num-records']);
  } catch (e) {
    io.stderr.write(
      isAppError(e) ? errorText(bodyOf(e)) : `stint: ${e instanceof Error ? e.message : String(e)}\n${HELP}`,
    );
    return 2;
  }
  if (options.help) {
    io.stdout.write(HELP);
    return 0;
  }
  if (!existsSync(join(SPAM, 'template.yaml'))) {
    io.stderr.write('stint: the demo is part of the source checkout; `stint generate JOB` runs your own job.\n');
    return 2;
  }

  say('Stint demo: real e-mails of 2002, each summarised, then labelled by what it is for.');
  await prepareSeeds(say);
  const missing = options.rehearsal ? '--rehearsal asks for it' : await whyNoModel(io);
  const more = options['num-records'] === undefined ? [] : ['--num-records', options['num-records']];
  if (missing !== null) return rehearse(missing, more, io, say);

  say(`Model: ${MODEL} in this process, one thread; a dozen mails take about a minute.`);
  const run = await runJob('llama', more, io, say);
  // Nothing was called, so this is no failure of the job: the model itself could not be loaded.
  if (run.exitCode === 2 && (run.summary?.usage.calls ?? 0) === 0) {
    return rehearse('the model could not be loaded, see above', more, io, say);
  }
  return conclude('llama', run, io, say);
}

async function rehearse(why: string, more: readonly string[], io: DemoIo, say: Say): Promise<number> {
  say(`No model: the rehearsal provider steps in with made-up answers (${why}).`);
  return conclude('rehearsal', await runJob('rehearsal', more, io, say), io, say);
}

interface Run {
  exitCode: number;
  summary: JobSummary | null;
  /** The job was done before this run, which made no call. */
  wasComplete: boolean;
}

const outOf = (provider: Provider): string => join('stint-out', `spam-${provider}`);

/** The same code path as `stint generate`, its live line and its signals included. */
async function runJob(provider: Provider, more: readonly string[], io: DemoIo, say: Say): Promise<Run> {
  const out = outOf(provider);
  const before = await summaryOf(out, io);
  say();
  const { main } = await import('./main.ts');
  const job = join(SPAM, provider === 'llama' ? 'job.yaml' : 'job-rehearsal.yaml');
  const exitCode = await main(['generate', job, '--out', out, ...more]);
  const summary = await summaryOf(out, io);
  const wasComplete = before?.status === 'COMPLETED' && before.usage.calls === summary?.usage.calls;
  return { exitCode, summary, wasComplete };
}

async function conclude(provider: Provider, run: Run, io: DemoIo, say: Say): Promise<number> {
  const { exitCode, summary } = run;
  if (exitCode === 0 && summary) await showResult(summary, outOf(provider), provider, run.wasComplete, io, say);
  // What was refused has said so, and touched nothing.
  else if (summary && exitCode !== 2 && exitCode !== 4) say('\nWhat is finished is kept. Go on with: npm start');
  return exitCode;
}

/** The seed rows are made once: they are a copy of a development dependency, in a folder that git ignores. */
async function prepareSeeds(say: Say): Promise<void> {
  const { DEFAULT_FILE, makeSeeds } = (await import(pathToFileURL(join(SPAM, 'make-seeds.js')).href)) as {
    DEFAULT_FILE: string;
    makeSeeds: () => Promise<number>;
  };
  if (existsSync(DEFAULT_FILE)) return;
  const rows = await makeSeeds();
  say(`Seeds: ${rows.toLocaleString('en')} e-mails of the SpamAssassin corpus prepared.`);
}

async function summaryOf(out: string, io: DemoIo): Promise<JobSummary | null> {
  if (!existsSync(join(io.cwd, out, 'job.json'))) return null;
  const { status } = await import('@stint/runtime');
  const { body } = await status({ dir: out, env: io.env, cwd: io.cwd });
  return 'error' in body ? null : body;
}

async function showResult(
  s: JobSummary,
  out: string,
  provider: Provider,
  wasComplete: boolean,
  io: DemoIo,
  say: Say,
): Promise<void> {
  const dataset = s.exports.find((e) => e.format === 'JSONL');
  if (dataset) {
    const width = Math.min(160, io.stdout.columns ?? 100);
    const rows = await firstRows(join(io.cwd, out, dataset.path), ROWS_SHOWN);
    say(`\nThe dataset${s.records.ok > rows.length ? `, its first ${rows.length} of ${s.records.ok} rows` : ''}`);
    for (const line of mailTable(rows, width)) say(line);
  }
  const { settled, unknown, cap } = s.cost_usd;
  const perThousand = ((settled + unknown) / Math.max(1, s.records.ok)) * 1000;
  say('\nCost');
  say(
    `  ${usd(settled + unknown)}${cap === null ? '' : ` of the cap of ${usd(cap)}`}; ${usd(perThousand)} per 1,000 rows`,
  );
  say(
    `  ${s.usage.calls} calls, ${s.usage.input_tokens.toLocaleString('en')} tokens in, ` +
      `${s.usage.output_tokens.toLocaleString('en')} out, ${s.elapsed_s} s`,
  );
  say(
    provider === 'llama'
      ? '  at the price that examples/spam/job.yaml states; this machine itself charges nothing'
      : '  at the list price of the model that the rehearsal stands for; nothing was spent',
  );
  say('\nFiles');
  for (const e of s.exports) say(`  ${join(out, e.path)}  ${e.rows} rows, ${e.bytes.toLocaleString('en')} bytes`);
  if (existsSync(join(io.cwd, out, 'exports/report.html'))) say(`  ${join(out, 'exports/report.html')}  report`);
  const next = s.records.target * 2;
  if (wasComplete) say('\nThe job was complete already: no call was made.');
  say('\nTry next');
  const tips: [string, string][] = [
    [
      `npm start -- --num-records ${next}${provider === 'rehearsal' ? ' --rehearsal' : ''}`,
      `goes on to ${next} e-mails; what is done is not paid for again`,
    ],
    ['Ctrl-C while it runs', 'or kill -9: the same command goes on where it was'],
    [`npx stint verify ${out}`, 'checks every hash, count and prompt of the job'],
    ['npx stint plan examples/samples/poem/job.yaml', 'what a job would cost at most, before it runs'],
    ['npx stint generate examples/samples/poem/job.yaml', 'one of the other examples: examples/README.md'],
  ];
  const widest = Math.max(...tips.map(([command]) => command.length));
  for (const [command, what] of tips) say(`  ${command.padEnd(widest)}  ${what}`);
}

/** Small sums with two significant digits, larger ones in cents. */
function usd(amount: number): string {
  if (amount === 0 || amount >= 0.1) return `$${amount.toFixed(2)}`;
  return `$${amount.toFixed(Math.min(9, 1 - Math.floor(Math.log10(amount))))}`;
}
