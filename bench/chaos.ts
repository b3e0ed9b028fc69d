// SPDX-License-Identifier: Apache-2.0
// npm run chaos -- [--kills 1000] [--seed N] [--records N] [--concurrency N]
import { parseArgs } from 'node:util';
import { chaosRun } from './chaos-run.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    records: { type: 'string', default: '400' },
    concurrency: { type: 'string', default: '16' },
  },
});
const started = performance.now();
const report = await chaosRun({
  kills: Number(values.kills),
  seed: Number(values.seed),
  records: Number(values.records),
  concurrency: Number(values.concurrency),
  budget: 100,
  onKill: (done) => {
    if (done % 10 === 0)
      process.stderr.write(`${done} kills, ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  },
});
const { killed, moments, finishedEarly, paidTwice, violations } = report;
process.stdout.write(
  `${killed} processes killed (${moments.starting} starting, ${moments.generating} generating, ${moments.exporting} exporting), ` +
    `${finishedEarly} finished before their kill\n` +
    `${paidTwice} calls paid twice (${(paidTwice / Math.max(1, killed)).toFixed(1)} per kill), $${report.spendUsd.toFixed(4)} spent\n` +
    (violations.length === 0
      ? 'every index exactly once, what was committed unchanged, prompts as in an undisturbed run, verify finds nothing\n'
      : `${violations.length} violations:\n${violations.map((v) => `  ${v}\n`).join('')}`),
);
process.exitCode = violations.length === 0 ? 0 : 1;
