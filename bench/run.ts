// SPDX-License-Identifier: Apache-2.0
// npm run bench [-- ROW...] [--long] [--write]: measures, prints a table; --write puts it into bench/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parquet } from './parquet.ts';
import { rate, rateCases } from './rates.ts';
import { tableOf } from './table.ts';
import type { Row } from './table.ts';
import { tasks } from './tasks.ts';
import { memory, templates, version, wholeJob } from './whole-jobs.ts';

const README = fileURLToPath(new URL('README.md', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { long: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});
const parts: Record<string, () => Row[] | Promise<Row[]>> = {
  version,
  templates,
  ...Object.fromEntries(rateCases.map((c) => [c.name.split(',')[0] ?? '', () => rate(c)])),
  job: wholeJob,
  memory: () => memory(values.long ? 1_000_000 : 200_000),
  parquet: () => parquet(values.long ? [500_000, 1_500_000] : [100_000, 300_000]),
  tasks: () => tasks(),
};
/** Only where it is named: it has a table of its own. */
const apart = 'tasks';
const unknown = positionals.filter((p) => !(p in parts));
if (unknown.length > 0) {
  process.stderr.write(`no such row: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}

const rows: Row[] = [];
for (const [name, measure] of Object.entries(parts)) {
  if (positionals.length > 0 ? !positionals.includes(name) : name === apart) continue;
  process.stderr.write(`${name} …\n`);
  rows.push(...(await measure()));
}
const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`;
const header = `${new Date().toISOString().slice(0, 10)}, \`${command}\`, Node ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model ?? ''})`;
const table = `${header}\n\n${tableOf(rows)}\n`;
process.stdout.write(`${table}\n`);
if (values.write) {
  const page = readFileSync(README, 'utf8');
  const where = positionals.length > 0 && positionals.every((name) => name === apart) ? 'task results' : 'results';
  const between = new RegExp(`(<!-- ${where} -->\\n)[\\s\\S]*?(<!-- /${where} -->)`);
  writeFileSync(
    README,
    page.replace(between, (_, start: string, end: string) => `${start}\n${table}\n${end}`),
  );
}
