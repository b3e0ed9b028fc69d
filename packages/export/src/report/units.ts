// SPDX-License-Identifier: Apache-2.0
import { grouped } from '@stint/core';

/** Nano-dollars as people read them: cents, or two digits of a smaller sum. */
export function usd(nanoUsd: number): string {
  const amount = nanoUsd / 1e9;
  if (amount === 0 || amount >= 0.1) return `$${grouped(amount, 2)}`;
  return `$${amount.toFixed(Math.min(9, Math.max(2, 1 - Math.floor(Math.log10(amount)))))}`;
}

export const whole = (n: number): string => grouped(n);

export function millis(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : elapsed(ms);
}

export function elapsed(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 60) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** At most `n` round numbers from 0 up to at least `most`. */
export function ticks(most: number, n = 4): number[] {
  if (!(most > 0)) return [0, 1];
  const raw = most / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((f) => f * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => i * step);
}
