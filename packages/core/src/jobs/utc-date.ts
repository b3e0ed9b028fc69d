// SPDX-License-Identifier: Apache-2.0
const FORM = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?(?: ?([Zz]|[+-]\d{2}:?\d{2}))?)?$/;

/**
 * Milliseconds of `2026-01-31`, `2026-01-31T12:00` or `2026-01-31T12:00:00+02:00`; NaN for all else, days that no month
 * has among it. Without a zone it is UTC: the zone of a machine must not change what a job draws.
 */
export function parseUtcDate(text: string): number {
  const [, day, minutes = '00:00', seconds = ':00', zone = 'Z'] = FORM.exec(text) ?? [];
  if (day === undefined) return NaN;
  const midnight = new Date(`${day}T00:00:00Z`);
  // Date.parse takes February 30th for a day of March.
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day) return NaN;
  const offset = /^[Zz]$/.test(zone) ? 'Z' : zone.replace(/^(...)(\d\d)$/, '$1:$2');
  return Date.parse(`${day}T${minutes}${seconds}${offset}`);
}
