// SPDX-License-Identifier: Apache-2.0
import type { ReportData } from '@stint/core';
import { costChart } from './cost-chart.ts';
import { html, Html } from './html.ts';
import { latency, tokensPerStep, yieldFunnel } from './step-charts.ts';
import { STYLE } from './style.ts';
import { elapsed, usd, whole } from './units.ts';

/**
 * `exports/report.html`: one page that needs nothing else: no script, font or picture from anywhere, and its policy
 * forbids them. All text of users is escaped.
 */
export function renderReport(d: ReportData): string {
  const spent = d.money.settledNanoUsd + d.money.unknownNanoUsd;
  const sum = (pick: (s: ReportData['steps'][number]) => number): number => d.steps.reduce((n, s) => n + pick(s), 0);
  const calls = d.calls.settled + d.calls.unknown;
  const cut = sum((s) => s.cutAtLength);
  const { ok, target } = d.records;
  const tiles: [string, string][] = [
    [`${whole(ok)} of ${whole(target)}`, 'records'],
    [usd(spent), d.money.capNanoUsd === null ? 'cost, no cap' : `cost, of a cap of ${usd(d.money.capNanoUsd)}`],
    [ok > 0 ? usd((spent / ok) * 1000) : '–', 'per 1,000 records'],
    [`${whole(sum((s) => s.inputTokens))} / ${whole(sum((s) => s.outputTokens))}`, 'tokens in / out'],
    [elapsed(d.elapsedMs), d.elapsedMs > 0 ? `${(calls / (d.elapsedMs / 1000)).toFixed(1)} calls a second` : 'elapsed'],
  ];
  if (d.restNanoUsd !== null)
    tiles.splice(2, 0, [usd(d.restNanoUsd), 'for the records still missing, at the mean so far']);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="referrer" content="no-referrer" />
        <title>${d.name}: ${d.status}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>${d.name}</h1>
          <p>
            <span class="status ${d.status === 'COMPLETED' ? 'good' : 'bad'}">${d.status}</span>
            <span class="sub">${d.jobId}, created ${d.createdAt}</span>
          </p>
          ${d.reason === null ? null : html`<p class="reason">${d.reason}</p>`}
          <div class="tiles">
            ${tiles.map(([value, label]) => html`<div class="tile"><b>${value}</b><span>${label}</span></div>`)}
          </div>
        </header>
        <main>
          <h2>Cost over time</h2>
          ${costChart(d)}
          <h2>From calls to records</h2>
          ${yieldFunnel(d)}
          <h2>Tokens</h2>
          ${tokensPerStep(d.steps)}
          <h2>Latency of answers</h2>
          <div class="figures">${d.steps.map(latency)}</div>
          <h2>Steps</h2>
          ${table(
            ['step', 'model', 'answers', 'tokens in', 'tokens out', 'cost', 'cut at max_tokens'],
            d.steps.map((s) => [
              s.id,
              s.model,
              s.calls,
              s.inputTokens,
              s.outputTokens,
              usd(s.costNanoUsd),
              s.cutAtLength,
            ]),
          )}
          ${cut > 0 ? html`<p class="note">${whole(cut)} answers were cut off at max_tokens. They are kept unless the step says expect: { complete: true }.</p>` : null}
          ${d.calls.unknown > 0 ? html`<p class="note">Calls whose answer was lost are charged at their worst case: ${usd(d.money.unknownNanoUsd)} more.</p>` : null}
          ${
            d.rejects.length === 0
              ? null
              : html`<h2>Rejected attempts</h2>
                  ${table(
                    ['reason', 'attempts'],
                    d.rejects.map((r) => [r.code, r.count]),
                  )}`
          }
          <h2>Models</h2>
          ${table(
            ['alias', 'provider', 'model', 'price from'],
            d.models.map((m) => [m.alias, m.provider, m.model, m.priceSource]),
          )}
        </main>
      </body>
    </html> `;
  return page.text;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head.map((h, i) => (typeof rows[0]?.[i] === 'number' ? html`<th class="n">${h}</th>` : html`<th>${h}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => (typeof cell === 'number' ? html`<td class="n">${whole(cell)}</td>` : html`<td>${cell}</td>`))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
