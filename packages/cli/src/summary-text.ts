// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { JobSummary } from '@stint/runtime';
import { bytes, duration, table, usd, whole } from './format.ts';

/** A job's summary for people. */
export function summaryText(s: JobSummary): string {
  const { records: r, cost_usd: c, usage: u } = s;
  const records = [`${whole(r.ok)} of ${whole(r.target)}`];
  if (r.failed > 0) records.push(`${whole(r.failed)} failed`);
  if (r.rejected > 0) records.push(`${whole(r.rejected)} rejected attempts`);
  const cost = [`${usd(c.settled + c.unknown)}${c.cap === null ? '' : ` of ${usd(c.cap)}`}`];
  if (c.unknown > 0) cost.push(`${usd(c.unknown)} of it for calls whose answer was lost`);
  if (c.held > 0) cost.push(`${usd(c.held)} held`);
  const rows: string[][] = [
    ['status', s.status],
    ['records', records.join(', ')],
    ['cost', cost.join(', ')],
    ['calls', `${whole(u.calls)}, ${whole(u.input_tokens)} tokens in, ${whole(u.output_tokens)} out`],
    ['time', duration(s.elapsed_s)],
  ];
  for (const [i, e] of s.exports.entries()) {
    rows.push([i === 0 ? 'files' : '', `${join(s.out, e.path)}  ${whole(e.rows)} rows, ${bytes(e.bytes)}`]);
  }
  if (s.exports.length > 0) rows.push(['report', join(s.out, 'exports/report.html')]);
  const why = s.reason === null ? '' : `  ${s.reason.message}\n${s.reason.hint === null ? '' : `  ${s.reason.hint}\n`}`;
  return `${s.job_id}\n${table(rows)}${why}`;
}
