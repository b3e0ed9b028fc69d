// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { linesOf } from '@stint/core';

/** What the demo shows of one record. */
export interface LabelledMail {
  index: number;
  label: string;
  reason: string;
  summary: string;
}

/** The first rows of a finished dataset of the spam example, at most `count`. */
export async function firstRows(datasetJsonl: string, count: number): Promise<LabelledMail[]> {
  const rows: LabelledMail[] = [];
  const input = createReadStream(datasetJsonl);
  try {
    for await (const line of linesOf(input)) {
      rows.push(mailOf(JSON.parse(Buffer.from(line).toString())));
      if (rows.length >= count) break;
    }
  } finally {
    input.destroy();
  }
  return rows;
}

interface Row {
  index: number;
  generation_result: { summary?: { output?: string }; label?: { json?: { label?: unknown; reason?: unknown } } };
}

function mailOf(value: unknown): LabelledMail {
  const { index, generation_result: steps } = value as Row;
  const label = steps.label?.json;
  return {
    index,
    label: typeof label?.label === 'string' ? label.label : '',
    reason: typeof label?.reason === 'string' ? label.reason : '',
    summary: steps.summary?.output ?? '',
  };
}

/** A table of at most `width` columns; what does not fit is cut. */
export function mailTable(rows: readonly LabelledMail[], width: number): string[] {
  const index = Math.max(1, ...rows.map((r) => String(r.index).length));
  const label = Math.max(5, ...rows.map((r) => r.label.length));
  // Two spaces before each column but the first; the reason gets at most a third of what is left.
  const left = Math.max(30, width - index - label - 6);
  const reason = Math.min(Math.max(6, ...rows.map((r) => oneLine(r.reason).length)), Math.floor(left / 3));
  const line = (a: string, b: string, c: string, d: string): string =>
    `${a.padStart(index)}  ${b.padEnd(label)}  ${cut(c, reason).padEnd(reason)}  ${cut(d, left - reason)}`.trimEnd();
  return [
    line('#', 'label', 'reason', 'summary'),
    ...rows.map((r) => line(String(r.index), r.label, r.reason, r.summary)),
  ];
}

/** Model text on a terminal: one line, and no control sequence reaches it. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\p{C}/gu, '').trim();
}

function cut(text: string, width: number): string {
  const line = oneLine(text);
  const characters = [...line];
  return characters.length <= width ? line : `${characters.slice(0, Math.max(1, width - 1)).join('')}…`;
}
