// SPDX-License-Identifier: Apache-2.0
import { Dict } from './dict.ts';
import { typeError } from './errors.ts';
import type { Meter } from './meter.ts';
import { iterate } from './operations.ts';
import { isMapping, Markup, PyFloat, PyRange, Stream, Tuple, typeName, Undefined, View } from './values.ts';

const MAX_DEPTH = 100;

/**
 * The value of an expression as data that outlives its rendering: generators and views are lists.
 * @throws TemplateError type for what is no data, like a function
 */
export function plainData(v: unknown, meter: Meter, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw typeError('the value is nested too deeply');
  meter.step();
  if (v instanceof Undefined) return v.lenient ? null : v.fail();
  if (v instanceof Markup) return v.text;
  if (typeof v !== 'object' || v === null || v instanceof PyFloat || v instanceof PyRange) return v;
  const all = (items: readonly unknown[]): unknown[] => {
    meter.elements(items.length);
    return items.map((x) => plainData(x, meter, depth + 1));
  };
  if (v instanceof Tuple) return Tuple.fromItems(all(v));
  if (Array.isArray(v)) return all(v);
  if (v instanceof Stream || v instanceof View) return all(iterate(v, meter));
  if (v instanceof Dict) {
    meter.elements(v.size * 4);
    return Dict.of(
      [...v].map(([k, x]) => [k, plainData(x, meter, depth + 1)]),
      meter,
    );
  }
  if (isMapping(v)) return v;
  throw typeError(`the value is no data, but ${typeName(v)}`);
}
