// SPDX-License-Identifier: Apache-2.0
import { compileValidator, encodeUtf8 } from '@stint/core';
import type { CompiledTemplate, JobSpec, RecordEnv, Sampling, SeedSource } from '@stint/core';
import { seedWeight } from './seed-weight.ts';

/** Everything the record machine needs of a frozen job. */
export async function recordEnv(spec: JobSpec, template: CompiledTemplate, seeds: SeedSource): Promise<RecordEnv> {
  const validators = await Promise.all(
    template.steps.map((step) => (step.kind === 'model' ? compileValidator(step) : Promise.resolve(null))),
  );
  return {
    spec,
    template,
    validators,
    extraBytes: template.steps.map((s) => jsonBytes(s.schema) + jsonBytes(spec.models[s.alias ?? '']?.extra_body)),
    seeds,
    sampling: samplingOf(spec, seeds),
  };
}

const jsonBytes = (value: unknown): number => (value === undefined ? 0 : encodeUtf8(JSON.stringify(value)).length);

/** `weighted(field)` needs every row's weight once; the rest is a pure function of the index. */
function samplingOf(spec: JobSpec, seeds: SeedSource): Sampling {
  if (spec.sampling === 'shuffle' || spec.sampling === 'random' || spec.sampling === 'sequential') return spec.sampling;
  const field = /^weighted\((.+)\)$/.exec(spec.sampling)?.[1] ?? '';
  const cumulativeWeights = new Float64Array(seeds.rows);
  let sum = 0;
  for (let i = 0; i < seeds.rows; i++) {
    // The intake has checked that every row has one, and that they are not all 0.
    sum += seedWeight(seeds.row(i), field) ?? 0;
    cumulativeWeights[i] = sum;
  }
  return { cumulativeWeights };
}
