// SPDX-License-Identifier: Apache-2.0
import type { ReportData } from '@stint/core';
import { describe, expect, test } from 'vitest';
import { renderReport } from './render-report.ts';
import { ticks, usd } from './units.ts';

const HOSTILE = '</style><script>alert(1)</script><img src=x onerror=alert(1)>"\'&\u0000\ud800';
const step = (id: string): ReportData['steps'][number] => ({
  id,
  model: 'm1',
  calls: 30,
  inputTokens: 300,
  outputTokens: 150,
  costNanoUsd: 600_000,
  cutAtLength: 2,
  latencyMs: {
    p50: 100,
    p90: 180,
    p99: 250,
    max: 260,
    histogram: [
      { upToMs: 107.6, calls: 20 },
      { upToMs: 128, calls: 6 },
      { upToMs: 304, calls: 4 },
    ],
  },
});
const data = (change: Partial<ReportData> = {}): ReportData => ({
  jobId: 'job-abc',
  name: 'my job',
  status: 'COMPLETED',
  reason: null,
  createdAt: '2026-11-24T00:00:00Z',
  elapsedMs: 12_000,
  records: { target: 30, ok: 28, failed: 1, rejected: 4 },
  money: { capNanoUsd: 3_000_000, settledNanoUsd: 1_200_000, unknownNanoUsd: 100_000 },
  restNanoUsd: 90_000,
  costOverTime: [1, 2, 3, 4].map((i) => ({ atMs: 1_000_000 + i * 1000, nanoUsd: i * 325_000, calls: i * 10 })),
  steps: [step('ask'), step('answer')],
  calls: { settled: 60, unknown: 1 },
  rejects: [{ code: 'SCHEMA', count: 4 }],
  models: [{ alias: 'm', provider: 'openai', model: 'm1', priceSource: 'job file' }],
  ...change,
});
const EMPTY: Partial<ReportData> = {
  costOverTime: [],
  steps: [],
  rejects: [],
  models: [],
  elapsedMs: 0,
  records: { target: 1, ok: 0, failed: 0, rejected: 0 },
  calls: { settled: 0, unknown: 0 },
  money: { capNanoUsd: null, settledNanoUsd: 0, unknownNanoUsd: 0 },
  restNanoUsd: null,
};

/** Every tag that is opened is closed, in order. */
function balanced(page: string): void {
  const open: string[] = [];
  for (const [tag, slash, name = '', , self] of page
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .matchAll(/<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^">])*?)(\/?)>/g)) {
    if (['meta', 'br'].includes(name) || self) continue;
    if (slash) expect(open.pop(), tag).toBe(name);
    else open.push(name);
  }
  expect(open).toEqual([]);
}

describe('the report', () => {
  test.each([
    ['full', data()],
    ['empty', data(EMPTY)],
    ['one point', data({ costOverTime: [{ atMs: 5, nanoUsd: 10, calls: 1 }], steps: [step('x')] })],
    [
      'forty steps with long names',
      data({ steps: Array.from({ length: 40 }, (_, i) => step(`${'long'.repeat(40)}${i}`)) }),
    ],
    [
      'hostile',
      data({
        name: HOSTILE,
        reason: HOSTILE,
        status: 'FAILED',
        steps: [step(HOSTILE)],
        rejects: [{ code: HOSTILE, count: 1 }],
        models: [{ alias: HOSTILE, provider: HOSTILE, model: HOSTILE, priceSource: HOSTILE }],
      }),
    ],
  ])('%s: well-formed, self-contained, without numbers that are none', (_name, d) => {
    const page = renderReport(d);
    balanced(page);
    expect(page).not.toMatch(/<script|<img|onerror=alert\(1\)>"|https?:|url\(|@import/i);
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
    expect(page).toContain("default-src 'none'");
    expect(page.isWellFormed()).toBe(true);
  });

  test('shows the job’s own figures', () => {
    const page = renderReport(data({ status: 'BUDGET_EXCEEDED', reason: 'the cap is reached' }));
    for (const text of [
      '28 of 30',
      '$0.0013',
      'cap of $0.0030',
      '$0.000090',
      '600 / 300',
      '5.1 calls a second',
      'the cap is reached',
      'SCHEMA',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).toContain('charged at their worst case: $0.00010 more');
    expect(page).toContain('4 answers were cut off');
    expect(page).toContain('class="status bad"');
  });

  test('the cost curve climbs to the last sum, under the cap', () => {
    const page = renderReport(data());
    const path = /<path class="line" d="([^"]+)"/.exec(page)?.[1] ?? '';
    const heights = [...path.matchAll(/V([\d.]+)/g)].map((m) => Number(m[1]));
    expect(heights).toHaveLength(4);
    expect(heights).toEqual([...heights].sort((a, b) => b - a));
    const cap = Number(/<line class="cap"[^>]* y1="([\d.]+)"/.exec(page)?.[1]);
    expect(cap).toBeLessThan(heights.at(-1) ?? 0);
  });

  test('a job that cost nothing, or all in one moment, has no empty axes', () => {
    const chart = (nanoUsd: number): string =>
      renderReport(data({ costOverTime: [{ atMs: 5, nanoUsd, calls: 2 }] })).split('From calls')[0] ?? '';
    const free = chart(0);
    expect(free).toContain('Every call was free.');
    expect(free).not.toContain('class="axis"');
    const once = chart(900_000);
    const [, fromX = '', , toX = ''] =
      /<path class="line" d="M([\d.]+),([\d.]+)H[\d.]+V[\d.]+H([\d.]+)"/.exec(once) ?? [];
    expect(Number(toX)).toBeGreaterThan(Number(fromX) + 100);
    expect(once.match(/>0\.0 s</g)).toHaveLength(1);
  });

  test('a night between two runs takes no room', () => {
    const night = [1, 2, 3].map((i) => ({ atMs: i * 1000 + (i > 2 ? 36_000_000 : 0), nanoUsd: i, calls: i }));
    expect(renderReport(data({ costOverTime: night }))).not.toContain('10 h 0 min');
  });

  test('round axes and sums', () => {
    expect(ticks(0.9)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(ticks(0)).toEqual([0, 1]);
    expect([0, 1_300_000, 5e9, 1.5e12].map(usd)).toEqual(['$0.00', '$0.0013', '$5.00', '$1,500.00']);
  });
});
