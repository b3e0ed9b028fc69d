// SPDX-License-Identifier: Apache-2.0
import type { Expr, Stmt, Target } from './ast.ts';
import type { CompiledTemplate } from './compile.ts';
import { globalNames } from './runtime.ts';

/** One place where a template needs something of its context. */
export interface Read {
  /** Dotted path; it ends where a key is computed. */
  path: string[];
  /** Asked for with `is defined`, `default` or under such an `if`: may be missing. */
  optional: boolean;
  template: string;
  line: number;
}

type Load = (name: string) => CompiledTemplate | undefined;

/** Names bound in a scope; `guards` are paths known to be defined here. */
interface Scope {
  bound: ReadonlySet<string>;
  guards: readonly string[];
}

class Reader {
  readonly found: Read[] = [];
  readonly #load: Load | undefined;
  readonly #visiting = new Set<string>();
  #template: string;

  constructor(template: string, load: Load | undefined) {
    this.#template = template;
    this.#load = load;
  }

  /** Statements of one scope; what they bind is bound for those that follow. */
  body(list: readonly Stmt[], scope: Scope): Scope {
    let s = scope;
    // A macro may be called before the text that defines its free names runs.
    for (const statement of list) s = this.#statement(statement, s);
    return s;
  }

  #statement(n: Stmt, s: Scope): Scope {
    switch (n.kind) {
      case 'data':
        return s;
      case 'print':
        this.expression(n.value, s);
        return s;
      case 'if': {
        let after = s;
        const guards: string[] = [];
        for (const arm of n.arms) {
          this.expression(arm.test, s, true);
          const known = [...guardsOf(arm.test)];
          guards.push(...known);
          after = {
            ...after,
            bound: union(after.bound, this.body(arm.body, { ...s, guards: [...s.guards, ...known] }).bound),
          };
        }
        const otherwise = this.body(n.otherwise, { ...s, guards: [...s.guards, ...guards] });
        return { ...after, bound: union(after.bound, otherwise.bound) };
      }
      case 'for': {
        this.expression(n.iter, s);
        const inner = { ...s, bound: union(s.bound, [...namesOf(n.target), 'loop']) };
        if (n.filter) this.expression(n.filter, inner);
        this.body(n.body, inner);
        this.body(n.otherwise, s);
        return s;
      }
      case 'set':
        this.expression(n.value, s);
        return { ...s, bound: union(s.bound, namesOf(n.target)) };
      case 'setblock':
        this.body(n.body, s);
        if (n.filter) this.expression(n.filter, s);
        return { ...s, bound: union(s.bound, namesOf(n.target)) };
      case 'macro': {
        const inner = {
          ...s,
          bound: union(s.bound, [n.name, 'caller', 'varargs', 'kwargs', ...n.params.map((p) => p.name)]),
        };
        for (const p of n.params) if (p.fallback) this.expression(p.fallback, inner);
        this.body(n.body, inner);
        return { ...s, bound: union(s.bound, [n.name]) };
      }
      case 'callblock':
        this.expression(n.call, s);
        this.body(n.body, {
          ...s,
          bound: union(
            s.bound,
            n.params.map((p) => p.name),
          ),
        });
        return s;
      case 'filterblock':
        this.expression(n.filter, s);
        this.body(n.body, s);
        return s;
      case 'with': {
        for (const b of n.bindings) this.expression(b.value, s);
        this.body(n.body, {
          ...s,
          bound: union(
            s.bound,
            n.bindings.flatMap((b) => namesOf(b.target)),
          ),
        });
        return s;
      }
      case 'scope':
        this.body(n.body, s);
        return s;
      case 'block':
        this.body(n.body, { ...s, bound: union(s.bound, ['super', 'self']) });
        return s;
      case 'include':
        this.expression(n.name, s);
        this.#follow(n.name, n.withContext ? s : { bound: new Set(), guards: [] }, n.ignoreMissing);
        return s;
      case 'import':
        this.expression(n.name, s);
        this.#follow(n.name, n.withContext ? s : { bound: new Set(), guards: [] }, false);
        return { ...s, bound: union(s.bound, [n.target]) };
      case 'from':
        this.expression(n.name, s);
        this.#follow(n.name, n.withContext ? s : { bound: new Set(), guards: [] }, false);
        return {
          ...s,
          bound: union(
            s.bound,
            n.names.map((x) => x.alias),
          ),
        };
      case 'extends': {
        this.expression(n.name, s);
        return this.#follow(n.name, s, false);
      }
    }
  }

  /** Reads of a template named by a constant (or a list of them); others are not known before they run. */
  #follow(name: Expr, s: Scope, _ignoreMissing: boolean): Scope {
    const names = name.kind === 'list' || name.kind === 'tuple' ? name.items : [name];
    for (const n of names) {
      if (n.kind !== 'const' || typeof n.value !== 'string' || this.#visiting.has(n.value)) continue;
      const t = this.#load?.(n.value);
      if (!t) continue;
      const outer = this.#template;
      this.#template = t.name;
      this.#visiting.add(n.value);
      this.body(t.body, s);
      this.#visiting.delete(n.value);
      this.#template = outer;
    }
    return s;
  }

  /** `tested`: only its truth counts, so a bare name under `is defined` is optional. */
  expression(e: Expr, s: Scope, tested = false): void {
    const path = plainPath(e);
    if (path) {
      this.#note(path, e.line, s);
      if (e.kind === 'item' && e.key.kind !== 'const') this.expression(e.key, s);
      return;
    }
    switch (e.kind) {
      case 'const':
      case 'name':
        return;
      case 'list':
      case 'tuple':
        for (const x of e.items) this.expression(x, s);
        return;
      case 'dict':
        for (const [k, v] of e.entries) {
          this.expression(k, s);
          this.expression(v, s);
        }
        return;
      case 'attr':
        this.expression(e.object, s);
        return;
      case 'item':
        this.expression(e.object, s);
        this.expression(e.key, s);
        return;
      case 'slice':
        this.expression(e.object, s);
        for (const x of [e.start, e.stop, e.step]) if (x) this.expression(x, s);
        return;
      case 'call': {
        // `d.items()` reads d, not a field called items.
        const callee = e.callee;
        if (callee.kind === 'attr') this.expression(callee.object, s);
        else this.expression(callee, s);
        for (const a of e.args) this.expression(a.value, s);
        return;
      }
      case 'filter': {
        const isDefault = e.name === 'default' || e.name === 'd';
        if (e.target) {
          const target = plainPath(e.target);
          if (isDefault && target) this.#note(target, e.line, s, true);
          else this.expression(e.target, s);
        }
        for (const a of e.args) this.expression(a.value, s);
        return;
      }
      case 'test': {
        const target = plainPath(e.target);
        if ((e.name === 'defined' || e.name === 'undefined') && target) this.#note(target, e.line, s, true);
        else this.expression(e.target, s);
        for (const a of e.args) this.expression(a.value, s);
        return;
      }
      case 'unary':
        this.expression(e.operand, s, tested);
        return;
      case 'binary':
        this.expression(e.left, s);
        this.expression(e.right, s);
        return;
      case 'logic': {
        this.expression(e.left, s, tested);
        const known = guardsOf(e.left);
        this.expression(e.right, { ...s, guards: [...s.guards, ...known] }, tested);
        return;
      }
      case 'concat':
        for (const x of e.parts) this.expression(x, s);
        return;
      case 'compare':
        this.expression(e.first, s);
        for (const x of e.rest) this.expression(x.value, s);
        return;
      case 'if': {
        this.expression(e.test, s, true);
        const guarded = { ...s, guards: [...s.guards, ...guardsOf(e.test)] };
        this.expression(e.yes, guarded);
        if (e.no) this.expression(e.no, guarded);
        return;
      }
    }
  }

  #note(path: string[], line: number, s: Scope, optional = false): void {
    const [root] = path;
    if (root === undefined || s.bound.has(root) || root.startsWith('|')) return;
    if (globalNames.has(root)) return;
    const dotted = path.join('.');
    const guarded = s.guards.some((g) => dotted === g || dotted.startsWith(`${g}.`));
    this.found.push({ path, optional: optional || guarded, template: this.#template, line });
  }
}

