// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { inFolder, taskParts } from './tasks.ts';

test('the measurements of container tasks run, each with a figure', { timeout: 120_000 }, async () => {
  const sizes = {
    inFlight: 40,
    ticks: 1,
    pollInterval: '1s',
    atAwsRates: 20,
    firstStates: 2,
    processes: 10,
    cliRuns: 1,
  };
  const rows = await inFolder((root) => Promise.all(taskParts.map((part) => part(sizes, root))));
  expect(rows.flat().map((r) => r.what)).toEqual([
    '40 tasks in flight: memory',
    '40 tasks in flight: processor',
    '40 tasks in flight: processor, every one changed and stored',
    '40 open tasks after kill -9',
    "20 tasks at AWS's rates",
    'submit to first state: alone',
    'submit to first state: beside others',
    'plain processes that do nothing',
    'stint task run --compute process: true',
  ]);
  for (const { ours } of rows.flat()) expect(ours).toMatch(/^-?[\d,.]+ /);
});
