// SPDX-License-Identifier: Apache-2.0
import type { Reporter, TestModule } from 'vitest/node';

/** Counts of one run; a file that can't be loaded and an error outside of any test count as one failure each. */
export interface RunCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The closing line of a run, for people and for scripts. */
export function summaryLine(counts: RunCounts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

function count(modules: readonly TestModule[], unhandled: number): RunCounts {
  const counts: RunCounts = { passed: 0, failed: unhandled, skipped: 0 };
  for (const module of modules) {
    let failedHere = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      else if (state === 'skipped') counts.skipped += 1;
      else failedHere += 1;
    }
    // A suite hook or an import that throws fails the module without failing a test.
    if (!module.ok() && failedHere === 0) failedHere = 1;
    counts.failed += failedHere;
  }
  return counts;
}

/** Prints `N passed, N failed` as the very last line: after the coverage summary, which comes after the last hook. */
export default class SummaryReporter implements Reporter {
  private counts: RunCounts = { passed: 0, failed: 0, skipped: 0 };
  private hooked = false;

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: string): void {
    this.counts = count(modules, errors.length);
    if (reason !== 'passed' && this.counts.failed === 0) this.counts.failed = 1;
    if (this.hooked) return;
    this.hooked = true;
    process.once('exit', () => process.stdout.write(`${summaryLine(this.counts)}\n`));
  }
}
