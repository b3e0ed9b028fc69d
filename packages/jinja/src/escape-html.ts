// SPDX-License-Identifier: Apache-2.0
import type { Meter } from './meter.ts';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };
/** Markupsafe's escape. */
export function escapeHtml(s: string, meter: Meter): string {
  let grows = 0;
  for (let i = 0; i < s.length; i++) grows += (ENTITIES[s.charAt(i)] ?? ' ').length - 1;
  if (grows === 0) return s;
  meter.chars(s.length + grows);
  meter.step(grows >> 3);
  return s.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}
