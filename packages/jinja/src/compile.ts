// SPDX-License-Identifier: Apache-2.0
import type { Parameter, Stmt, Target } from './ast.ts';
import { compileExpression } from './compile-expression.ts';
import type { Evaluate } from './compile-expression.ts';
import { TemplateError, typeError } from './errors.ts';
import { makeLoop } from './loop.ts';
import { iterate } from './operations.ts';
import { Frame } from './runtime.ts';
import type { Rendering } from './runtime.ts';
import { toText } from './text.ts';
import { Callable, Facade, Namespace, truthy, Tuple, Undefined } from './values.ts';

export type Run = (r: Rendering, f: Frame) => void;

export interface Block {
  run: Run;
  template: string;
  scoped: boolean;
}

/** A parsed template, ready to run as often as wanted. */
export interface CompiledTemplate {
  readonly name: string;
  readonly body: readonly Stmt[];
  readonly run: Run;
  readonly blocks: ReadonlyMap<string, Block>;
  /** True where the template has `extends`: what it prints outside blocks is dropped. */
  readonly derived: boolean;
}

export function compileTemplate(body: readonly Stmt[], name: string): CompiledTemplate {
  const blocks = new Map<string, Block>();
  const run = sequence(body, { name, blocks });
  return { name, body, run, blocks, derived: body.some((s) => s.kind === 'extends') };
}

interface Context {
  name: string;
  blocks: Map<string, Block>;
}

function sequence(body: readonly Stmt[], c: Context): Run {
  const runs = body.map((s) => statement(s, c));
  const [first, second] = runs;
  if (!first) return () => undefined;
  if (runs.length === 1) return first;
  if (runs.length === 2 && second) {
    return (r, f) => {
      first(r, f);
      second(r, f);
    };
  }
  return (r, f) => {
    for (const run of runs) run(r, f);
  };
}

function statement(s: Stmt, c: Context): Run {
  switch (s.kind) {
    case 'data': {
      const { text } = s;
      return (r) => {
        r.emit(text);
      };
    }
    case 'print': {
      const value = compileExpression(s.value);
      const { line } = s;
      return (r, f) => {
        r.line = line;
        r.meter.step();
        r.emit(toText(value(r, f), r.meter));
      };
    }
    case 'if':
      return ifStatement(s, c);
    case 'for':
      return forStatement(s, c);
    case 'set': {
      const value = compileExpression(s.value);
      const assign = assignment(s.target);
      const { line } = s;
      return (r, f) => {
        r.line = line;
        r.meter.step();
        assign(r, f, value(r, f));
      };
    }
    case 'setblock': {
      const run = sequence(s.body, c);
      const assign = assignment(s.target);
      const filter = s.filter ? compileExpression(s.filter) : null;
      return (r, f) => {
        const inner = new Frame(f);
        const text = r.capture(() => {
          run(r, inner);
        });
        inner.vars.set(PIPED, text);
        assign(r, f, filter ? filter(r, inner) : text);
      };
    }
    case 'filterblock': {
      const run = sequence(s.body, c);
      const filter = compileExpression(s.filter);
      return (r, f) => {
        const inner = new Frame(f);
        const text = r.capture(() => {
          run(r, inner);
        });
        inner.vars.set(PIPED, text);
        r.emit(toText(filter(r, inner), r.meter));
      };
    }
    case 'macro': {
      const make = macro(s.name, s.params, s.body, c);
      return (r, f) => {
        f.vars.set(s.name, make(r, f));
      };
    }
    case 'callblock': {
      const make = macro('caller', s.params, s.body, c);
      if (s.call.kind !== 'call')
        throw new TemplateError('syntax', 'expected call', { template: c.name, line: s.line });
      const extra = {
        name: 'caller',
        spread: '' as const,
        value: { kind: 'name' as const, name: CALLER, line: s.line },
      };
      const call = compileExpression({ ...s.call, args: [...s.call.args, extra] });
      return (r, f) => {
        r.line = s.line;
        const inner = new Frame(f);
        inner.vars.set(CALLER, make(r, f));
        r.emit(toText(call(r, inner), r.meter));
      };
    }
    case 'with': {
      const bindings = s.bindings.map((b) => ({ value: compileExpression(b.value), assign: assignment(b.target) }));
      const run = sequence(s.body, c);
      return (r, f) => {
        const inner = new Frame(f);
        for (const b of bindings) b.assign(r, inner, b.value(r, f));
        run(r, inner);
      };
    }
    case 'scope': {
      const run = sequence(s.body, c);
      return (r, f) => {
        run(r, new Frame(f));
      };
    }
    case 'include':
      return includeStatement(s);
    case 'import': {
      const name = compileExpression(s.name);
      return (r, f) => {
        r.line = s.line;
        f.vars.set(s.target, importModule(r, f, load(r, name(r, f)), s.withContext).facade);
      };
    }
    case 'from': {
      const name = compileExpression(s.name);
      return (r, f) => {
        r.line = s.line;
        const wanted = name(r, f);
        const { frame } = importModule(r, f, load(r, wanted), s.withContext);
        for (const n of s.names) {
          const v = frame.vars.get(n.name);
          f.vars.set(
            n.alias,
            v ??
              new Undefined(n.name, `the template '${String(wanted)}' does not export the requested name '${n.name}'`),
          );
        }
      };
    }
    case 'extends':
      return extendsStatement(s);
    case 'block': {
      const run = sequence(s.body, c);
      c.blocks.set(s.name, { run, template: c.name, scoped: s.scoped });
      return (r, f) => {
        if (r.blocks.get(s.name) === undefined) throw new Error('blocks are registered before a template runs');
        runBlock(r, s.scoped ? f : topOf(f), s.name, 0);
      };
    }
  }
}

