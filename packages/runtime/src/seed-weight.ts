// SPDX-License-Identifier: Apache-2.0
import type { SeedRow } from '@stint/core';
import { PyFloat } from '@stint/jinja';

/** Weight of a seed row: a finite number from 0, or one as text (CSV has nothing else); null = none. */
export function seedWeight(row: SeedRow, field: string): number | null {
  const value: unknown =
    row instanceof Map
      ? row.get(field)
      : Object.hasOwn(row, field)
        ? (row as Record<string, unknown>)[field]
        : undefined;
  const weight = numberOf(value);
  return weight >= 0 && Number.isFinite(weight) ? weight : null;
}

function numberOf(value: unknown): number {
  if (value instanceof PyFloat) return value.value;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
}
