// SPDX-License-Identifier: Apache-2.0
import { nanoToUsd, SHARD_SIZE, usdToNearestNano } from '@stint/core';
import type { CallLog, DatasetRecord, JobSpec, RejectRow, StepResult, StoredCall } from '@stint/core';

const attemptKey = (index: number, attempt: number): string => `${index}/${attempt}`;

/** The answered calls that the log knows of one shard: two accounts of the same calls, the log's and the records', must agree. */
export class PaidCalls {
  readonly #byAttempt = new Map<string, StoredCall[]>();

  static async ofShard(log: CallLog, shard: number): Promise<PaidCalls> {
    const paid = new PaidCalls();
    for (const call of await log.calls(shard * SHARD_SIZE, (shard + 1) * SHARD_SIZE - 1)) {
      if (call.state !== 'SETTLED') continue;
      const key = attemptKey(call.key.index, call.key.attempt);
      const calls = paid.#byAttempt.get(key);
      if (calls) calls.push(call);
      else paid.#byAttempt.set(key, [call]);
    }
    return paid;
  }

  /** Where the record and the log differ, in words. */
  problemsOf(spec: JobSpec, record: DatasetRecord): string[] {
    const calls = this.#byAttempt.get(attemptKey(record.index, record.attempt)) ?? [];
    const steps = spec.template.spec.steps;
    if (wasLost(calls)) return costProblem(calls, costOf(record));
    const problems = steps.flatMap(({ id }, position) => {
      const result = record.generation_result[id];
      const mine = calls.filter((c) => c.key.step === position);
      return result && tells(mine, result) ? [] : [`its calls of step "${id}" are not those that the record tells of`];
    });
    const last = calls.at(-1);
    if (last && new Date(last.atMs).toISOString() !== record.timestamp) {
      problems.push(`its last answer was not at ${record.timestamp}, as the record says`);
    }
    return problems;
  }

  /** The same for a rejected attempt, whose answers are not kept one by one. */
  problemsOfReject(reject: RejectRow): string[] {
    const calls = this.#byAttempt.get(attemptKey(reject.index, reject.attempt)) ?? [];
    return costProblem(calls, usdToNearestNano(reject.cost_usd));
  }
}

/** Cost of a record by its own account, nano-dollars. */
export function costOf(record: DatasetRecord): number {
  return Object.values(record.generation_result).reduce((n, s) => n + usdToNearestNano(s.cost_usd ?? 0), 0);
}

/** True where rows were lost with the machine's power, and the record was charged by its own cost instead. */
const wasLost = (calls: readonly StoredCall[]): boolean => calls.some((c) => c.key.try === 0);

function costProblem(calls: readonly StoredCall[], cost: number): string[] {
  const logged = calls.reduce((n, c) => n + c.costNanoUsd, 0);
  if (logged === cost) return [];
  return [`it says that $${nanoToUsd(logged)} were paid, the row says $${nanoToUsd(cost)}`];
}

/** The calls of a step, ascending by try, against what the record says of it. */
function tells(calls: readonly StoredCall[], step: StepResult): boolean {
  const sum = (pick: (c: StoredCall) => number | undefined): number => calls.reduce((n, c) => n + (pick(c) ?? 0), 0);
  const last = calls.at(-1);
  return (
    calls.length === (step.model === undefined ? 0 : (step.tries ?? 1)) &&
    sum((c) => c.costNanoUsd) === usdToNearestNano(step.cost_usd ?? 0) &&
    sum((c) => c.usage?.inputTokens) === (step.usage?.input_tokens ?? 0) &&
    sum((c) => c.usage?.outputTokens) === (step.usage?.output_tokens ?? 0) &&
    sum((c) => c.usage?.cacheReadTokens) === (step.usage?.cache_read_tokens ?? 0) &&
    sum((c) => c.usage?.cacheWriteTokens) === (step.usage?.cache_write_tokens ?? 0) &&
    calls.every((c) => c.reported) === (step.usage_reported ?? true) &&
    (!last || (last.stopReason === step.stop_reason && Math.round(last.latencyMs ?? 0) === step.latency_ms))
  );
}
