// SPDX-License-Identifier: Apache-2.0
import { int } from './environment.ts';
import type { FilterRow } from './filters.ts';
import type { Meter } from './meter.ts';

import { codePoints, firstOf } from './operations.ts';
import { trimmed } from './space.ts';
import { toText } from './text.ts';
import { capitalize } from './text-case.ts';
import { splitAt, splitSpace, wordsOf } from './text-parts.ts';
import { truthy, Undefined } from './values.ts';

/** Filters for prompts, beyond Jinja's own. The random ones draw from the record's stream. */

const falsy = (v: unknown): boolean => {
  if (v instanceof Undefined) v.fail();
  return !truthy(v);
};

const STYLES: [string, string[]][] = [
  ['poetic', ['poet', 'poetry', 'verse', 'lyrical']],
  ['narrative', ['story', 'narrative', 'tale', 'chronicle']],
  ['descriptive', ['describe', 'vivid', 'detailed']],
  ['minimalist', ['minimal', 'sparse', 'concise', 'brief']],
  ['verbose', ['elaborate', 'detailed', 'extensive']],
  ['dramatic', ['drama', 'theatrical', 'intense']],
];

const STOP_WORDS = new Set(
  (
    'that this with from have been were they their them then than these those there what when where which while will would could should ' +
    'about after before into over under also only very your just more'
  ).split(' '),
);

const sentences = (s: string, meter: Meter): string[] =>
  splitAt(s, /[.!?]+/g, meter)
    .map(trimmed)
    .filter((x) => x !== '');

export const proseFilters: Record<string, FilterRow> = {
  random_sentence: [
    '',
    (v, _a, env) => {
      if (falsy(v)) return '';
      const s = toText(v, env.meter);
      const all = sentences(s, env.meter);
      return all.length > 0 ? all[env.draw(all.length)] : s;
    },
  ],
  random_word: [
    'count?',
    (v, [countArg], env) => {
      const count = int(countArg, 1);
      if (falsy(v)) return '';
      const all = splitSpace(toText(v, env.meter), -1, env.meter);
      if (all.length === 0) return '';
      if (count <= 1) return all[env.draw(all.length)];
      env.meter.elements(all.length);
      for (let i = 0; i < Math.min(count, all.length); i++) {
        const j = i + env.draw(all.length - i);
        [all[i], all[j]] = [all[j] ?? '', all[i] ?? ''];
      }
      return all.slice(0, count).join(' ');
    },
  ],
  writing_style: [
    '',
    (v, _a, env) => {
      if (falsy(v)) return 'general';
      const found = new Set(wordsOf(toText(v, env.meter).toLowerCase(), env.meter));
      const styles = STYLES.filter(([, marks]) => marks.some((m) => found.has(m))).map(([style]) => style);
      return styles.length > 0 ? styles.join(', ') : 'general';
    },
  ],
  truncate_tokens: [
    'max_tokens',
    (v, [max], env) => {
      const n = int(max);
      if (falsy(v)) return '';
      const s = toText(v, env.meter);
      const most = Math.max(0, n) * 4;
      if (s.length <= most) return s;
      if (codePoints(s) <= most) return s;
      const cut = firstOf(s, most);
      const at = cut.lastIndexOf(' ');
      return `${at > 0 ? cut.slice(0, at) : cut}...`;
    },
  ],
  extract_keywords: [
    'count?',
    (v, [count], env) => {
      const n = int(count, 5);
      if (falsy(v)) return [];
      const counts = new Map<string, number>();
      for (const w of wordsOf(toText(v, env.meter).toLowerCase(), env.meter)) {
        if (codePoints(w) > 3 && !STOP_WORDS.has(w)) counts.set(w, (counts.get(w) ?? 0) + 1);
      }
      env.meter.elements(counts.size);
      return [...counts]
        .sort((x, y) => y[1] - x[1])
        .slice(0, Math.max(0, n))
        .map(([w]) => w);
    },
  ],
  summarize_text: [
    'sentences?',
    (v, [count], env) => {
      const n = int(count, 3);
      if (falsy(v)) return '';
      const all = sentences(toText(v, env.meter), env.meter);
      return all.length > 0 ? `${all.slice(0, n).join('. ')}.` : '';
    },
  ],
  capitalize_first: [
    '',
    (v, _a, env) => {
      if (falsy(v)) return '';
      return splitAt(toText(v, env.meter), /\. /g, env.meter)
        .map((s) => capitalize(trimmed(s)))
        .join('. ');
    },
  ],
  remove_markdown: [
    '',
    (v, _a, env) => {
      if (falsy(v)) return '';
      return removeMarkdown(toText(v, env.meter), env.meter);
    },
  ],
};

/** Headers, bold, italic, links, fenced blocks, code marks, in that order; each pass is linear. */
function removeMarkdown(s: string, meter: Meter): string {
  meter.chars(s.length);
  let out = s.replace(/^#{1,6}[ \t]+/gm, '');
  for (const mark of [/\*\*/g, /__/g, /\*/g, /_/g]) out = unwrap(out, mark, meter);
  out = out.replace(/\[([^[\]\n]*)\]\(([^()\n]*)\)/g, '$1');
  const parts = splitAt(out, /```/g, meter);
  out = parts.filter((_, i) => i % 2 === 0 || i === parts.length - 1).join('');
  return unwrap(out, /`/g, meter);
}

/** Takes pairs of a mark away: `**a**` → `a`; a lone mark stays. */
function unwrap(s: string, mark: RegExp, meter: Meter): string {
  const parts = splitAt(s, mark, meter);
  if (parts.length < 3) return s;
  if (parts.length % 2 === 1) return parts.join('');
  const lone = s.length - (parts.at(-1) ?? '').length;
  return parts.slice(0, -1).join('') + s.slice(lone - mark.source.replaceAll('\\', '').length);
}
