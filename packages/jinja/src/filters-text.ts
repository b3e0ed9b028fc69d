// SPDX-License-Identifier: Apache-2.0
import type { Environment } from './environment.ts';
import { int } from './environment.ts';
import { TemplateError, typeError } from './errors.ts';
import { escapeHtml } from './escape-html.ts';
import type { FilterRow } from './filters.ts';
import { pythonJson, unicodeEscape } from './json-text.ts';
import type { Meter } from './meter.ts';
import { escaped, markupSum } from './markup.ts';
import { binary, codePoints, eachOf, firstOf, iterate, lengthOf } from './operations.ts';
import { prettyText } from './pretty.ts';
import { replaceEach } from './replace-each.ts';
import { isSpace, SPACES } from './space.ts';
import { toText } from './text.ts';
import { capitalize } from './text-case.ts';
import { centered } from './text-methods.ts';
import { stripTags } from './strip-tags.ts';
import { linesOf, replaceText, strip, wordsOf } from './text-parts.ts';
import { urlize } from './urlize.ts';
import {
  entriesOf,
  isMapping,
  isNumber,
  Markup,
  plainText,
  PyRange,
  Stream,
  toNumber,
  truthy,
  Tuple,
  typeName,
  Undefined,
  View,
} from './values.ts';
import { wrapLine } from './wrap.ts';

/** Applies to the text of a value, counting what it builds. */
const onText = (fn: (s: string, meter: Meter) => string): FilterRow => [
  '',
  (v, _a, env) => {
    const s = toText(v, env.meter);
    env.meter.chars(s.length);
    const out = fn(s, env.meter);
    env.meter.chars(out.length - s.length);
    return out;
  },
];

/** A text, or a number as it prints; lists and the like are none. */
function textOf(v: unknown, env: Environment): string {
  if (v instanceof Undefined) v.fail();
  if (typeof v !== 'string' && !isNumber(v)) throw typeError(`a text was expected, not ${typeName(v)}`);
  return toText(v, env.meter);
}

/** Python's quote: UTF-8 percent-encoded but for letters, digits, `_.-~` and, in a path, `/`. */
function quote(s: string, path: boolean, meter: Meter): string {
  if (!s.isWellFormed()) throw typeError("'utf-8' codec can't encode a lone surrogate");
  meter.chars(s.length * 3);
  meter.step(s.length >> 3);
  const out = encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  meter.chars(out.length);
  return path ? out.replaceAll('%2F', '/') : out.replaceAll('%20', '+');
}

/** A size that is only compared may be a float. */
function size(v: unknown, fallback: number): number {
  if (v === undefined) return fallback;
  if (v instanceof Undefined) v.fail();
  if (!isNumber(v)) throw typeError(`a number was expected, not ${typeName(v)}`);
  return toNumber(v);
}

// A new word begins behind a hyphen, white space or an opening bracket.
const WORD = new RegExp(`[^-${SPACES}({[<]+`, 'g');

