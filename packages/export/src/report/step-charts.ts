// SPDX-License-Identifier: Apache-2.0
import type { ReportData } from '@stint/core';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { millis, whole } from './units.ts';

type Step = ReportData['steps'][number];

interface Bar {
  label: string;
  value: number;
  of?: string;
  kind: string;
}

/** Horizontal bars with their labels in text, so that they read as a list too. */
function bars(rows: readonly Bar[]): Html {
  const most = Math.max(1, ...rows.map((r) => r.value));
  return html`<div class="bars">
    ${rows.map(
      (r) =>
        html`<div class="bar">
          <span class="bar-label" title="${r.label}">${r.label}</span
          ><svg class="bar-track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect class="${r.kind}" x="0" y="0" height="10" width="${Math.round((1000 * r.value) / most) / 10}" /></svg
          ><span class="bar-value">${whole(r.value)}${r.of ?? ''}</span>
        </div>`,
    )}
  </div>`;
}

/** From calls to records. */
export function yieldFunnel(d: ReportData): Html {
  const { settled, unknown } = d.calls;
  const { ok, failed, rejected, target } = d.records;
  return bars([
    { label: 'calls paid for', value: settled + unknown, kind: 'neutral' },
    { label: 'answer lost', value: unknown, kind: 'bad' },
    { label: 'answers', value: settled, kind: 'neutral' },
    { label: 'attempts rejected', value: rejected, kind: 'bad' },
    { label: 'records given up', value: failed, kind: 'bad' },
    { label: 'records', value: ok, of: ` of ${whole(target)}`, kind: 'good' },
  ]);
}

export function tokensPerStep(steps: readonly Step[]): Html {
  if (steps.length === 0) return html`<p class="empty">No step calls a model.</p>`;
  return bars(
    steps.flatMap((s) => [
      { label: `${s.id}: in`, value: s.inputTokens, kind: 'in' },
      { label: `${s.id}: out`, value: s.outputTokens, kind: 'out' },
    ]),
  );
}

const [WIDTH, HEIGHT, FOOT] = [340, 110, 22];

/** Histogram of a step's answers, with a logarithmic scale of time. */
export function latency(step: Step): Html {
  const { histogram: h, p50, p90, p99, max } = step.latencyMs;
  const first = h[0];
  const last = h.at(-1);
  const title = `${step.id}: median ${millis(p50)}, 90 % within ${millis(p90)}, 99 % within ${millis(p99)}, longest ${millis(max)}`;
  if (!first || !last) return html`<figure><figcaption>${step.id}: no answer</figcaption></figure>`;
  // Buckets are a quarter of a power of two wide.
  const place = (ms: number): number => Math.log2(Math.max(1, ms)) * 4;
  const [from, to] = [place(first.upToMs) - 1, place(last.upToMs)];
  const wide = (WIDTH - 4) / Math.max(8, to - from);
  const most = Math.max(...h.map((b) => b.calls));
  const x = (ms: number): number => Math.round((2 + (place(ms) - from) * wide) * 10) / 10;
  const tall = (calls: number): number => Math.max(1, Math.round(((HEIGHT - FOOT - 4) * calls) / most));
  return html`<figure>
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
      <title>${title}</title>
      ${h.map((b) => html`<rect class="out" x="${Math.round((x(b.upToMs) - wide) * 10) / 10}" y="${HEIGHT - FOOT - tall(b.calls)}" width="${Math.max(1, Math.round((wide - 1) * 10) / 10)}" height="${tall(b.calls)}" />`)}
      <line class="grid" x1="0" x2="${WIDTH}" y1="${HEIGHT - FOOT}" y2="${HEIGHT - FOOT}" />
      <text class="axis" x="2" y="${HEIGHT - 6}">${millis(first.upToMs)}</text>
      <text class="axis" x="${Math.min(WIDTH - 2, x(last.upToMs))}" y="${HEIGHT - 6}" text-anchor="end">
        ${h.length > 4 ? millis(last.upToMs) : ''}
      </text>
    </svg>
  </figure>`;
}
