// SPDX-License-Identifier: Apache-2.0

/** Everything the dataset card and the HTML report show, gathered from the call log and the checkpoints. */
export interface ReportData {
  jobId: string;
  name: string;
  status: string;
  reason: string | null;
  createdAt: string;
  elapsedMs: number;
  records: { target: number; ok: number; failed: number; rejected: number };
  money: { capNanoUsd: number | null; settledNanoUsd: number; unknownNanoUsd: number };
  /** What the records still missing would cost at the mean so far; null when nothing is missing or known. */
  restNanoUsd: number | null;
  /** Spend (settled + unknown) over time, ascending; `atMs` is epoch ms. At most some hundred points. */
  costOverTime: { atMs: number; nanoUsd: number; calls: number }[];
  /** Per model step, in template order. */
  steps: {
    id: string;
    model: string;
    calls: number;
    inputTokens: number;
    outputTokens: number;
    costNanoUsd: number;
    cutAtLength: number;
    /** Latency in ms of settled calls. */
    latencyMs: { p50: number; p90: number; p99: number; max: number; histogram: { upToMs: number; calls: number }[] };
  }[];
  /**
   * Calls that are, or may have been, billed. RELEASED rows of the log are left out: most of them were never calls, but
   * money set aside for steps that did not run.
   */
  calls: { settled: number; unknown: number };
  /** Reject reasons with counts, most frequent first. */
  rejects: { code: string; count: number }[];
  models: { alias: string; provider: string; model: string; priceSource: string }[];
}
