// SPDX-License-Identifier: Apache-2.0
import { Callable, Facade, Group, isFloat, isNumber, Namespace, PyFloat, PyRange, View } from './values.ts';

/** What an object itself has under a name, methods and entries apart; undefined = nothing. */
export function ownAttribute(object: unknown, name: string): unknown {
  if (object instanceof Namespace) return object.attributes.get(name);
  if (object instanceof Facade) return object.get(name);
  if (object instanceof Callable) return object.attributes?.get(name);
  if (object instanceof Group) return name === 'grouper' ? object[0] : name === 'list' ? object[1] : undefined;
  if (object instanceof PyRange)
    return name === 'start' || name === 'stop' || name === 'step' ? object[name] : undefined;
  if (object instanceof View) return name === 'mapping' ? object.of : undefined;
  return isNumber(object) ? partOf(object, name) : undefined;
}

/** Numbers here have no imaginary part; ints are fractions with nothing below. */
function partOf(n: unknown, name: string): unknown {
  switch (name) {
    case 'real':
      return typeof n === 'boolean' ? Number(n) : n;
    case 'imag':
      return isFloat(n) ? new PyFloat(0) : 0;
    case 'numerator':
      return isFloat(n) ? undefined : typeof n === 'boolean' ? Number(n) : n;
    case 'denominator':
      return isFloat(n) ? undefined : 1;
    default:
      return undefined;
  }
}
