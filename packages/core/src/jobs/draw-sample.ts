// SPDX-License-Identifier: Apache-2.0
import { PyFloat } from '@stint/jinja';
import type { SampleSpec } from '../formats/job.ts';
import type { Draws } from './sampling.ts';
import { parseUtcDate } from './utc-date.ts';

/** Draws the value of a `sample` step, as template data (floats stay floats: 2.0 is a PyFloat). */
export function drawSample(spec: SampleSpec, draws: Draws): string | number | boolean | PyFloat {
  switch (spec.type) {
    case 'category':
      return spec.values[pick(spec.values.length, spec.weights, draws)] ?? '';
    case 'uniform':
      return asFloat(rounded(spec.low + draws.unit() * (spec.high - spec.low), spec.decimals));
    case 'normal':
      return asFloat(rounded(spec.mean + spec.stddev * standardNormal(draws), spec.decimals));
    case 'integer':
      return spec.low + draws.below(spec.high - spec.low + 1);
    case 'uuid':
      return uuid(draws);
    case 'datetime': {
      const from = parseUtcDate(spec.start);
      const to = parseUtcDate(spec.end);
      return new Date(from + Math.floor(draws.unit() * (to - from))).toISOString();
    }
  }
}

function pick(n: number, weights: readonly number[] | undefined, draws: Draws): number {
  if (!weights) return draws.below(n);
  const total = weights.reduce((a, b) => a + b, 0);
  let left = draws.unit() * total;
  for (const [i, w] of weights.entries()) {
    left -= w;
    if (left < 0) return i;
  }
  return weights.findLastIndex((w) => w > 0);
}

const rounded = (x: number, decimals: number | undefined): number =>
  decimals === undefined ? x : Number(x.toFixed(decimals));

const asFloat = (x: number): number | PyFloat => (Number.isInteger(x) ? new PyFloat(x) : x);

/** Box-Muller; 1 - u keeps the logarithm finite. */
const standardNormal = (draws: Draws): number =>
  Math.sqrt(-2 * Math.log(1 - draws.unit())) * Math.cos(2 * Math.PI * draws.unit());

function uuid(draws: Draws): string {
  const hex = Array.from({ length: 32 }, (_, i) => {
    if (i === 12) return '4';
    return (i === 16 ? 8 + draws.below(4) : draws.below(16)).toString(16);
  }).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
