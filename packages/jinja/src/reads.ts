// SPDX-License-Identifier: Apache-2.0
import type { Expr, Stmt, Target } from './ast.ts';
import { mentions } from './ast-walk.ts';
import type { CompiledTemplate } from './compile.ts';
import { TemplateError } from './errors.ts';
import { globalNames } from './globals.ts';

/** One place where a template needs something of its context. */
export interface Read {
  /** Dotted path; it ends where a key is computed. */
  path: string[];
  /** Asked for with `is defined`, `in`, `default` or under such an `if`: may be missing. */
  optional: boolean;
  /** Only looked into for something that may be missing, as `a` in `a.b is defined`. */
  holder?: true;
  /** Asked for where the data is out of reach (an import, or an include without context): no row can give it. */
  hidden?: true;
  template: string;
  line: number;
}

type Load = (name: string) => CompiledTemplate | undefined;

/** Names that a template binds, in one scope; those of outer scopes count too. */
class Names {
  readonly own: Set<string>;
  readonly #outer: Names | null;
  constructor(outer: Names | null, own: Iterable<string> = []) {
    this.#outer = outer;
    this.own = new Set(own);
  }
  add(names: Iterable<string>): void {
    for (const n of names) this.own.add(n);
  }
  has(name: string): boolean {
    return this.own.has(name) || (this.#outer?.has(name) ?? false);
  }
}

/** Where a statement stands; `guards` are paths known to be defined there. */
interface Scope {
  bound: Names;
  guards: Names | null;
  /** Where names of the data are out of reach: what is not bound is undefined, whatever a row has. */
  bare: boolean;
  /** Where a template that extends another skips what it prints. */
  silent: boolean;
}

const within = (s: Scope, names: Iterable<string> = [], guards: readonly string[] = []): Scope => ({
  ...s,
  bound: new Names(s.bound, names),
  guards: guards.length > 0 ? new Names(s.guards, guards) : s.guards,
});
const alone = (bare: boolean): Scope => ({ bound: new Names(null), guards: null, bare, silent: false });
const speaking = (s: Scope): Scope => ({ ...s, silent: false });

/** Statements looked at, through includes: templates that name each other can double without end. */
const MAX_STATEMENTS = 200_000;

class Reader {
  readonly found: Read[] = [];
  readonly #load: Load | undefined;
  readonly #visiting = new Set<string>();
  #parents: Expr[] = [];
  /** The scope of the running template as a whole, which its blocks see. */
  #top = alone(false);
  /** Bodies of macros: they see what is bound when they are called, so they are looked at last. */
  #macros: (() => void)[] = [];
  /** Blocks that a template further down replaces. */
  #overridden: ReadonlySet<string> = new Set();
  #statements = 0;
  #template: string;

  constructor(template: string, load: Load | undefined) {
    this.#template = template;
    this.#load = load;
  }