/** Where the value of a filter block or a filtered set block waits for its filter. */
const PIPED = '|piped';
const CALLER = '|caller';
export { PIPED };

function topOf(f: Frame): Frame {
  let top = f;
  while (top.outer) top = top.outer;
  return top;
}

function runBlock(r: Rendering, outer: Frame, name: string, level: number): void {
  const chain = r.blocks.get(name) ?? [];
  const block = chain[level];
  if (!block) throw new TemplateError('undefined', `there is no parent block called '${name}'.`, { variable: 'super' });
  const frame = new Frame(outer);
  frame.vars.set(
    'super',
    chain[level + 1]
      ? new Callable('super', () =>
          r.capture(() => {
            runBlock(r, outer, name, level + 1);
          }),
        )
      : new Undefined('super', `there is no parent block called '${name}'.`),
  );
  r.meter.enter();
  const { template } = r;
  r.template = block.template;
  block.run(r, frame);
  r.template = template;
  r.meter.leave();
}

/** Runs a template that was loaded, with its blocks behind those of what derives from it. */
export function runTemplate(r: Rendering, t: CompiledTemplate, f: Frame): void {
  for (const [name, block] of t.blocks) {
    const chain = r.blocks.get(name);
    if (chain) chain.push(block);
    else r.blocks.set(name, [block]);
  }
  f.vars.set(
    'self',
    new Facade('TemplateReference', (name) =>
      r.blocks.has(name)
        ? new Callable(`block ${name}`, () =>
            r.capture(() => {
              runBlock(r, topOf(f), name, 0);
            }),
          )
        : undefined,
    ),
  );
  const { template, line } = r;
  r.template = t.name;
  t.run(r, f);
  r.template = template;
  r.line = line;
}

function extendsStatement(s: Extract<Stmt, { kind: 'extends' }>): Run {
  const name = compileExpression(s.name);
  return (r, f) => {
    r.line = s.line;
    const parent = load(r, name(r, f));
    r.meter.enter();
    runTemplate(r, parent, f);
    r.meter.leave();
    // What follows in the child only defines: it prints nothing.
    throw new ParentRendered();
  };
}

/** Ends the run of a template whose parent has been rendered. */
export class ParentRendered {}

function ifStatement(s: Extract<Stmt, { kind: 'if' }>, c: Context): Run {
  const arms = s.arms.map((a) => ({ test: compileExpression(a.test), run: sequence(a.body, c), line: a.test.line }));
  const otherwise = sequence(s.otherwise, c);
  return (r, f) => {
    r.meter.step();
    for (const arm of arms) {
      r.line = arm.line;
      if (truthy(arm.test(r, f))) {
        arm.run(r, f);
        return;
      }
    }
    otherwise(r, f);
  };
}

