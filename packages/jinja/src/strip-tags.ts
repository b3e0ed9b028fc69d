// SPDX-License-Identifier: Apache-2.0
import { unescapeHtml } from './html-entities.ts';
import type { Meter } from './meter.ts';
import { splitSpace } from './text-parts.ts';

/** Without comments and tags; white space becomes single spaces. */
export function stripTags(s: string, meter: Meter): string {
  const kept: string[] = [];
  let at = 0;
  for (let open = s.indexOf('<'); open >= 0; open = s.indexOf('<', at)) {
    const isComment = s.startsWith('<!--', open);
    const close = isComment ? s.indexOf('-->', open + 4) : s.indexOf('>', open);
    if (close < 0) break;
    meter.pieces(1);
    kept.push(s.slice(at, open));
    at = close + (isComment ? 3 : 1);
  }
  const text = at === 0 ? s : kept.join('') + s.slice(at);
  return unescapeHtml(splitSpace(text, -1, meter).join(' '), meter);
}
