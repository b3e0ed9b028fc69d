// SPDX-License-Identifier: Apache-2.0
import { typeError } from './errors.ts';
import { escapeHtml } from './escape-html.ts';
import { unescapeHtml } from './html-entities.ts';
import type { Meter } from './meter.ts';
import { iterate } from './operations.ts';
import { formatText } from './str-format.ts';
import { stripTags } from './strip-tags.ts';
import { toText } from './text.ts';
import { Markup, Module, Tuple } from './values.ts';

/** Text that is HTML already, as Python's markupsafe has it: what is put to it is escaped, and it is not escaped again. */

/** What a value is as HTML. */
export function escaped(v: unknown, meter: Meter): Markup {
  if (v instanceof Markup) return v;
  if (v instanceof Module) return new Markup(toText(v, meter));
  const s = toText(v, meter);
  return new Markup(escapeHtml(s, meter));
}

/** `a ~ b ~ c` where output is escaped: HTML as soon as one of them is. */
export function joined(parts: readonly unknown[], meter: Meter): string | Markup {
  const isHtml = parts.some((p) => p instanceof Markup);
  const texts = parts.map((p) => (isHtml ? escaped(p, meter).text : toText(p, meter)));
  meter.chars(texts.reduce((n, t) => n + t.length, 0));
  return isHtml ? new Markup(texts.join('')) : texts.join('');
}

type Kwargs = ReadonlyMap<string, unknown>;
type Run = (args: readonly unknown[], kwargs: Kwargs) => unknown;

/** Methods whose texts are HTML again; of `replace` and the fills one argument is escaped. */
const SAME = new Set(
  (
    'capitalize casefold center expandtabs format format_map join ljust lower lstrip partition removeprefix removesuffix replace ' +
    'rjust rpartition rsplit rstrip split splitlines strip swapcase title upper zfill'
  ).split(' '),
);
const ESCAPED_ARGUMENT: Readonly<Record<string, number>> = { replace: 1, center: 1, ljust: 1, rjust: 1 };

/** A method of HTML from the method of its text; undefined = there is none. */
export function markupMethod(self: Markup, name: string, plain: Run | undefined, meter: Meter): Run | undefined {
  if (name === 'striptags') return () => stripTags(self.text, meter);
  if (name === 'unescape') return () => unescapeHtml(self.text, meter);
  if (!plain || !SAME.has(name)) return plain;
  return (args, kwargs) => again(plain(argumentsOf(name, args, meter), kwargs));
}

/** `format` where each field is escaped. */
export const markupFormat = (self: Markup, args: readonly unknown[], kwargs: Kwargs, meter: Meter): Markup =>
  new Markup(formatText(self.text, args, kwargs, meter, (text) => escapeHtml(text, meter)));

function argumentsOf(name: string, args: readonly unknown[], meter: Meter): readonly unknown[] {
  if (name === 'join') return args.map((items) => iterate(items, meter).map((x) => escaped(x, meter).text));
  const at = ESCAPED_ARGUMENT[name];
  if (at === undefined || args.length <= at) return args;
  return args.map((a, i) => (i === at ? escaped(a, meter).text : a));
}

function again(result: unknown): unknown {
  if (typeof result === 'string') return new Markup(result);
  if (result instanceof Tuple) return Tuple.fromItems(result.map(again));
  return Array.isArray(result) ? result.map(again) : result;
}

/** `+`, and `*` by a count, with HTML on one side. @throws TemplateError type for what is no text */
export function markupSum(a: unknown, b: unknown, meter: Meter): Markup {
  for (const x of [a, b])
    if (typeof x !== 'string' && !(x instanceof Markup)) throw typeError('only texts add to HTML');
  const [left, right] = [escaped(a, meter).text, escaped(b, meter).text];
  meter.chars(left.length + right.length);
  return new Markup(left + right);
}
