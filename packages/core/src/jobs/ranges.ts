// SPDX-License-Identifier: Apache-2.0

/** Inclusive, ascending, not touching. */
export type Ranges = [number, number][];

/** Ascending numbers as ranges; repeated ones count once. */
export function rangesOf(ascending: Iterable<number>): Ranges {
  const out: Ranges = [];
  for (const n of ascending) {
    const last = out.at(-1);
    if (last && n <= last[1] + 1) last[1] = Math.max(last[1], n);
    else out.push([n, n]);
  }
  return out;
}

export function unionOf(a: Ranges, b: Ranges): Ranges {
  const all = [...a, ...b].sort((x, y) => x[0] - y[0]);
  const out: Ranges = [];
  for (const [from, to] of all) {
    const last = out.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

export function countOf(ranges: Ranges): number {
  return ranges.reduce((n, [from, to]) => n + to - from + 1, 0);
}

export function contains(ranges: Ranges, n: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const r = ranges[middle];
    if (!r || n < r[0]) high = middle - 1;
    else if (n > r[1]) low = middle + 1;
    else return true;
  }
  return false;
}
