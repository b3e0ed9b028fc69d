// SPDX-License-Identifier: Apache-2.0
import { keyIn } from './compare.ts';
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { isList, isMapping, Markup, Tuple, typeName, Undefined, View } from './values.ts';

/** A mapping that a template made. Keys that are equal are one, whatever they are made of: 1, 1.0 and True. */
export class Dict extends Map<unknown, unknown> {
  /** True where a key is neither a text nor a plain number, so that a key may have to be looked for among all. */
  odd = false;

  static of(entries: Iterable<readonly [unknown, unknown]>, meter: Meter): Dict {
    const d = new Dict();
    for (const [k, v] of entries) d.put(k, v, meter);
    return d;
  }

  /** Sets a key's value; the key that was there first stays. */
  put(key: unknown, value: unknown, meter: Meter): void {
    if (key instanceof Markup) {
      this.put(key.text, value, meter);
      return;
    }
    if (typeof key === 'string') {
      this.set(key, value);
      return;
    }
    const have = keyIn(this, hashable(key), meter);
    this.set(have === undefined ? key : have.key, value);
    if (have === undefined && typeof key !== 'number') this.odd = true;
  }

  take(key: unknown, meter: Meter): unknown {
    const have = keyIn(this, key, meter);
    if (have === undefined) return undefined;
    const value = this.get(have.key);
    this.delete(have.key);
    return value;
  }
}

/** @throws TemplateError type for what can be no key */
export function hashable(key: unknown): unknown {
  if (key instanceof Undefined && !key.lenient) key.fail();
  if (isMapping(key) || isList(key) || (key instanceof View && key.kind !== 'values'))
    throw typeError(`unhashable type: '${typeName(key)}'`);
  if (key instanceof Tuple) for (const x of key) hashable(x);
  return key;
}
