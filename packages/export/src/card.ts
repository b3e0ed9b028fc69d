// SPDX-License-Identifier: Apache-2.0
import { grouped } from '@stint/core';
import type { JobSpec, ManifestFile, ReportData } from '@stint/core';

/** What a dataset card is made of. */
export interface CardData {
  spec: JobSpec;
  status: string;
  rows: number;
  /** Data files, partitions too. */
  files: readonly ManifestFile[];
  /** Column name to DuckDB type. */
  columns: Readonly<Record<string, string>>;
  clockIso: string;
  report?: ReportData | undefined;
}

const SIZES: [number, string][] = [
  [1e3, 'n<1K'],
  [1e4, '1K<n<10K'],
  [1e5, '10K<n<100K'],
  [1e6, '100K<n<1M'],
  [1e7, '1M<n<10M'],
  [1e8, '10M<n<100M'],
];

/**
 * `exports/README.md`: a dataset card as Hugging Face reads them. Whatever a user wrote is escaped: it can add neither
 * a front-matter key nor a table cell nor markup.
 */
export function renderCard(d: CardData): string {
  const { spec } = d;
  const about = spec.template.spec;
  const whole = d.files.filter((f) => !f.partition);
  const lines = [
    ...frontMatter(d, whole),
    `# ${md(spec.name)}`,
    '',
    ...(about.description === undefined ? [] : [md(about.description), '']),
    `${count(d.rows)} synthetic records, made by Stint ${md(spec.stint_version)} from a prompt template, seed data and language models.`,
    ...(d.status === 'COMPLETED' || d.status === 'RUNNING'
      ? []
      : ['', `**The job is ${md(d.status)}: this is what was committed, not the whole dataset.**`]),
    '',
    '## Files',
    '',
    ...table(
      ['file', 'format', 'rows', 'bytes', 'sha256'],
      whole.map((f) => [
        `\`${f.path.replace(/^exports\//, '')}\``,
        f.format,
        count(f.rows),
        count(f.bytes),
        `\`${f.sha256}\``,
      ]),
    ),
    ...partitions(d),
    '',
    '`manifest.json` names every file with its length and sha256; `stint verify` checks them and makes every prompt again.',
    '',
    '## Reading it',
    '',
    ...reading(whole),
    '## Columns',
    '',
    ...table(
      ['column', 'type'],
      Object.entries(d.columns).map(([name, type]) => [`\`${code(name)}\``, `\`${code(shorten(type))}\``]),
    ),
    '',
    'One member of `generation_result` for each step of the template:',
    '',
    ...table(
      ['step', 'kind', 'model'],
      about.steps.map((s) => {
        const alias = s.model ?? s.model_tier;
        const model = alias === undefined ? undefined : spec.models[alias];
        const kind =
          s.prompt === undefined ? (s.sample === undefined ? 'computed' : 'sampled') : s.output ? 'structured' : 'text';
        return [`\`${code(s.id)}\``, kind, model ? md(`${model.model} (${model.provider})`) : ''];
      }),
    ),
    '',
    '## How it was made',
    '',
    ...table(['', ''], made(d)),
    '',
    '## What to know',
    '',
    '- The text is a model’s. Nobody has read it all: it may be wrong, biased, or close to something that the model was trained on.',
    '- No licence is stated here. What you may do with the data depends on the models’ terms and on your seed data.',
    '',
  ];
  return lines.join('\n');
}

function frontMatter(d: CardData, whole: readonly ManifestFile[]): string[] {
  const data = whole.map((f) => f.path.replace(/^exports\//, ''));
  return [
    '---',
    `pretty_name: ${JSON.stringify(d.spec.name)}`,
    'size_categories:',
    `  - ${SIZES.find(([most]) => d.rows < most)?.[1] ?? '100M<n<1B'}`,
    'tags:',
    '  - synthetic',
    '  - stint',
    ...(data.length === 0 ? [] : ['configs:']),
    ...data.flatMap((file, i) => [
      `  - config_name: ${file.split('.').at(-1) ?? ''}`,
      `    data_files: ${JSON.stringify(file)}`,
      ...(i === 0 ? ['    default: true'] : []),
    ]),
    '---',
    '',
  ];
}

function partitions(d: CardData): string[] {
  const parts = d.files.filter((f) => f.partition);
  const field = parts[0]?.partition?.field;
  if (field === undefined) return [];
  const values = new Set(parts.map((f) => f.partition?.value)).size;
  return ['', `Also partitioned by ${md(field)}, ${count(values)} values, Hive style: \`partitioned/\`.`];
}

function reading(whole: readonly ManifestFile[]): string[] {
  const has = (format: string): boolean => whole.some((f) => f.format === format);
  const pandas = has('PARQUET')
    ? "pd.read_parquet('dataset.parquet')"
    : has('JSONL')
      ? "pd.read_json('dataset.jsonl', lines=True)"
      : "pd.read_csv('dataset.csv')";
  const file = has('PARQUET') ? 'dataset.parquet' : has('JSONL') ? 'dataset.jsonl' : 'dataset.csv';
  return [
    '```python',
    'import pandas as pd',
    `df = ${pandas}`,
    '```',
    '',
    '```sql',
    `SELECT * FROM '${file}' LIMIT 5;  -- DuckDB`,
    '```',
    '',
  ];
}

function made(d: CardData): string[][] {
  const { spec, report: r } = d;
  const rows = [
    ['job', `\`${spec.job_id}\`, ${md(d.status)}`],
    ['written', d.clockIso],
    [
      'template',
      `${md(spec.template.spec.name ?? spec.template.spec.id ?? spec.template.files[0]?.path ?? '')}, sha256 \`${spec.template.files[0]?.sha256 ?? ''}\``,
    ],
    ['seeds', `${count(spec.seeds.rows)} rows, sha256 \`${spec.seeds.sha256}\``],
    [
      'sampling',
      `${md(spec.sampling)}, job_seed ${spec.job_seed}, engine: sampling ${spec.engine.sampling}, templates ${spec.engine.templates}`,
    ],
  ];
  if (!r) return rows;
  const sum = (pick: (s: ReportData['steps'][number]) => number): number => r.steps.reduce((n, s) => n + pick(s), 0);
  const spent = (r.money.settledNanoUsd + r.money.unknownNanoUsd) / 1e9;
  rows.push(
    [
      'records',
      `${count(r.records.ok)} of ${count(r.records.target)}, ${count(r.records.failed)} given up, ${count(r.records.rejected)} attempts rejected`,
    ],
    [
      'tokens',
      `${count(sum((s) => s.inputTokens))} in, ${count(sum((s) => s.outputTokens))} out, ${count(r.calls.settled + r.calls.unknown)} calls`,
    ],
    [
      'cost',
      `$${spent.toFixed(spent < 0.01 ? 6 : 2)}${r.money.capNanoUsd === null ? '' : ` of a cap of $${r.money.capNanoUsd / 1e9}`}`,
    ],
  );
  return rows;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

const count = (n: number): string => grouped(n);

/** Text of users: one line, no markup, no table cell. */
function md(text: string): string {
  return oneLine(text).replace(/[\\`*_{}[\]<>()#+!|~&-]/g, '\\$&');
}

/** Inside a code span, which has no escapes: what would end it, or its cell, goes. */
const code = (text: string): string => oneLine(text).replaceAll('`', "'").replaceAll('|', '/');

function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}+|[\u2028\u2029]/gu, ' ')
    .trim()
    .slice(0, 2_000);
}

const shorten = (type: string): string => (type.length > 300 ? `${type.slice(0, 297)}...` : type);
