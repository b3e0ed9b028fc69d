// SPDX-License-Identifier: Apache-2.0
// `stint export --format parquet` of many records against a bare COPY in order: the same DuckDB, the same rows, from one
// dataset.jsonl that is there already. The job is made by calls of uneven length, so its batch files lie mixed.
import { spawn } from 'node:child_process';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchFolder } from './job-folder.ts';
import { CLI, ended, startCli, startStub } from './processes.ts';
import { sampleProcess } from './sample-process.ts';
import type { Usage } from './sample-process.ts';
import type { Row } from './table.ts';

const COPY = fileURLToPath(new URL('bare-copy.ts', import.meta.url));
const EXPORT = fileURLToPath(new URL('export-only.ts', import.meta.url));
/** Runs of each, in turns. */
const TIMES = 4;

interface Timed extends Usage {
  /** From the start of the process to its end. */
  wholeS: number;
  stdout: string;
}

async function timed(args: readonly string[], codeCache: string): Promise<Timed> {
  const startedAt = performance.now();
  // The CLI keeps compiled code between its runs; so may the scripts.
  const env = { ...process.env, NODE_COMPILE_CACHE: codeCache };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const sampler = sampleProcess(child.pid ?? 0);
  let stdout = '';
  child.stdout.on('data', (d: Buffer) => (stdout += d.toString()));
  await ended(child);
  const wholeS = (performance.now() - startedAt) / 1000;
  const usage = sampler.stop();
  if (child.exitCode !== 0) throw new Error(`${args.join(' ')} failed: ${stdout}`);
  return { ...usage, wholeS, stdout };
}

/** Which run was the fastest. */
const best = (runs: readonly Timed[], seconds: (run: Timed) => number): number => Math.min(...runs.map(seconds));
const whole = (run: Timed): number => run.wholeS;
/** What a script says of its own work, without the start of its process. */
const inside = (run: Timed): number => Number(run.stdout);

export async function parquet(sizes: readonly number[]): Promise<Row[]> {
  const folder = benchFolder(1);
  const stub = await startStub({ latencyMs: 15, jitterMs: 15 });
  const rows: Row[] = [];
  let firstRss: number | undefined;
  try {
    const price = { input: 1, output: 2 };
    const models = { m: { provider: 'openai', base_url: stub.url, model: 'stub', max_tokens: 100, price } };
    for (const n of sizes) {
      const change = { num_records: n, models, budget_limit: 100_000, concurrency: 256 };
      const made = await startCli(folder.job(`p${n}`, change), folder.dir).done;
      if (made.code !== 0) throw new Error(made.stderr);
      const dir = join(folder.dir, `out-p${n}`);
      // An export of Parquet alone takes dataset.jsonl away.
      const jsonl = join(folder.dir, `dataset-${n}.jsonl`);
      copyFileSync(join(dir, 'exports/dataset.jsonl'), jsonl);
      const runs: { copy: Timed[]; cli: Timed[]; only: Timed[] } = { copy: [], cli: [], only: [] };
      const codeCache = join(folder.dir, 'code');
      for (let i = 0; i < TIMES; i++) {
        runs.copy.push(await timed([COPY, jsonl, join(folder.dir, 'bare.parquet')], codeCache));
        runs.cli.push(await timed([CLI, 'export', dir, '--format', 'parquet', '--json'], codeCache));
        runs.only.push(await timed([EXPORT, dir], codeCache));
      }
      rows.push(...rowsOf(n, runs, statSync(jsonl).size, (firstRss ??= peak(runs.cli))));
    }
    return rows;
  } finally {
    await stub.stop();
    folder.remove();
  }
}

const peak = (runs: readonly Timed[]): number => Math.max(...runs.map((r) => r.rssMb));

function rowsOf(
  n: number,
  { copy, cli, only }: Record<'copy' | 'cli' | 'only', readonly Timed[]>,
  bytes: number,
  firstRss: number,
): Row[] {
  const label = n.toLocaleString('en');
  const row = (what: string, ours: number, bare: number, note: string): Row => ({
    what: `${label} records to Parquet${what}`,
    ratio: ours / bare,
    goal: '≤ 1.2',
    reached: ours / bare <= 1.2,
    ours: `${ours.toFixed(2)} s`,
    other: `bare COPY ${bare.toFixed(2)} s`,
    note,
  });
  const rss = peak(cli);
  return [
    row('', best(cli, whole), best(copy, whole), `whole processes; dataset.jsonl ${(bytes / 1e6).toFixed(0)} MB`),
    row(', without start', best(only, inside), best(copy, inside), 'files checked, report made, manifest hashed'),
    row(
      ', processor',
      best(cli, (r) => r.cpuS),
      best(copy, (r) => r.cpuS),
      'all processes and threads',
    ),
    {
      what: `${label} records: memory`,
      ratio: rss / firstRss,
      goal: '≤ 400 MB, not growing',
      reached: rss <= 400 && rss <= firstRss * 1.1,
      ours: `${rss.toFixed(0)} MB`,
      other: `bare COPY ${peak(copy).toFixed(0)} MB`,
      note: `of the process group, highest of ${TIMES} runs`,
    },
  ];
}
