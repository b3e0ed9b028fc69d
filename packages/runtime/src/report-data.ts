// SPDX-License-Identifier: Apache-2.0
import type { CallLog, JobSpec, JobState, ReportData, RunOutcome, ScannedCall } from '@stint/core';

/** Upper bounds of the latency histogram, ms: a quarter of a power of two apart. */
const BOUNDS = Array.from({ length: 69 }, (_, i) => 2 ** (i / 4));
/** Points of the cost curve at most. */
const POINTS = 200;

interface StepTally {
  calls: number;
  inputTokens: number;
  outputTokens: number;
  costNanoUsd: number;
  cutAtLength: number;
  histogram: number[];
  maxMs: number;
}

/** Gathers what report and card show: one pass over the call log, memory independent of its length. */
export async function reportData(
  spec: JobSpec,
  state: JobState,
  end: RunOutcome,
  elapsedMs: number,
  log: CallLog,
  counts: { ok: number; failed: number; rejected: number },
  rejectCodes: ReadonlyMap<string, number>,
): Promise<ReportData> {
  const steps = spec.template.spec.steps;
  const tallies: StepTally[] = steps.map(() => ({
    calls: 0,
    inputTokens: 0,
    outputTokens: 0,
    costNanoUsd: 0,
    cutAtLength: 0,
    histogram: new Array<number>(BOUNDS.length).fill(0),
    maxMs: 0,
  }));
  const calls = { settled: 0, unknown: 0 };
  const curve = new CostCurve();
  await log.scan((call) => {
    if (call.state === 'SETTLED') calls.settled++;
    else if (call.state === 'UNKNOWN') calls.unknown++;
    if (call.state !== 'SETTLED' && call.state !== 'UNKNOWN') return;
    curve.add(call.atMs, call.costNanoUsd);
    const tally = tallies[call.step];
    if (tally && call.state === 'SETTLED') count(tally, call);
  });
  const totals = await log.totals();
  const missing = state.limits.numRecords - counts.ok;
  return {
    jobId: spec.job_id,
    name: spec.name,
    status: end.status,
    reason: end.reason?.message ?? null,
    createdAt: spec.created_at,
    elapsedMs,
    records: { target: state.limits.numRecords, ...counts },
    money: {
      capNanoUsd: state.limits.budgetNanoUsd,
      settledNanoUsd: totals.settledNanoUsd,
      unknownNanoUsd: totals.unknownNanoUsd,
    },
    restNanoUsd: missing > 0 && counts.ok > 0 ? Math.ceil((totals.settledNanoUsd / counts.ok) * missing) : null,
    costOverTime: curve.points(),
    steps: steps.flatMap((step, i) => {
      const t = tallies[i];
      if (step.prompt === undefined || !t) return [];
      const { histogram, maxMs, ...sums } = t;
      return [
        {
          id: step.id,
          model: spec.models[step.model ?? step.model_tier ?? '']?.model ?? '',
          ...sums,
          latencyMs: {
            p50: quantile(t, 0.5),
            p90: quantile(t, 0.9),
            p99: quantile(t, 0.99),
            max: Math.round(maxMs),
            histogram: BOUNDS.map((upToMs, k) => ({ upToMs, calls: histogram[k] ?? 0 })).filter((b) => b.calls > 0),
          },
        },
      ];
    }),
    calls,
    rejects: [...rejectCodes].map(([code, n]) => ({ code, count: n })).sort((a, b) => b.count - a.count),
    models: Object.entries(spec.models).map(([alias, m]) => ({
      alias,
      provider: m.provider,
      model: m.model,
      priceSource: m.price.source,
    })),
  };
}

function count(t: StepTally, call: ScannedCall): void {
  t.calls++;
  t.inputTokens += call.inputTokens;
  t.outputTokens += call.outputTokens;
  t.costNanoUsd += call.costNanoUsd;
  if (call.stopReason === 'length') t.cutAtLength++;
  t.maxMs = Math.max(t.maxMs, call.latencyMs);
  const bucket = Math.min(BOUNDS.length - 1, Math.ceil(Math.log2(Math.max(1, call.latencyMs)) * 4));
  t.histogram[bucket] = (t.histogram[bucket] ?? 0) + 1;
}

function quantile(t: StepTally, q: number): number {
  let left = Math.ceil(t.calls * q);
  for (const [i, n] of t.histogram.entries()) {
    left -= n;
    if (left <= 0) return Math.round(Math.min(t.maxMs, BOUNDS[i] ?? t.maxMs));
  }
  return Math.round(t.maxMs);
}

/** Sums by time slot; when there are too many slots, they become twice as long. */
class CostCurve {
  #slotMs = 100;
  #slots = new Map<number, { nanoUsd: number; calls: number }>();

  add(atMs: number, nanoUsd: number): void {
    this.#put(Math.floor(atMs / this.#slotMs), nanoUsd, 1);
    while (this.#slots.size > POINTS) {
      const old = this.#slots;
      this.#slots = new Map();
      this.#slotMs *= 2;
      for (const [slot, s] of old) this.#put(Math.floor(slot / 2), s.nanoUsd, s.calls);
    }
  }

  #put(slot: number, nanoUsd: number, calls: number): void {
    const s = this.#slots.get(slot);
    if (s) {
      s.nanoUsd += nanoUsd;
      s.calls += calls;
    } else this.#slots.set(slot, { nanoUsd, calls });
  }

  points(): ReportData['costOverTime'] {
    let nanoUsd = 0;
    let calls = 0;
    return [...this.#slots]
      .sort((a, b) => a[0] - b[0])
      .map(([slot, s]) => {
        nanoUsd += s.nanoUsd;
        calls += s.calls;
        return { atMs: (slot + 1) * this.#slotMs, nanoUsd, calls };
      });
  }
}
