// SPDX-License-Identifier: Apache-2.0
import { equals } from './compare.ts';
import { typeError } from './errors.ts';
import { Callable, Facade, Undefined } from './values.ts';

/** The `loop` of a for loop. */
export function makeLoop(
  items: readonly unknown[],
  depth: number,
  again: ((args: unknown[]) => unknown) | undefined,
): { facade: Facade; advance: () => void } {
  let index0 = -1;
  let changed: unknown[] | null = null;
  const cycle = new Callable('loop.cycle', (args) => {
    if (args.length === 0) throw typeError('no items for cycling given');
    return args[index0 % args.length];
  });
  const changedTo = new Callable('loop.changed', (args) => {
    if (changed && changed.length === args.length && changed.every((x, i) => equals(x, args[i]))) return false;
    changed = args;
    return true;
  });
  const get = (name: string): unknown => {
    switch (name) {
      case 'index':
        return index0 + 1;
      case 'index0':
        return index0;
      case 'revindex':
        return items.length - index0;
      case 'revindex0':
        return items.length - index0 - 1;
      case 'first':
        return index0 === 0;
      case 'last':
        return index0 === items.length - 1;
      case 'length':
        return items.length;
      case 'depth':
        return depth + 1;
      case 'depth0':
        return depth;
      case 'previtem':
        return index0 > 0 ? items[index0 - 1] : new Undefined('loop.previtem', 'there is no previous item');
      case 'nextitem':
        return index0 < items.length - 1 ? items[index0 + 1] : new Undefined('loop.nextitem', 'there is no next item');
      case 'cycle':
        return cycle;
      case 'changed':
        return changedTo;
      default:
        return undefined;
    }
  };
  const invoke =
    again ??
    ((): never => {
      throw typeError("The loop must have the 'recursive' marker to be called recursively.");
    });
  return {
    facade: new Facade('LoopContext', get, invoke, () => `<LoopContext ${index0 + 1}/${items.length}>`),
    advance: () => {
      index0++;
    },
  };
}