export const textFilters: Record<string, FilterRow> = {
  upper: onText((s) => s.toUpperCase()),
  lower: onText((s) => s.toLowerCase()),
  capitalize: onText(capitalize),
  title: onText((s, meter) =>
    replaceEach(s, WORD, ([w]) => {
      meter.pieces(2);
      const first = firstOf(w, 1);
      return first.toUpperCase() + w.slice(first.length).toLowerCase();
    }),
  ),
  trim: [
    'chars?',
    (v, [charsArg], env) => {
      const chars = plainText(charsArg);
      const s = toText(v, env.meter);
      if (chars === undefined || chars === null) return strip(s, isSpace, true, true);
      if (typeof chars !== 'string') throw typeError('strip arg must be None or str');
      env.meter.elements(chars.length);
      const set = new Set(chars);
      return strip(s, (c) => set.has(c), true, true);
    },
  ],
  string: ['', (v, _a, env) => (v instanceof Markup ? v : toText(v, env.meter))],
  safe: ['', (v, _a, env) => (v instanceof Markup ? v : new Markup(toText(v, env.meter)))],
  escape: ['', (v, _a, env) => escaped(v, env.meter)],
  e: ['', (v, _a, env) => escaped(v, env.meter)],
  forceescape: ['', (v, _a, env) => new Markup(escapeHtml(toText(v, env.meter), env.meter))],
  striptags: onText(stripTags),
  replace: [
    'old new count?',
    (v, [old, by, count], env) => {
      const times = count === null ? -1 : int(count, -1);
      const [from, to] = [toText(old, env.meter), toText(by, env.meter)];
      if (!env.autoescape) return replaceText(toText(v, env.meter), from, to, times, env.meter);
      // As Jinja does it where output is escaped: HTML in one of them makes HTML of all.
      const isHtml = old instanceof Markup || v instanceof Markup || by instanceof Markup;
      if (!isHtml) return replaceText(toText(v, env.meter), from, to, times, env.meter);
      const s = v instanceof Markup && !(old instanceof Markup) ? v.text : escaped(v, env.meter).text;
      return new Markup(replaceText(s, from, escaped(by, env.meter).text, times, env.meter));
    },
  ],
  center: [
    'width?',
    (v, [width], env) => {
      const s = toText(v, env.meter);
      const missing = int(width, 80) - codePoints(s);
      if (!(missing > 0)) return s;
      env.meter.chars(missing + s.length);
      return centered(s, missing, ' ');
    },
  ],
  indent: [
    'width? first? blank?',
    (v, [widthArg, first, blank], env) => {
      const width = plainText(widthArg);
      const spaces = typeof width === 'string' ? 0 : Math.max(0, int(width, 4));
      env.meter.chars(spaces);
      const by = typeof width === 'string' ? width : ' '.repeat(spaces);
      const s = `${textOf(v, env)}\n`;
      const [head = '', ...rest] = linesOf(s, env.meter);
      env.meter.chars(s.length + (rest.length + 1) * by.length);
      const all = truthy(blank ?? false);
      const out = [head, ...rest.map((l) => (all || l !== '' ? by + l : l))].join('\n');
      return truthy(first ?? false) ? by + out : out;
    },
  ],
  truncate: [
    'length? killwords? end? leeway?',
    (v, [lengthArg, killwords, endArg, leewayArg], env) => {
      const length = size(lengthArg, 255);
      const end = endArg === undefined ? '...' : plainText(endArg);
      if (typeof end !== 'string') throw typeError(`the end is a text, not ${typeName(end)}`);
      const leeway = leewayArg === null ? 5 : int(leewayArg, 5);
      const cutAt = length - codePoints(end);
      if (cutAt < 0) throw typeError(`expected length >= ${String(codePoints(end))}, got ${String(length)}`);
      if (leeway < 0) throw typeError(`expected leeway >= 0, got ${String(leeway)}`);
      // What is short enough stays what it is, a list too.
      if (!isNumber(v) && lengthOf(v, env.meter) <= length + leeway) return v;
      const s = textOf(plainText(v), env);
      if (codePoints(s) <= length + leeway) return s;
      env.meter.chars(length);
      const cut = firstOf(s, int(cutAt));
      const at = truthy(killwords ?? false) ? -1 : cut.lastIndexOf(' ');
      const kept = at < 0 ? cut : cut.slice(0, at);
      return v instanceof Markup ? markupSum(new Markup(kept), endArg ?? end, env.meter) : kept + end;
    },
  ],
  wordwrap: [
    'width? break_long_words? wrapstring? break_on_hyphens?',
    (v, [width, breakLong, wrap, hyphens], env) => {
      const s = textOf(v, env);
      const by = wrap === undefined || wrap === null ? '\n' : toText(wrap);
      const paragraphs = linesOf(s, env.meter);
      if (paragraphs.length === 0) return '';
      const style = {
        width: size(width, 79),
        breakLongWords: truthy(breakLong ?? true),
        breakOnHyphens: truthy(hyphens ?? true),
      };
      if (style.width < 1) throw typeError(`invalid width ${String(style.width)} (must be > 0)`);
      const lines = paragraphs.map((line) => wrapLine(line, style, env.meter));
      const breaks = lines.reduce((n, l) => n + Math.max(1, l.length), 0);
      env.meter.chars(s.length + breaks * by.length);
      return lines.map((l) => l.join(by)).join(by);
    },
  ],
  wordcount: ['', (v, _a, env) => wordsOf(toText(v, env.meter), env.meter).length],
  format: [
    '*',
    (v, args, env, kwargs) => {
      if (args.length > 0 && kwargs.size > 0)
        throw typeError("can't handle positional and keyword arguments at the same time");
      const values = kwargs.size > 0 ? new Map(kwargs) : Tuple.fromItems(args);
      return binary('%', v instanceof Markup ? v : toText(v, env.meter), values, env.meter);
    },
  ],
  urlencode: [
    '',
    (v, _a, env) => {
      const part = (x: unknown): string => quote(toText(x, env.meter), false, env.meter);
      const pair = ([key, value]: readonly unknown[]): string => `${part(key)}=${part(value)}`;
      if (isMapping(v)) return entriesOf(v).map(pair).join('&');
      if (!(Array.isArray(v) || v instanceof PyRange || v instanceof Stream || v instanceof View))
        return quote(toText(v, env.meter), true, env.meter);
      const pairs: string[] = [];
      for (const x of eachOf(v, env.meter)) {
        const parts = iterate(x, env.meter);
        if (parts.length !== 2) throw typeError(`a pair was expected, not ${String(parts.length)} values`);
        pairs.push(pair(parts));
      }
      return pairs.join('&');
    },
  ],
  urlize: ['trim_url_limit? nofollow? target? rel? extra_schemes?', urlize],
  xmlattr: [
    'autospace?',
    (v, [space], env) => {
      if (!isMapping(v)) throw typeError(`xmlattr takes a mapping, not ${typeName(v)}`);
      const parts = entriesOf(v).flatMap(([key, value]) => {
        if (value === null || value instanceof Undefined) return [];
        if (typeof key !== 'string') throw typeError(`an attribute's name is a text, not ${typeName(key)}`);
        if (/[\t-\r />=]/.test(key)) throw typeError(`Invalid character in attribute name: ${JSON.stringify(key)}`);
        env.meter.pieces(1);
        return [`${escapeHtml(key, env.meter)}="${escaped(value, env.meter).text}"`];
      });
      const out = parts.join(' ');
      const text = out !== '' && truthy(space ?? true) ? ` ${out}` : out;
      return env.autoescape ? new Markup(text) : text;
    },
  ],
  pprint: ['', (v, _a, env) => prettyText(v, env.meter)],
  tojson: [
    'indent?',
    (v, [indent], env) => {
      const spaces = typeof indent === 'string' || indent === undefined || indent === null ? 0 : int(indent);
      env.meter.chars(spaces);
      const by = typeof indent === 'string' ? indent : ' '.repeat(Math.max(0, spaces));
      const style = { sortKeys: true, ascii: true, indent: indent === undefined || indent === null ? null : by };
      const out = pythonJson(v, style, env.meter).replace(/[<>&']/g, unicodeEscape);
      env.meter.chars(out.length);
      return new Markup(out);
    },
  ],
  json_safe: [
    '',
    (v, _a, env) => {
      try {
        return pythonJson(v, { sortKeys: false, ascii: false, indent: null }, env.meter);
      } catch (e) {
        if (e instanceof TemplateError && e.kind === 'limit') throw e;
        return toText(v, env.meter);
      }
    },
  ],
};
