// SPDX-License-Identifier: Apache-2.0
import { ownAttribute } from './attributes.ts';
import { lookup } from './compare.ts';
import { Dict } from './dict.ts';
import type { Kwargs } from './environment.ts';
import { typeError } from './errors.ts';
import { markupFormat, markupMethod } from './markup.ts';
import type { Meter } from './meter.ts';
import { methodOf } from './methods.ts';
import { characters, lookThrough } from './operations.ts';
import { Callable, isIndex, isMapping, Markup, plainText, PyRange, toNumber, typeName, Undefined } from './values.ts';

/** The rendering in which a value is read. */
export interface Access {
  readonly meter: Meter;
  /** True for lists and mappings of the data, which a template can't change. */
  isData(object: object): boolean;
  /** A mapping of the data whose entries go before its methods: `.copy` is its entry, where it has one. */
  readonly entriesFirst: object | undefined;
}

/** What an undefined value will be called; asked for only where one is. */
export type Path = string | (() => string);
function missing(r: Access, path: Path): Undefined {
  r.meter.objects(1);
  return new Undefined(typeof path === 'string' ? path : path());
}

/** `a.name`: a method first, then an entry. */
export function attribute(r: Access, object: unknown, name: string, path: Path): unknown {
  if (object instanceof Undefined) object.fail();
  if (object === r.entriesFirst && isMapping(object)) {
    const first = lookup(object, name);
    if (first !== undefined) return first;
  }
  const own = attributeOf(r, object, name);
  if (own !== undefined) return own;
  const entry = isMapping(object) ? lookup(object, name) : undefined;
  return entry === undefined ? missing(r, path) : entry;
}

/** As Python's getattr: entries of a mapping are none. */
export function attributeOf(r: Access, object: unknown, name: string): unknown {
  if (object instanceof Markup) return htmlMethod(r, object, name);
  const method = methodOf(object, name);
  if (!method) return ownAttribute(object, name);
  r.meter.objects(1);
  return new Callable(`method ${name}`, (args, kwargs) => {
    if (method.changes && (r.isData(object as object) || (isMapping(object) && !(object instanceof Dict))))
      throw typeError(`a ${typeName(object)} of the data can't be changed: change a copy of it`);
    lookThrough(object, r.meter);
    return method.run(object, method.bind(args, kwargs), r.meter, kwargs);
  });
}

function htmlMethod(r: Access, object: Markup, name: string): Callable | undefined {
  const { meter } = r;
  const method = methodOf(object.text, name);
  const plain =
    method &&
    ((args: readonly unknown[], kwargs: Kwargs) => method.run(object.text, method.bind(args, kwargs), meter, kwargs));
  const run =
    name === 'format'
      ? (args: readonly unknown[], kwargs: Kwargs) => markupFormat(object, args, kwargs, meter)
      : markupMethod(object, name, plain, meter);
  if (!run) return undefined;
  meter.objects(1);
  return new Callable(`method ${name}`, (args, kwargs) => {
    lookThrough(object, meter);
    return run(args, kwargs);
  });
}

/** `a[key]`: an entry first, then an attribute of that name. */
export function item(r: Access, object: unknown, key: unknown, path: Path): unknown {
  if (object instanceof Undefined) object.fail();
  if (key instanceof Undefined) key.fail();
  if (object instanceof Markup && isIndex(key)) {
    const c = item(r, object.text, key, path);
    return typeof c === 'string' ? new Markup(c) : c;
  }
  if (isMapping(object)) {
    const v = lookup(object, key, r.meter);
    if (v !== undefined) return v;
  } else if (isIndex(key) && (Array.isArray(object) || object instanceof PyRange || typeof object === 'string')) {
    const seq = typeof object === 'string' ? characters(object, r.meter) : object;
    const i = toNumber(key);
    const at = i < 0 ? i + seq.length : i;
    if (at < 0 || at >= seq.length) return missing(r, path);
    return seq instanceof PyRange ? seq.at(at) : seq[at];
  }
  const name = plainText(key);
  return typeof name === 'string' ? attribute(r, object, name, path) : missing(r, path);
}
