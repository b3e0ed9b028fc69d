// SPDX-License-Identifier: Apache-2.0
import type { Plan, TemplateCheck, TemplateRender, VerifyResult } from '@stint/runtime';
import { duration, table, usd, whole } from './format.ts';

export function verifyText(v: VerifyResult): string {
  const { checked: c } = v;
  const seen =
    `${whole(c.records)} records, ${whole(c.prompts)} prompts, ${c.batches} batch files, ` +
    `${c.shards} checkpoints, ${whole(c.rejects)} rejects, ${c.exports} export files`;
  if (v.ok) return `${v.job_id}: all is as committed\n  ${seen}\n`;
  const rows = v.damage.map((d) => [d.check, d.file, d.message]);
  return (
    `${v.job_id}: damage found\n${table(rows)}` +
    (v.truncated ? '  and more\n' : '') +
    `  checked: ${seen}\n  Restore the files from a copy; \`stint export\` writes exports again.\n`
  );
}

export function planText(p: Plan): string {
  const rows: string[][] = [
    ['records', `${whole(p.records)}, ${p.calls_per_record} calls each, seeds: ${whole(p.seeds.rows)} rows`],
    [
      'at most',
      `${usd(p.worst_case.total)}, ${usd(p.worst_case.per_record)} for the dearest of ${whole(p.worst_case.sampled)} records looked at; rejected attempts come on top`,
    ],
  ];
  if (p.budget_limit !== null) {
    const n = p.worst_case.records_affordable ?? 0;
    rows.push(['cap', `${usd(p.budget_limit)}, enough for ${whole(n)} records at their worst`]);
  }
  for (const m of p.models) {
    const { input, output } = m.price_usd_per_million;
    const where =
      m.host === null ? 'in this process' : `to ${m.host}${m.key === null ? ', no key' : `, key: ${m.key}`}`;
    rows.push([`model ${m.alias}`, `${m.provider} ${m.model}, ${where}`]);
    rows.push(['', `$${input} in, $${output} out per million tokens (${m.price_source})`]);
  }
  if (p.pilot) {
    const { expected: e, per_record: r } = p.pilot;
    rows.push(['pilot', `${whole(p.pilot.records)} records for ${usd(p.pilot.cost)}, kept in ${p.pilot.out}`]);
    rows.push(['expected', `${usd(e.mean)} (95 %: ${usd(e.low)} to ${usd(e.high)}), ${usd(r.mean)} per record`]);
    rows.push(['time', `${duration(p.pilot.expected_elapsed_s)} at the pilot's pace`]);
    if (p.pilot.records_affordable !== null) {
      rows.push(['affordable', `${whole(p.pilot.records_affordable)} records under the cap`]);
    }
  }
  const warnings = p.warnings.map((w) => `  warning: ${w}\n`).join('');
  return `${p.name}\n${table(rows)}${warnings}`;
}

export function templateText(t: TemplateCheck): string {
  const rows = [
    ...t.steps.map((s, i) => [i === 0 ? 'steps' : '', `${s.id} (${s.model === null ? s.kind : `model ${s.model}`})`]),
    ['needs', t.required.length === 0 ? 'no seed field' : t.required.join(', ')],
    ...(t.optional.length === 0 ? [] : [['may use', t.optional.join(', ')]]),
    ['files', t.files.join(', ')],
  ];
  return `${t.template}: fine\n${table(rows)}${t.warnings.map((w) => `  warning: ${w}\n`).join('')}`;
}

/** With one step only what it sends, exactly, so that it can be piped. */
export function renderText(r: TemplateRender, oneStep: boolean): string {
  const [only] = r.steps;
  if (oneStep && only) return only.messages?.map((m) => m.content).join('\n\n') ?? `${only.output}\n`;
  return r.steps
    .map((s) => {
      if (s.skipped) return `== ${s.id}: skipped\n`;
      if (!s.messages) return `== ${s.id}: ${s.kind}\n${s.output}\n`;
      return s.messages
        .map((m) => `== ${s.id}: ${m.role}\n${m.content}${m.content.endsWith('\n') ? '' : '\n'}`)
        .join('');
    })
    .join('\n');
}