  /** Statements of one scope; what they bind is bound for those that follow. */
  body(list: readonly Stmt[], s: Scope): void {
    for (const statement of list) {
      if (++this.#statements > MAX_STATEMENTS)
        throw new TemplateError('limit', `more than ${String(MAX_STATEMENTS)} statements through includes`, {
          template: this.#template,
          line: statement.line,
        });
      this.#statement(statement, s);
    }
  }

  #statement(n: Stmt, s: Scope): void {
    switch (n.kind) {
      case 'data':
        return;
      case 'print':
        if (!s.silent) this.expression(n.value, s);
        return;
      case 'if':
        this.#if(n, s);
        return;
      case 'for': {
        this.expression(n.iter, s);
        const inner = within(s, [...namesOf(n.target), 'loop']);
        if (n.filter) this.expression(n.filter, inner);
        this.body(n.body, inner);
        this.body(n.otherwise, within(s));
        return;
      }
      case 'set':
        this.expression(n.value, s);
        s.bound.add(namesOf(n.target));
        return;
      case 'setblock':
        this.body(n.body, speaking(within(s)));
        if (n.filter) this.expression(n.filter, s);
        s.bound.add(namesOf(n.target));
        return;
      case 'macro': {
        const params = n.params.map((p) => p.name);
        const inner = within(s, [n.name, 'caller', 'varargs', 'kwargs', ...params]);
        const template = this.#template;
        this.#macros.push(() => {
          this.#template = template;
          for (const p of n.params) if (p.fallback) this.expression(p.fallback, inner);
          this.body(n.body, speaking(inner));
        });
        s.bound.add([n.name]);
        return;
      }
      case 'callblock': {
        this.expression(n.call, s);
        const params = n.params.map((p) => p.name);
        for (const p of n.params) if (p.fallback) this.expression(p.fallback, within(s, params));
        this.body(n.body, speaking(within(s, params)));
        return;
      }
      case 'filterblock':
        this.expression(n.filter, s);
        this.body(n.body, within(s));
        return;
      case 'with': {
        for (const b of n.bindings) this.expression(b.value, s);
        const names = n.bindings.flatMap((b) => namesOf(b.target));
        this.body(n.body, within(s, names));
        return;
      }
      case 'autoescape':
        this.expression(n.value, s);
        this.body(n.body, within(s));
        return;
      case 'block':
        if (this.#overridden.has(n.name)) return;
        this.body(n.body, speaking(within(n.scoped ? s : this.#top, ['super', 'self'])));
        return;
      case 'include':
        this.expression(n.name, s);
        this.#follow(n.name, n.withContext ? speaking(within(s)) : alone(true));
        return;
      case 'import':
        this.expression(n.name, s);
        this.#follow(n.name, n.withContext ? speaking(within(s)) : alone(true));
        s.bound.add([n.target]);
        return;
      case 'from':
        this.expression(n.name, s);
        this.#follow(n.name, n.withContext ? speaking(within(s)) : alone(true));
        s.bound.add(n.names.map((x) => x.alias));
        return;
      case 'extends':
        this.expression(n.name, s);
        this.#parents.push(n.name);
        return;
    }
  }

  /** What any arm binds counts as bound after it: a name that only some arms set is not the context's to give. */
  #if(n: Extract<Stmt, { kind: 'if' }>, s: Scope): void {
    const bound: Names[] = [];
    const guards: string[] = [];
    for (const arm of n.arms) {
      this.expression(arm.test, s);
      const known = guardsOf(arm.test);
      guards.push(...known);
      const inner = within(s, [], known);
      this.body(arm.body, inner);
      bound.push(inner.bound);
    }
    const otherwise = within(s, [], guards);
    this.body(n.otherwise, otherwise);
    for (const names of [...bound, otherwise.bound]) s.bound.add(names.own);
  }

  /** A whole template: what it extends runs at its end, over the names that it binds. */
  template(body: readonly Stmt[], s: Scope, overridden: ReadonlySet<string> = new Set()): void {
    const outer = { parents: this.#parents, overridden: this.#overridden, top: this.#top, macros: this.#macros };
    this.#parents = [];
    this.#overridden = overridden;
    this.#top = s;
    this.#macros = [];
    s.bound.add(['self']);
    // Blocks of a derived template run when all else of it has.
    const isBlock = (n: Stmt): boolean => n.kind === 'block';
    const derives = body.some((n) => n.kind === 'extends');
    if (derives)
      this.body(
        body.filter((n) => !isBlock(n)),
        { ...s, silent: true },
      );
    this.body(derives ? body.filter(isBlock) : body, s);
    const template = this.#template;
    for (let macro = this.#macros.shift(); macro; macro = this.#macros.shift()) macro();
    this.#template = template;
    const parents = this.#parents;
    const own = body.flatMap((n) => (n.kind === 'block' && !mentions(n.body, 'super') ? [n.name] : []));
    for (const name of parents) this.#follow(name, s, new Set([...overridden, ...own]));
    this.#parents = outer.parents;
    this.#overridden = outer.overridden;
    this.#top = outer.top;
    this.#macros = outer.macros;
  }

  /** Reads of a template named by a constant (or a list of them); others are not known before they run. */
  #follow(name: Expr, s: Scope, overridden?: ReadonlySet<string>): void {
    const names = name.kind === 'list' || name.kind === 'tuple' ? name.items : [name];
    for (const n of names) {
      if (n.kind !== 'const' || typeof n.value !== 'string' || this.#visiting.has(n.value)) continue;
      const t = this.#load?.(n.value);
      if (!t) continue;
      const outer = this.#template;
      this.#template = t.name;
      this.#visiting.add(n.value);
      this.template(t.body, s, overridden);
      this.#visiting.delete(n.value);
      this.#template = outer;
    }
  }

  expression(e: Expr, s: Scope): void {
    const path = plainPath(e);
    if (path) {
      this.#note(path, e.line, s);
      for (let at = e; at.kind === 'attr' || at.kind === 'item'; at = at.object)
        if (at.kind === 'item' && at.key.kind !== 'const') this.expression(at.key, s);
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
        this.expression(e.operand, s);
        return;
      case 'binary':
        this.expression(e.left, s);
        this.expression(e.right, s);
        return;
      case 'logic': {
        const guards = new Names(s.guards);
        for (const operand of operandsOf(e)) {
          this.expression(operand, { ...s, guards });
          guards.add(guardsOf(operand));
        }
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
        this.expression(e.test, s);
        const guarded = within(s, [], guardsOf(e.test));
        this.expression(e.yes, guarded);
        if (e.no) this.expression(e.no, guarded);
        return;
      }
    }
  }

  #note(path: string[], line: number, s: Scope, optional = false): void {
    const [root] = path;
    if (root === undefined || s.bound.has(root) || root.startsWith('|') || globalNames.has(root)) return;
    const { guards } = s;
    const guarded = guards !== null && path.some((_, i) => guards.has(path.slice(0, i + 1).join('.')));
    if (s.bare) {
      if (!optional && !guarded)
        this.found.push({ path, optional: true, hidden: true, template: this.#template, line });
      return;
    }
    this.found.push({ path, optional: optional || guarded, template: this.#template, line });
    // What may be missing is looked for in something that may not.
    if (optional && !guarded && path.length > 1)
      this.found.push({ path: path.slice(0, -1), optional: false, holder: true, template: this.#template, line });
  }
}

/** `a.b['c'].d` as a path; a computed key or an index ends it; null = not a plain path. */
function plainPath(e: Expr): string[] | null {
  const keys: (string | null)[] = [];
  let at = e;
  while (at.kind === 'attr' || at.kind === 'item') {
    if (at.kind === 'attr') keys.push(at.name);
    else keys.push(at.key.kind === 'const' && typeof at.key.value === 'string' ? at.key.value : null);
    at = at.object;
  }
  if (at.kind !== 'name') return null;
  const path = [at.name];
  for (const key of keys.reverse()) {
    if (key === null) break;
    path.push(key);
  }
  return path;
}

/** What a row of `and` or of `or` joins, from left to right. */
function operandsOf(e: Expr & { kind: 'logic' }): Expr[] {
  const operands: Expr[] = [];
  let at: Expr = e;
  for (; at.kind === 'logic' && at.op === e.op; at = at.left) operands.push(at.right);
  operands.push(at);
  return operands.reverse();
}

/** Paths that `x is defined` (or its negation, in the other branch) speaks of. */
function guardsOf(e: Expr): string[] {
  if (e.kind === 'test' && (e.name === 'defined' || e.name === 'undefined')) {
    const path = plainPath(e.target);
    return path ? [path.join('.')] : [];
  }
  if (e.kind === 'compare') return membershipsOf(e);
  if (e.kind === 'logic') return operandsOf(e).flatMap(guardsOf);
  if (e.kind === 'unary') return guardsOf(e.operand);
  return [];
}

/** `'key' in path`, or not in it, speaks of path.key. */
function membershipsOf(e: Expr & { kind: 'compare' }): string[] {
  const [test, ...more] = e.rest;
  if (!test || more.length > 0 || !test.op.endsWith('in')) return [];
  if (e.first.kind !== 'const' || typeof e.first.value !== 'string') return [];
  const path = plainPath(test.value);
  return path ? [[...path, e.first.value].join('.')] : [];
}

function namesOf(t: Target): string[] {
  return t.kind === 'tuple' ? t.items.flatMap(namesOf) : [t.name];
}

export function readsOfBody(body: readonly Stmt[], name: string, load: Load | undefined): Read[] {
  const reader = new Reader(name, load);
  reader.template(body, alone(false));
  return reader.found;
}

export function readsOfExpression(e: Expr, name: string): Read[] {
  const reader = new Reader(name, undefined);
  reader.expression(e, alone(false));
  return reader.found;
}

/** Names of templates that include, import, from and extends mention, and whether any is computed. */
export function referencesOf(body: readonly Stmt[]): { names: string[]; needed: Set<string>; computed: boolean } {
  const names = new Set<string>();
  const needed = new Set<string>();
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
        if (x.kind === 'const' && typeof x.value === 'string') {
          names.add(x.value);
          // Of a list any one will do, which only rendering can tell.
          if (list.length === 1 && !(s.kind === 'include' && s.ignoreMissing)) needed.add(x.value);
        } else computed = true;
      }
    }
    for (const v of Object.values(n)) visit(v);
  };
  visit(body);
  return { names: [...names], needed, computed };
}
