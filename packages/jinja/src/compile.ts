// SPDX-License-Identifier: Apache-2.0
import type { Stmt, Target } from './ast.ts';
import { mentions, stepsOf } from './ast-walk.ts';
import { compileExpression, PIPED } from './compile-expression.ts';
import { TemplateError, typeError } from './errors.ts';
import { makeLoop } from './loop.ts';
import { compileMacro } from './macros.ts';
import { iterate } from './operations.ts';
import { Frame } from './runtime.ts';
import type { Rendering } from './runtime.ts';
import { blockStatement, extendsStatement, fromStatement, importStatement, includeStatement } from './templates.ts';
import { toText } from './text.ts';
import { Namespace, truthy } from './values.ts';

export type Run = (r: Rendering, f: Frame) => void;

export interface Block {
  run: Run;
  template: string;
}

/** A parsed template, ready to run as often as wanted. */
export interface CompiledTemplate {
  readonly name: string;
  readonly body: readonly Stmt[];
  readonly run: Run;
  readonly blocks: ReadonlyMap<string, Block>;
}

export function compileTemplate(body: readonly Stmt[], name: string): CompiledTemplate {
  const blocks = new Map<string, Block>();
  const run = sequence(body, { name, blocks, top: true });
  return { name, body, run, blocks };
}

interface Context {
  name: string;
  blocks: Map<string, Block>;
  /** False within anything but `if`, where `extends` can't stand. */
  top: boolean;
}

/** The name of the hidden variable that takes a call block's body to its macro. */
const CALLER = '|caller';

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
  const inside = c.top ? { ...c, top: false } : c;
  switch (s.kind) {
    case 'data': {
      const { text } = s;
      return (r) => {
        if (!r.silent) r.emit(text);
      };
    }
    case 'print': {
      const value = compileExpression(s.value);
      const steps = stepsOf(s.value);
      const { line } = s;
      return (r, f) => {
        r.line = line;
        r.meter.step(steps);
        if (!r.silent) r.print(value(r, f));
      };
    }
    case 'if':
      return ifStatement(s, c);
    case 'for':
      return forStatement(s, inside);
    case 'set': {
      const value = compileExpression(s.value);
      const assign = assignment(s.target);
      const steps = stepsOf(s.value);
      const { line } = s;
      return (r, f) => {
        r.line = line;
        r.meter.step(steps);
        assign(r, f, value(r, f));
      };
    }
    case 'setblock': {
      const captured = capturing(s.body, inside);
      const assign = assignment(s.target);
      const filter = s.filter ? compileExpression(s.filter) : null;
      return (r, f) => {
        const inner = captured(r, f);
        assign(r, f, filter ? filter(r, inner) : inner.vars.get(PIPED));
      };
    }
    case 'filterblock': {
      // What a derived template skips, it skips in here too; what is left goes through the filter.
      const captured = capturing(s.body, inside, true);
      const filter = compileExpression(s.filter);
      return (r, f) => {
        r.emit(toText(filter(r, captured(r, f)), r.meter));
      };
    }
    case 'macro': {
      const { name, params, body } = s;
      const make = compileMacro({ name, params, body, run: sequence(body, inside), template: c.name });
      return (r, f) => {
        r.meter.step();
        f.vars.set(name, make(r, f));
      };
    }
    case 'callblock':
      return callStatement(s, inside);
    case 'with': {
      const bindings = s.bindings.map((b) => ({ value: compileExpression(b.value), assign: assignment(b.target) }));
      const steps = s.bindings.reduce((n, b) => n + stepsOf(b.value), 1);
      const run = sequence(s.body, inside);
      return (r, f) => {
        r.line = s.line;
        r.meter.step(steps);
        const inner = new Frame(f);
        for (const b of bindings) b.assign(r, inner, b.value(r, f));
        run(r, inner);
      };
    }
    case 'autoescape': {
      const value = compileExpression(s.value);
      const steps = stepsOf(s.value);
      const run = sequence(s.body, inside);
      return (r, f) => {
        r.line = s.line;
        r.meter.step(steps);
        r.escaping(truthy(value(r, f)), () => {
          run(r, new Frame(f));
        });
      };
    }
    case 'include':
      return includeStatement(s);
    case 'import':
      return importStatement(s);
    case 'from':
      return fromStatement(s);
    case 'extends':
      if (!c.top)
        throw new TemplateError('syntax', 'extends stands outside of loops, blocks and macros only', {
          template: c.name,
          line: s.line,
        });
      return extendsStatement(s);
    case 'block':
      c.blocks.set(s.name, { run: sequence(s.body, inside), template: c.name });
      return blockStatement(s, c.top);
  }
}

/** Runs a body apart; the frame that comes back holds its text for a filter. */
function capturing(body: readonly Stmt[], c: Context, keepSilence = false): (r: Rendering, f: Frame) => Frame {
  const run = sequence(body, c);
  return (r, f) => {
    r.meter.step();
    const inner = new Frame(f);
    const { silent } = r;
    const text = r.capture(() => {
      r.silent = keepSilence && silent;
      run(r, inner);
    });
    inner.vars.set(PIPED, r.captured(text));
    return inner;
  };
}

function callStatement(s: Extract<Stmt, { kind: 'callblock' }>, c: Context): Run {
  const { params, body, line } = s;
  if (s.call.kind !== 'call') throw new TemplateError('syntax', 'expected call', { template: c.name, line });
  const make = compileMacro({ name: 'caller', params, body, run: sequence(body, c), template: c.name });
  const caller = { name: 'caller', spread: '' as const, value: { kind: 'name' as const, name: CALLER, line } };
  const call = compileExpression({ ...s.call, args: [...s.call.args, caller] });
  const steps = stepsOf(s.call);
  return (r, f) => {
    r.line = line;
    r.meter.step(steps);
    const inner = new Frame(f);
    inner.vars.set(CALLER, make(r, f));
    r.print(call(r, inner));
  };
}

function ifStatement(s: Extract<Stmt, { kind: 'if' }>, c: Context): Run {
  const arms = s.arms.map((a) => ({ test: compileExpression(a.test), run: sequence(a.body, c), line: a.test.line }));
  const otherwise = sequence(s.otherwise, c);
  const steps = s.arms.reduce((n, a) => n + stepsOf(a.test), 0);
  return (r, f) => {
    r.meter.step(steps);
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
  const steps = s.filter ? stepsOf(s.filter) : 0;
  const { line } = s;
  const loopOver = (r: Rendering, outer: Frame, source: unknown, depth: number): void => {
    r.line = line;
    let items = iterate(source, r.meter);
    if (filter) {
      r.meter.elements(items.length);
      items = items.filter((x) => {
        r.meter.step(steps);
        const probe = new Frame(outer);
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
          r.captured(
            r.capture(() => {
              r.meter.enter();
              loopOver(r, outer, args[0], depth + 1);
              r.meter.leave();
            }),
          )
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
  const started = stepsOf(s.iter);
  return (r, f) => {
    r.line = line;
    r.meter.step(started);
    loopOver(r, f, iter(r, f), 0);
  };
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
    r.meter.step(parts.length >> 3);
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