function forStatement(s: Extract<Stmt, { kind: 'for' }>, c: Context): Run {
  const iter = compileExpression(s.iter);
  const filter = s.filter ? compileExpression(s.filter) : null;
  const assign = assignment(s.target);
  const body = sequence(s.body, c);
  const otherwise = sequence(s.otherwise, c);
  const usesLoop = s.recursive || mentions(s.body, 'loop');
  const { line } = s;
  const loopOver = (r: Rendering, outer: Frame, source: unknown, depth: number): void => {
    r.line = line;
    let items = iterate(source, r.meter);
    if (filter) {
      r.meter.elements(items.length);
      items = items.filter((x) => {
        r.meter.step();
        const probe = new Frame(outer);
        probe.vars.set('loop', new Undefined('loop'));
        assign(r, probe, x);
        return truthy(filter(r, probe));
      });
    }
    if (items.length === 0) {
      otherwise(r, new Frame(outer));
      return;
    }
    const again = s.recursive
      ? (args: unknown[]) =>
          r.capture(() => {
            r.meter.enter();
            loopOver(r, outer, args[0], depth + 1);
            r.meter.leave();
          })
      : undefined;
    const loop = usesLoop ? makeLoop(items, depth, again) : null;
    for (const x of items) {
      r.meter.step();
      const frame = new Frame(outer);
      if (loop) {
        loop.advance();
        frame.vars.set('loop', loop.facade);
      }
      assign(r, frame, x);
      body(r, frame);
    }
  };
  return (r, f) => {
    r.line = line;
    loopOver(r, f, iter(r, f), 0);
  };
}

/** True where a name is read anywhere below; cheap and on the safe side. */
function mentions(node: unknown, name: string): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (Array.isArray(node)) return node.some((n) => mentions(n, name));
  const n = node as Record<string, unknown>;
  if (n['kind'] === 'name' && n['name'] === name) return true;
  if (n['kind'] === 'include') return true;
  return Object.values(n).some((v) => typeof v === 'object' && mentions(v, name));
}

function assignment(target: Target): (r: Rendering, f: Frame, value: unknown) => void {
  if (target.kind === 'name') {
    const { name } = target;
    return (_r, f, value) => {
      f.vars.set(name, value);
    };
  }
  if (target.kind === 'ns') {
    return (_r, f, value) => {
      const ns = f.get(target.name);
      if (!(ns instanceof Namespace)) throw typeError('cannot assign attribute on non-namespace object');
      ns.attributes.set(target.attr, value);
    };
  }
  const parts = target.items.map(assignment);
  return (r, f, value) => {
    const items = iterate(value, r.meter);
    if (items.length !== parts.length) {
      throw typeError(
        items.length < parts.length
          ? `not enough values to unpack (expected ${parts.length}, got ${items.length})`
          : `too many values to unpack (expected ${parts.length})`,
      );
    }
    for (const [i, assign] of parts.entries()) assign(r, f, items[i]);
  };
}

