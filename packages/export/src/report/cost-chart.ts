// SPDX-License-Identifier: Apache-2.0
import type { ReportData } from '@stint/core';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { elapsed, ticks, usd } from './units.ts';

const [WIDTH, HEIGHT] = [720, 240];
const [LEFT, RIGHT, TOP, BOTTOM] = [74, 16, 14, 30];

/**
 * Spend over time, as steps, against the cap. Time between runs takes no room: a pause longer than a tenth of the time
 * at work is drawn as a gap of that length.
 */
export function costChart(d: ReportData): Html {
  const points = d.costOverTime;
  const last = points.at(-1);
  if (!last) return html`<p class="empty">No call was paid for.</p>`;
  if (last.nanoUsd === 0) return html`<p class="empty">Every call was free.</p>`;
  const times = withoutPauses(points.map((p) => p.atMs));
  const span = Math.max(1, times.at(-1) ?? 1);
  const cap = d.money.capNanoUsd;
  // A cap far above what was spent would press the curve flat; then it is told, not drawn.
  const drawCap = cap !== null && cap <= last.nanoUsd * 4;
  const marks = ticks(Math.max(last.nanoUsd, drawCap ? cap : 0));
  const most = marks.at(-1) ?? 1;
  const x = (ms: number): number => round(LEFT + ((WIDTH - LEFT - RIGHT) * ms) / span);
  const y = (nano: number): number => round(HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * nano) / most);
  const steps = points.map((p, i) => `H${x(times[i] ?? 0)}V${y(p.nanoUsd)}`);
  // A single moment is a step too.
  const line = `M${x(0)},${y(0)}${steps.join('')}H${x(span)}`;
  const note =
    cap !== null && !drawCap ? html`<p class="note">The cap of ${usd(cap)} is far above this picture.</p>` : null;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="cost-title">
      <title id="cost-title">
        Cost over time: ${usd(last.nanoUsd)} after ${elapsed(span)}${cap === null ? '' : ` of a cap of ${usd(cap)}`}
      </title>
      ${marks.map((m) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(m)}" y2="${y(m)}" /><text class="axis" x="${LEFT - 8}" y="${y(m) + 4}" text-anchor="end">${usd(m)}</text>`)}
      ${(span < 200 ? [0] : [0, 0.5, 1]).map((f) => html`<text class="axis" x="${x(span * f)}" y="${HEIGHT - 8}" text-anchor="${f === 0 ? 'start' : f === 1 ? 'end' : 'middle'}">${elapsed(span * f)}</text>`)}
      <path class="area" d="${line}V${y(0)}Z" />
      <path class="line" d="${line}" />
      ${drawCap ? html`<line class="cap" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(cap)}" y2="${y(cap)}" /><text class="cap-label" x="${WIDTH - RIGHT}" y="${y(cap) - 5}" text-anchor="end">cap ${usd(cap)}</text>` : null}</svg
    >${note}`;
}

function withoutPauses(at: readonly number[]): number[] {
  const gaps = at.map((t, i) => t - (at[i - 1] ?? t));
  const sorted = gaps.slice(1).sort((a, b) => a - b);
  const usual = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const longest = Math.max(10_000, usual * 10);
  let now = 0;
  return gaps.map((gap) => (now += Math.min(gap, longest)));
}

const round = (n: number): number => Math.round(n * 10) / 10;
