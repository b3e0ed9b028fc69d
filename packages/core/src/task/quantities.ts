// SPDX-License-Identifier: Apache-2.0

const mibOf: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024, T: 1024 ** 2 };

/** `2`, `2GiB`, `512MB`, `1.5 g` → MiB, rounded up; a bare number is GiB, and every unit is binary. null: not a size. */
export function parseMib(text: string): number | null {
  const m = /^\s*(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?)?\s*$/i.exec(text);
  if (!m) return null;
  const mib = Math.ceil(Number(m[1]) * (mibOf[(m[2] ?? 'G').toUpperCase()] ?? 1024));
  return Number.isSafeInteger(mib) && mib > 0 ? mib : null;
}

const msOf: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `10m`, `2h`, `1d`, `500ms` → ms. null: not a duration, or 0. */
export function parseDurationMs(text: string): number | null {
  const m = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$/.exec(text);
  const ms = m ? Math.round(Number(m[1]) * (msOf[m[2] ?? ''] ?? 0)) : 0;
  return Number.isSafeInteger(ms) && ms > 0 ? ms : null;
}