function macro(
  name: string,
  params: readonly Parameter[],
  body: readonly Stmt[],
  c: Context,
): (r: Rendering, f: Frame) => Callable {
  const run = sequence(body, c);
  const fallbacks: (Evaluate | null)[] = params.map((p) => (p.fallback ? compileExpression(p.fallback) : null));
  const takesCaller = mentions(body, 'caller') || params.some((p) => p.name === 'caller');
  const takesVarargs = mentions(body, 'varargs');
  const takesKwargs = mentions(body, 'kwargs');
  const attributes = new Map<string, unknown>([
    ['name', name],
    ['arguments', Tuple.fromItems(params.map((p) => p.name))],
    ['catch_kwargs', takesKwargs],
    ['catch_varargs', takesVarargs],
    ['caller', takesCaller],
  ]);
  return (r, defined) =>
    new Callable(
      `Macro '${name}'`,
      (args, kwargs) => {
        const frame = new Frame(defined);
        const left = new Map(kwargs);
        const bound = new Map<string, unknown>();
        for (const [i, p] of params.entries()) {
          if (i < args.length) {
            if (left.has(p.name)) throw typeError(`macro '${name}' got multiple values for argument '${p.name}'`);
            bound.set(p.name, args[i]);
          } else if (left.has(p.name)) {
            bound.set(p.name, left.get(p.name));
            left.delete(p.name);
          }
        }
        const caller = left.get('caller');
        left.delete('caller');
        if (takesCaller) frame.vars.set('caller', caller ?? new Undefined('caller', 'No caller defined'));
        else if (caller !== undefined)
          throw typeError(
            `macro '${name}' was invoked with two values for the special caller argument. This is most likely a bug.`,
          );
        if (left.size > 0 && !takesKwargs)
          throw typeError(`macro '${name}' takes no keyword argument '${String(left.keys().next().value)}'`);
        if (args.length > params.length && !takesVarargs)
          throw typeError(`macro '${name}' takes not more than ${params.length} argument(s)`);
        if (takesVarargs) frame.vars.set('varargs', Tuple.fromItems(args.slice(params.length)));
        if (takesKwargs) frame.vars.set('kwargs', left);
        for (const [i, p] of params.entries()) {
          if (bound.has(p.name)) frame.vars.set(p.name, bound.get(p.name));
          else {
            const fallback = fallbacks[i];
            frame.vars.set(
              p.name,
              fallback ? fallback(r, frame) : new Undefined(p.name, `parameter '${p.name}' was not provided`),
            );
          }
        }
        r.meter.enter();
        const { template, line } = r;
        r.template = c.name;
        const text = r.capture(() => {
          run(r, frame);
        });
        r.template = template;
        r.line = line;
        r.meter.leave();
        return text;
      },
      attributes,
    );
}

function load(r: Rendering, name: unknown): CompiledTemplate {
  if (name instanceof Undefined) name.fail();
  if (typeof name !== 'string') throw typeError('the name of a template is a string');
  const found = r.load?.(name);
  if (!found) throw new TemplateError('missing_template', `template '${name}' not found`, { variable: name });
  return found;
}

function includeStatement(s: Extract<Stmt, { kind: 'include' }>): Run {
  const name = compileExpression(s.name);
  return (r, f) => {
    r.line = s.line;
    const wanted = name(r, f);
    const names = Array.isArray(wanted) ? (wanted as unknown[]) : [wanted];
    let found: CompiledTemplate | undefined;
    for (const n of names) {
      if (n instanceof Undefined) n.fail();
      if (typeof n !== 'string') throw typeError('the name of a template is a string');
      found ??= r.load?.(n);
    }
    if (!found) {
      if (s.ignoreMissing) return;
      const all = names.map(String).join(', ');
      throw new TemplateError('missing_template', `template '${all}' not found`, { variable: all });
    }
    inOwnBlocks(r, found, s.withContext ? new Frame(f) : new Frame(null));
  };
}

/** Renders a template apart: its blocks are its own. */
function inOwnBlocks(r: Rendering, t: CompiledTemplate, f: Frame): void {
  const { blocks } = r;
  r.blocks = new Map();
  r.meter.enter();
  renderInto(r, t, f);
  r.meter.leave();
  r.blocks = blocks;
}

/** Runs a template to its end, through its parents. */
export function renderInto(r: Rendering, t: CompiledTemplate, f: Frame): void {
  const keep = r.out.length;
  const { template, line } = r;
  try {
    if (!t.derived) {
      runTemplate(r, t, f);
      return;
    }
    // A derived template prints nothing of its own before `extends`... but what stands before it.
    runTemplate(r, t, f);
  } catch (e) {
    if (!(e instanceof ParentRendered)) throw e;
    r.template = template;
    r.line = line;
    void keep;
  }
}

function importModule(
  r: Rendering,
  f: Frame,
  t: CompiledTemplate,
  withContext: boolean,
): { facade: Facade; frame: Frame } {
  const frame = new Frame(withContext ? f : new Frame(null));
  let text = '';
  text = r.capture(() => {
    inOwnBlocks(r, t, frame);
  });
  frame.vars.delete('self');
  const label = `TemplateModule '${t.name}'`;
  const facade = new Facade(label, (name) => (name.startsWith('_') ? undefined : frame.vars.get(name)));
  void text;
  return { facade, frame };
}
