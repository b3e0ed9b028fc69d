// SPDX-License-Identifier: Apache-2.0

export interface Row {
  what: string;
  /** Ours to the other; null where there is none. */
  ratio: number | null;
  goal: string;
  reached: boolean;
  ours: string;
  other: string;
  note: string;
}

/** A Markdown table, ratios first. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((r) => [
    r.what,
    r.ratio === null ? '' : r.ratio.toFixed(2),
    r.goal,
    r.reached ? 'yes' : '**no**',
    r.ours,
    r.other,
    r.note,
  ]);
  const all = [['what', 'ratio', 'goal', 'reached', 'Stint', 'against', 'recorded elsewhere'], ...cells];
  const widths = (all[0] ?? []).map((_, i) => Math.max(3, ...all.map((c) => (c[i] ?? '').length)));
  const line = (c: readonly string[]): string => `| ${c.map((x, i) => x.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [line(head), line(widths.map((w) => '-'.repeat(w))), ...body.map(line)].join('\n');
}
