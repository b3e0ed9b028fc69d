// SPDX-License-Identifier: Apache-2.0
import { accept, advance, beginRecord, canonical } from '@stint/core';
import type { DatasetRecord, RecordEnv, StopReason } from '@stint/core';
import { TemplateError } from '@stint/jinja';

/**
 * Makes a committed record again from seeds, template and its own answers, and tells where it differs: another seed row,
 * prompt, sample, computed value or parsed output. No model is called.
 */
export function replayRecord(env: RecordEnv, record: DatasetRecord): { prompts: number; problems: string[] } {
  const problems: string[] = [];
  let prompts = 0;
  if (record.id !== `${env.spec.job_id}-${record.index}`) problems.push(`its id is ${record.id}`);
  const work = beginRecord(env, record.index, record.attempt, []);
  if (work.seedIndex !== record.seed_index) {
    problems.push(`its seed_index is ${record.seed_index}, the job's seed gives ${work.seedIndex}`);
    return { prompts, problems };
  }
  try {
    for (let next = advance(env, work); next.type === 'call'; next = advance(env, work)) {
      const id = env.template.steps[work.step]?.id ?? '';
      const step = record.generation_result[id];
      if (!step) return { prompts, problems: [...problems, `step "${id}" is missing`] };
      prompts++;
      const turn = next.request.messages.findLast((m) => m.role === 'user')?.content;
      if (step.prompt !== turn) problems.push(`the prompt of step "${id}" is not the one that its seed row makes`);
      const verdict = accept(env, work, {
        text: step.output,
        model: step.model ?? '',
        stopReason: (step.stop_reason ?? 'stop') as StopReason,
        usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
        reported: true,
        costNanoUsd: 0,
        latencyMs: 0,
        atMs: 0,
      });
      if (verdict.type !== 'next') {
        return { prompts, problems: [...problems, `the output of step "${id}" is not one that its rules accept`] };
      }
    }
  } catch (e) {
    if (!(e instanceof TemplateError)) throw e;
    return { prompts, problems: [...problems, `its template fails: ${e.message}`] };
  }
  for (const [i, step] of env.template.steps.entries()) {
    const now = JSON.parse(work.outcomes[i]?.json ?? '{}') as Record<string, unknown>;
    const then = record.generation_result[step.id];
    if (!then) problems.push(`step "${step.id}" is missing`);
    else if (now['output'] !== then.output || now['skipped'] !== then.skipped) {
      problems.push(`the output of step "${step.id}" is not what its seed row makes`);
    } else if (canonical(now['json'] ?? null) !== canonical(then.json ?? null)) {
      problems.push(`the json of step "${step.id}" is not what its output says`);
    }
  }
  return { prompts, problems };
}
