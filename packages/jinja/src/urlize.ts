// SPDX-License-Identifier: Apache-2.0
import { compareText } from './compare.ts';
import { int } from './environment.ts';
import type { Filter } from './environment.ts';
import { typeError } from './errors.ts';
import { escapeHtml } from './escape-html.ts';
import { escaped } from './markup.ts';
import type { Meter } from './meter.ts';
import { codePoints, firstOf, iterate } from './operations.ts';
import { SPACES, trimmed } from './space.ts';
import { toText } from './text.ts';
import { splitSpace } from './text-parts.ts';
import { Markup, truthy } from './values.ts';

/** Longer words are no address, and the patterns need not be tried on them. */
const LONGEST = 2_000;
const HTTP =
  /^(?:(?:https?:\/\/|www\.)(?:[\p{L}\p{N}_%-]+\.)*(?:[a-z]{2,63}|xn--[\p{L}\p{N}_%]{2,59})|(?:[\p{L}\p{N}_%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|https?:\/\/(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?$/iu;
const EMAIL = /^\S+@[\p{L}\p{N}_][\p{L}\p{N}_.-]*\.[\p{L}\p{N}_]+$/u;
const PAIRS = [
  ['(', ')'],
  ['<', '>'],
  ['&lt;', '&gt;'],
] as const;

interface Links {
  /** Attributes of an anchor, ready to be put in. */
  attributes: string;
  limit: number | null;
  schemes: readonly string[];
}

const SCHEME = /^[\p{L}\p{N}_.+-]{2,}:\/{0,2}$/u;

/** Jinja's urlize: addresses in a text become links; all else is escaped. */
export const urlize: Filter = (v, [limit, nofollow, target, rel, schemes], env) => {
  const words = new Set(isSet(rel) ? splitSpace(toText(rel), -1, env.meter) : []);
  if (truthy(nofollow ?? false)) words.add('nofollow');
  words.add('noopener');
  const attribute = (name: string, value: string): string => ` ${name}="${escapeHtml(value, env.meter)}"`;
  const links: Links = {
    attributes:
      attribute('rel', [...words].sort(compareText).join(' ')) +
      (isSet(target) ? attribute('target', toText(target)) : ''),
    limit: limit === undefined || limit === null ? null : int(limit),
    schemes: isSet(schemes) ? iterate(schemes, env.meter).map((s) => toText(s)) : [],
  };
  for (const s of links.schemes)
    if (!SCHEME.test(s)) throw typeError(`${JSON.stringify(s)} is not a valid URI scheme prefix.`);
  const { text } = escaped(v, env.meter);
  env.meter.chars(text.length);
  env.meter.pieces(text.length / 2);
  const out = text
    .split(SPACE)
    .map((word) => (word.length > LONGEST || trimmed(word) === '' ? word : linked(word, links, env.meter)))
    .join('');
  return env.autoescape ? new Markup(out) : out;
};

const SPACE = new RegExp(`([${SPACES}]+)`);
const isSet = (v: unknown): boolean => v !== undefined && v !== null && truthy(v);

function linked(word: string, links: Links, meter: Meter): string {
  meter.step(1 + (word.length >> 3));
  const head = /^(?:[(<]|&lt;)+/.exec(word)?.[0] ?? '';
  let middle = word.slice(head.length);
  // Looked for only where the word ends with one, so that brackets within are not tried one by one.
  let tail = /(?:[)>.,]|&gt;)$/.test(middle) ? (/(?:[)>.,]|&gt;)+$/.exec(middle)?.[0] ?? '') : '';
  middle = middle.slice(0, middle.length - tail.length);
  // An address may hold brackets: those that it opened are its own.
  for (const [open, close] of PAIRS) {
    const opened = count(middle, open);
    if (opened <= count(middle, close)) continue;
    for (let n = Math.min(opened, count(tail, close)); n > 0; n--) {
      const end = tail.indexOf(close) + close.length;
      middle += tail.slice(0, end);
      tail = tail.slice(end);
    }
  }
  const link = linkOf(middle, links);
  meter.chars(link.length);
  return head + link + tail;
}

function linkOf(middle: string, { attributes, limit, schemes }: Links): string {
  const shown = limit !== null && codePoints(middle) > limit ? `${firstOf(middle, limit)}...` : middle;
  if (HTTP.test(middle)) {
    const url = /^https?:\/\//.test(middle) ? middle : `https://${middle}`;
    return `<a href="${url}"${attributes}>${shown}</a>`;
  }
  if (middle.startsWith('mailto:') && EMAIL.test(middle.slice(7))) return `<a href="${middle}">${middle.slice(7)}</a>`;
  const mayBeMail =
    middle.includes('@') && !middle.startsWith('www.') && !middle.startsWith('@') && !middle.includes(':');
  if (mayBeMail && EMAIL.test(middle)) return `<a href="mailto:${middle}">${middle}</a>`;
  const scheme = schemes.find((s) => middle !== s && middle.startsWith(s));
  return scheme === undefined ? middle : `<a href="${middle}"${attributes}>${middle}</a>`;
}

const count = (s: string, part: string): number => s.split(part).length - 1;
