// SPDX-License-Identifier: Apache-2.0
import { Dict } from './dict.ts';
import { int, signature } from './environment.ts';
import type { Environment, Kwargs } from './environment.ts';
import { TemplateError, typeError } from './errors.ts';
import { pairsOf } from './list-methods.ts';
import { lipsum } from './lipsum.ts';
import { toText } from './text.ts';
import { Callable, Facade, Namespace, PyRange, truthy, Tuple } from './values.ts';

type Global = (args: readonly unknown[], env: Environment, kwargs: Kwargs) => unknown;
/** What it prints as, what it takes, and what it does. */
type GlobalRow = readonly [label: string, takes: string, run: Global];

const MAX_RANGE = 1_000_000;

const rows: Record<string, GlobalRow> = {
  range: [
    "class 'range'",
    '_start _stop? _step?',
    ([a, b, c], env) => {
      const range = b === undefined ? new PyRange(0, int(a), 1) : new PyRange(int(a), int(b), int(c, 1));
      if (range.step === 0) throw typeError('range() arg 3 must not be zero');
      if (!(range.length <= MAX_RANGE)) throw new TemplateError('limit', `range of more than ${MAX_RANGE} numbers`);
      env.meter.objects(1);
      return range;
    },
  ],
  dict: [
    "class 'dict'",
    '*',
    (args, env, kwargs) => {
      const entries = entriesFrom('dict', args, env, kwargs);
      env.meter.objects(1);
      env.meter.elements(entries.length * 4);
      return Dict.of(entries, env.meter);
    },
  ],
  namespace: [
    "class 'jinja2.utils.Namespace'",
    '*',
    (args, env, kwargs) => {
      const ns = new Namespace();
      const entries = entriesFrom('namespace', args, env, kwargs);
      env.meter.objects(1);
      env.meter.elements(entries.length * 4);
      for (const [k, v] of entries) ns.attributes.set(toText(k), v);
      return ns;
    },
  ],
  cycler: [
    "class 'jinja2.utils.Cycler'",
    '*',
    (args, env, kwargs) => {
      if (kwargs.size > 0) throw typeError('cycler takes no keyword arguments');
      env.meter.objects(3);
      return cycler(args);
    },
  ],
  joiner: [
    "class 'jinja2.utils.Joiner'",
    'sep?',
    ([separator], env) => {
      env.meter.objects(1);
      let used = false;
      return new Callable('joiner', () => {
        if (used) return separator === undefined ? ', ' : separator;
        used = true;
        return '';
      });
    },
  ],
  lipsum: [
    'function lipsum',
    'n? html? min? max?',
    ([n, html, min, max], env) => lipsum(int(n, 5), truthy(html ?? true), int(min, 20), int(max, 100), env),
  ],
};

function entriesFrom(what: string, args: readonly unknown[], env: Environment, kwargs: Kwargs): [unknown, unknown][] {
  if (args.length > 1) throw typeError(`${what} expected at most 1 argument, got ${String(args.length)}`);
  return [...(args.length === 1 ? pairsOf(args[0], env.meter) : []), ...kwargs];
}

function cycler(items: readonly unknown[]): Facade {
  if (items.length === 0) throw typeError('at least one item has to be provided');
  let at = 0;
  const next = new Callable('next', () => {
    const v = items[at];
    at = (at + 1) % items.length;
    return v;
  });
  const reset = new Callable('reset', () => {
    at = 0;
    return null;
  });
  const attributes: Record<string, () => unknown> = {
    next: () => next,
    reset: () => reset,
    current: () => items[at],
    pos: () => at,
    items: () => Tuple.fromItems(items),
  };
  return new Facade('cycler', (name) => (Object.hasOwn(attributes, name) ? attributes[name]?.() : undefined));
}

const bound = Object.entries(rows).map(([name, [label, takes, run]]) => ({
  name,
  label,
  bind: signature(`${name}()`, takes),
  run,
}));

/** Jinja's global functions for one rendering. */
export function globalsOf(env: Environment): ReadonlyMap<string, unknown> {
  return new Map(
    bound.map(({ name, label, bind, run }) => [
      name,
      new Callable(label, (args, kwargs) => run(bind(args, kwargs), env, kwargs)),
    ]),
  );
}

/** Names that a template may read without anybody giving them. */
export const globalNames: ReadonlySet<string> = new Set(Object.keys(rows));
