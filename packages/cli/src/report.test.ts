// SPDX-License-Identifier: Apache-2.0
// A job in trouble: what its report and its card say must be what the summary says, and what the server saw.
import { readFileSync } from 'node:fs';
import { startStubModelServer } from '@stint/contracts/stub-model-server';
import { expect, test } from 'vitest';
import { jobFile, runCli, summaryOf, TOPICS, workbench } from '../testing/workbench.ts';

test('report and card say the sums of the summary, lost calls and refused ones included', async () => {
  const bench = workbench();
  const bad = { pattern: 'Ask something about topic [12] ', text: '{"n":' };
  const lost = { reset: 'none' } as const;
  const stub = await startStubModelServer({
    price: { input: 1, output: 2 },
    script: [lost, { status: 500 }],
    badFor: [bad],
  });
  const output = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
  bench.yaml('template.yaml', {
    template: {
      id: 'two',
      steps: [
        { id: 'ask', model: 'm', prompt: 'Ask something about {{ topic }} ({{ record.index }}).', output },
        { id: 'answer', model: 'm', prompt: 'Answer: {{ steps.ask.output }}' },
      ],
    },
  });
  bench.write('seeds.jsonl', TOPICS);
  bench.yaml(
    'job.yaml',
    jobFile(stub.url, { num_records: 8, sampling: 'sequential', max_attempts: 2, concurrency: 3 }),
  );
  const s = summaryOf(await runCli(['generate', 'job.yaml', '--out', 'out', '--json'], { cwd: bench.dir }));
  expect(s).toMatchObject({ status: 'COMPLETED', records: { ok: 8, failed: 2, rejected: 4 } });
  expect(s.cost_usd.unknown).toBeGreaterThan(0);
  expect(s.usage.calls).toBe(stub.stats().accepted);

  const page = readFileSync(bench.path('out/exports/report.html'), 'utf8');
  const bar = (label: string): string =>
    new RegExp(`title="${label}"[\\s\\S]*?<span class="bar-value">([^<]*)</span>`).exec(page)?.[1] ?? 'no such bar';
  expect({
    calls: bar('calls paid for'),
    lost: bar('answer lost'),
    answers: bar('answers'),
    rejected: bar('attempts rejected'),
    failed: bar('records given up'),
    ok: bar('records'),
  }).toEqual({
    calls: String(s.usage.calls),
    lost: '1',
    answers: String(s.usage.calls - 1),
    rejected: '4',
    failed: '2',
    ok: '8 of 8',
  });
  expect(page).toContain(`<b>${s.usage.input_tokens} / ${s.usage.output_tokens}</b>`);
  const sum = (step: string): number => Number(bar(`${step}: in`)) + Number(bar(`${step}: out`));
  expect(sum('ask') + sum('answer')).toBe(s.usage.input_tokens + s.usage.output_tokens);

  const card = readFileSync(bench.path('out/exports/README.md'), 'utf8');
  expect(card).toContain(
    `| tokens | ${s.usage.input_tokens} in, ${s.usage.output_tokens} out, ${s.usage.calls} calls |`,
  );
  expect(card).toContain('8 of 8, 2 given up, 4 attempts rejected');
  expect(card).toContain(`$${(s.cost_usd.settled + s.cost_usd.unknown).toFixed(6)} of a cap of $1`);
  await stub.close();
  bench.dispose();
});
