// SPDX-License-Identifier: Apache-2.0

/** Numbers from 0 to 1 (mulberry32), the same for the same seed and stream. */
export function seededRandom(seed: number, stream: number): () => number {
  let state = (seed ^ Math.imul(stream + 1, 0x9e37_79b9)) >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
