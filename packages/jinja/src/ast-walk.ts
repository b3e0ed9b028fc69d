// SPDX-License-Identifier: Apache-2.0
import type { Expr, Stmt } from './ast.ts';

/** Names that the language gives a meaning; what they stand for is provided where they are read. */
const MARKS = { loop: 1, caller: 2, varargs: 4, kwargs: 8, super: 16 } as const;
export type MarkedName = keyof typeof MARKS;

// Bodies nest: remembered, so that each is walked once however deep it stands.
const known = new WeakMap<readonly Stmt[], number>();

/** True where the body reads the name; an include with context may read `loop`. */
export function mentions(body: readonly Stmt[], name: MarkedName): boolean {
  return (marksOf(body) & MARKS[name]) !== 0;
}

function marksOf(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0;
  if (Array.isArray(node)) {
    const list = node as Stmt[];
    let marks = known.get(list);
    if (marks === undefined) {
      marks = list.reduce((all, n) => all | marksOf(n), 0);
      known.set(list, marks);
    }
    return marks;
  }
  const n = node as Expr | Stmt;
  if (n.kind === 'name') return Object.hasOwn(MARKS, n.name) ? MARKS[n.name as MarkedName] : 0;
  let marks = n.kind === 'include' ? MARKS.loop : 0;
  for (const v of Object.values(n)) if (typeof v === 'object') marks |= marksOf(v);
  return marks;
}

/** Steps that running an expression once is worth, beyond those of its calls and filters: one, and one for each 8 parts. */
export function stepsOf(e: Expr): number {
  return 1 + (partsOf(e) >> 3);
}

function partsOf(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0;
  let n = 'kind' in node ? 1 : 0;
  for (const v of Object.values(node)) if (typeof v === 'object') n += partsOf(v);
  return n;
}
