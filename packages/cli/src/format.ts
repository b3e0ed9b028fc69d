// SPDX-License-Identifier: Apache-2.0
import { grouped } from '@stint/core/base';

/** Dollars: cents, or as many digits as a small sum needs to show two of them. */
export function usd(amount: number): string {
  if (amount === 0 || amount >= 0.1) return `$${amount.toFixed(2)}`;
  return `$${amount.toFixed(Math.min(9, Math.max(2, 1 - Math.floor(Math.log10(amount)))))}`;
}

export const whole = (n: number): string => grouped(n);

/** 1234567 as "1.2M". */
export function short(n: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (n >= size) return `${(n / size).toFixed(n >= 100 * size ? 0 : 1)}${unit}`;
  }
  return String(Math.round(n));
}

/** Seconds as people say them: "12 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  for (const [unit, size] of [
    ['kB', 1e3],
    ['MB', 1e6],
  ] as const) {
    if (n < size * 1000) return `${(n / size).toFixed(1)} ${unit}`;
  }
  return `${(n / 1e9).toFixed(1)} GB`;
}

/** Lines of "name  value" with the values below each other. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows
    .map(
      (row) =>
        `${indent}${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell)).join('  ')}\n`,
    )
    .join('');
}
