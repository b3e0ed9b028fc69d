// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { ExpectStatic } from 'vitest';
import { hostAttempts as objectAttempts, resourceAttempts } from '../testing/escape-attempts.ts';
import type { Attempt } from '../testing/attempt.ts';
import type { Report } from '../testing/escape-child.ts';
import { valueHostAttempts } from '../testing/host-attempts.ts';
import { wasteAttempts } from '../testing/waste-attempts.ts';

const run = promisify(execFile);
const hostAttempts = { ...objectAttempts, ...valueHostAttempts };
const CHILD = fileURLToPath(new URL('../testing/escape-child.ts', import.meta.url));
const MAX_CPU_MS = 1000;
const MAX_EXTRA_BYTES = 64 * 1024 * 1024;

async function reportsOf(names: string[]): Promise<Report[]> {
  const { stdout } = await run(process.execPath, [CHILD, ...names], { timeout: 20_000, maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as Report[];
}

function isHarmless(report: Report | undefined, { ends }: Attempt, expectHere: ExpectStatic): void {
  if (!report) throw new Error('the attempt was not made');
  expectHere(report.error?.isTemplateError ?? true, report.error?.message).toBe(true);
  expectHere(report.cpuMs).toBeLessThan(MAX_CPU_MS);
  expectHere(report.extraBytes).toBeLessThan(MAX_EXTRA_BYTES);
  if ('kind' in ends) {
    expectHere(report.error).toMatchObject({ kind: ends.kind });
    expectHere(report.error?.line).toBeGreaterThan(0);
  }
  if ('text' in ends) expectHere(report.text).toBe(ends.text);
}

describe('a template does not reach the host, within 1 s and 64 MB', () => {
  // One process for all: its peak only grows, so that it bounds each of them.
  const reports = reportsOf(Object.keys(hostAttempts));
  test.for(Object.entries(hostAttempts).map(([name, attempt], i) => ({ name, attempt, i })))(
    '$name',
    async ({ attempt, i }, { expect: expectHere }) => {
      isHarmless((await reports)[i], attempt, expectHere);
    },
  );
});

describe('a wasteful template fails as a template error or does no harm, within 1 s and 64 MB', () => {
  // A process for each, so that the peak of one does not hide in that of another.
  test.concurrent.for(Object.entries({ ...resourceAttempts, ...wasteAttempts }))(
    '%s',
    async ([name, attempt], { expect: expectHere }) => {
      const [report] = await reportsOf([name]);
      isHarmless(report, attempt, expectHere);
    },
  );
});

test('the measure sees what an attempt takes', async () => {
  const [report] = await reportsOf(['a list repeated to the limit']);
  expect(report?.text).toBe('1000000');
  expect(report?.extraBytes).toBeGreaterThan(6 * 1024 * 1024);
});