/** `a.b['c'].d` as a path; a computed key ends it; null = not a plain path. */
function plainPath(e: Expr): string[] | null {
  if (e.kind === 'name') return [e.name];
  if (e.kind === 'attr') {
    if (cutAt(e.object)) return plainPath(e.object);
    const object = plainPath(e.object);
    return object && [...object, e.name];
  }
  if (e.kind === 'item') {
    const object = plainPath(e.object);
    if (!object || cutAt(e.object)) return object;
    return e.key.kind === 'const' && typeof e.key.value === 'string' ? [...object, e.key.value] : object;
  }
  return null;
}

/** True where the path stopped at a computed key or an index. */
function cutAt(e: Expr): boolean {
  if (e.kind === 'item') return !(e.key.kind === 'const' && typeof e.key.value === 'string') || cutAt(e.object);
  return e.kind === 'attr' && cutAt(e.object);
}

/** Paths that `x is defined` (or its negation, in the other branch) speaks of. */
function guardsOf(e: Expr): string[] {
  if (e.kind === 'test' && (e.name === 'defined' || e.name === 'undefined')) {
    const path = plainPath(e.target);
    return path ? [path.join('.')] : [];
  }
  if (e.kind === 'logic') return [...guardsOf(e.left), ...guardsOf(e.right)];
  if (e.kind === 'unary') return guardsOf(e.operand);
  return [];
}

function namesOf(t: Target): string[] {
  return t.kind === 'tuple' ? t.items.flatMap(namesOf) : [t.name];
}

const union = (a: ReadonlySet<string>, b: Iterable<string>): ReadonlySet<string> => new Set([...a, ...b]);

export function readsOfBody(body: readonly Stmt[], name: string, load: Load | undefined): Read[] {
  const reader = new Reader(name, load);
  reader.body(body, { bound: new Set(), guards: [] });
  return reader.found;
}

export function readsOfExpression(e: Expr, name: string): Read[] {
  const reader = new Reader(name, undefined);
  reader.expression(e, { bound: new Set(), guards: [] });
  return reader.found;
}

/** Names of templates that include, import, from and extends mention, and whether any is computed. */
export function referencesOf(body: readonly Stmt[]): { names: string[]; computed: boolean } {
  const names = new Set<string>();
  let computed = false;
  const visit = (n: unknown): void => {
    if (typeof n !== 'object' || n === null) return;
    if (Array.isArray(n)) {
      for (const x of n) visit(x);
      return;
    }
    const s = n as Stmt;
    if (s.kind === 'include' || s.kind === 'import' || s.kind === 'from' || s.kind === 'extends') {
      const list = s.name.kind === 'list' || s.name.kind === 'tuple' ? s.name.items : [s.name];
      for (const x of list) {
        if (x.kind === 'const' && typeof x.value === 'string') names.add(x.value);
        else computed = true;
      }
    }
    for (const v of Object.values(n)) visit(v);
  };
  visit(body);
  return { names: [...names], computed };
}
