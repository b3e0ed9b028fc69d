// SPDX-License-Identifier: Apache-2.0
import type { Answer, RecordWork } from './record.ts';

/** The next answer an earlier run paid for; null = none left; `gone` = that run began a later attempt. */
export function takeLogged(work: RecordWork): Answer | null | 'gone' {
  let later = false;
  for (const [i, call] of work.logged.entries()) {
    if (call.key.attempt > work.attempt) later = true;
    if (call.key.attempt !== work.attempt || call.key.step !== work.step || !call.answer || !call.usage) continue;
    work.logged.splice(i, 1);
    const { text, model, stopReason, latencyMs, atMs } = call.answer;
    const { usage, reported, costNanoUsd: cost } = call;
    return {
      text,
      model,
      stopReason: stopReason as Answer['stopReason'],
      latencyMs,
      atMs,
      usage,
      reported,
      costNanoUsd: cost,
    };
  }
  return later ? 'gone' : null;
}
