// SPDX-License-Identifier: Apache-2.0
import type { Argument, Expr } from './ast.ts';
import { attribute, item } from './access.ts';
import { Dict } from './dict.ts';
import { TemplateError, typeError } from './errors.ts';
import { joined } from './markup.ts';
import { binary, compareOp, iterate, sliceOf, unary } from './operations.ts';
import type { Frame, Rendering } from './runtime.ts';
import { toText } from './text.ts';
import { entriesOf, isMapping, truthy, Tuple, Undefined } from './values.ts';

export type Evaluate = (r: Rendering, f: Frame) => unknown;

/** The dotted path an expression reads, as far as it is plain: `steps.a.json['x']` → steps.a.json.x */
export function pathOf(e: Expr): string {
  switch (e.kind) {
    case 'name':
      return e.name;
    case 'attr':
      return `${pathOf(e.object)}.${e.name}`;
    case 'item':
      return e.key.kind === 'const' ? `${pathOf(e.object)}.${String(e.key.value)}` : `${pathOf(e.object)}[…]`;
    case 'call':
      return `${pathOf(e.callee)}()`;
    default:
      return '(expression)';
  }
}

/** The name of the hidden variable where a filter block's text waits for its filter. */
export const PIPED = '|piped';

/** An expression as a closure. */
export function compileExpression(e: Expr): Evaluate {
  switch (e.kind) {
    case 'const': {
      const { value } = e;
      return () => value;
    }
    case 'name': {
      const { name } = e;
      return (r, f) => {
        const local = f.get(name);
        if (local !== undefined) return local;
        const outer = r.global(name, f.bare);
        if (outer !== undefined) return outer;
        r.meter.objects(1);
        return new Undefined(name);
      };
    }
    case 'list': {
      const items = e.items.map(compileExpression);
      return (r, f) => {
        r.meter.elements(items.length + 2);
        return items.map((x) => x(r, f));
      };
    }
    case 'tuple': {
      const items = e.items.map(compileExpression);
      return (r, f) => {
        r.meter.elements(items.length + 4);
        return Tuple.fromItems(items.map((x) => x(r, f)));
      };
    }
    case 'dict': {
      const entries = e.entries.map(([k, v]) => [compileExpression(k), compileExpression(v)] as const);
      return (r, f) => {
        r.meter.objects(1);
        r.meter.elements(entries.length * 4);
        const made = new Dict();
        for (const [k, v] of entries) made.put(k(r, f), v(r, f), r.meter);
        return made;
      };
    }
    case 'attr': {
      const object = compileExpression(e.object);
      const { name } = e;
      const path = (): string => pathOf(e);
      return (r, f) => attribute(r, object(r, f), name, path);
    }
    case 'item': {
      const object = compileExpression(e.object);
      const key = compileExpression(e.key);
      const path = (): string => pathOf(e);
      return (r, f) => item(r, object(r, f), key(r, f), path);
    }
    case 'slice': {
      const object = compileExpression(e.object);
      const [start, stop, step] = [e.start, e.stop, e.step].map((x) => (x ? compileExpression(x) : null));
      return (r, f) => sliceOf(object(r, f), start?.(r, f), stop?.(r, f), step?.(r, f), r.meter);
    }
    case 'call':
      return call(e);
    case 'filter':
      return filter(e);
    case 'test': {
      const target = compileExpression(e.target);
      const args = argumentsOf(e.args);
      const { name, negated, line } = e;
      return (r, f) => {
        const value = target(r, f);
        const bound = args(r, f);
        return guard(r, line, () => r.test(name, value, bound.args, bound.kwargs)) !== negated;
      };
    }
    case 'unary': {
      const operand = compileExpression(e.operand);
      if (e.op === 'not') return (r, f) => !truthy(operand(r, f));
      const { op } = e;
      return (r, f) => unary(op, operand(r, f));
    }
    case 'binary': {
      const left = compileExpression(e.left);
      const right = compileExpression(e.right);
      const { op } = e;
      return (r, f) => {
        r.meter.step();
        return binary(op, left(r, f), right(r, f), r.meter);
      };
    }
    case 'logic': {
      const left = compileExpression(e.left);
      const right = compileExpression(e.right);
      if (e.op === 'and') {
        return (r, f) => {
          const a = left(r, f);
          return truthy(a) ? right(r, f) : a;
        };
      }
      return (r, f) => {
        const a = left(r, f);
        return truthy(a) ? a : right(r, f);
      };
    }
    case 'concat': {
      const parts = e.parts.map(compileExpression);
      return (r, f) => {
        const values = parts.map((p) => p(r, f));
        if (r.autoescape) return joined(values, r.meter);
        const texts = values.map((v) => toText(v, r.meter));
        r.meter.chars(texts.reduce((n, t) => n + t.length, 0));
        return texts.join('');
      };
    }
    case 'compare': {
      const first = compileExpression(e.first);
      const rest = e.rest.map((x) => ({ op: x.op, value: compileExpression(x.value) }));
      return (r, f) => {
        let left = first(r, f);
        for (const { op, value } of rest) {
          const right = value(r, f);
          r.meter.step();
          if (!compareOp(op, left, right, r.meter)) return false;
          left = right;
        }
        return true;
      };
    }
    case 'if': {
      const test = compileExpression(e.test);
      const yes = compileExpression(e.yes);
      const no = e.no ? compileExpression(e.no) : null;
      return (r, f) => {
        if (truthy(test(r, f))) return yes(r, f);
        if (no) return no(r, f);
        return new Undefined(
          'inline if',
          'the inline if-expression evaluated to false and no else section was defined.',
          true,
        );
      };
    }
  }
}

interface Bound {
  args: unknown[];
  kwargs: Map<string, unknown>;
}
const NO_KWARGS = new Map<string, unknown>();

function argumentsOf(list: readonly Argument[]): (r: Rendering, f: Frame) => Bound {
  const compiled = list.map((a) => ({ ...a, value: compileExpression(a.value) }));
  if (compiled.every((a) => a.name === null && a.spread === '')) {
    return (r, f) => ({ args: compiled.map((a) => a.value(r, f)), kwargs: NO_KWARGS });
  }
  return (r, f) => {
    const bound: Bound = { args: [], kwargs: new Map() };
    for (const a of compiled) {
      const v = a.value(r, f);
      if (a.spread === '*') {
        const items = iterate(v, r.meter);
        r.meter.elements(items.length);
        for (const x of items) bound.args.push(x);
      } else if (a.spread === '**') {
        if (!isMapping(v)) throw typeError('an argument after ** must be a mapping');
        const entries = entriesOf(v);
        r.meter.elements(entries.length * 4);
        for (const [k, x] of entries) {
          if (typeof k !== 'string') throw typeError('keywords must be strings');
          if (bound.kwargs.has(k)) throw typeError(`got multiple values for keyword argument '${k}'`);
          bound.kwargs.set(k, x);
        }
      } else if (a.name !== null) bound.kwargs.set(a.name, v);
      else bound.args.push(v);
    }
    return bound;
  };
}

function call(e: Extract<Expr, { kind: 'call' }>): Evaluate {
  const callee = compileExpression(e.callee);
  const args = argumentsOf(e.args);
  const { line } = e;
  return (r, f) => {
    const target = callee(r, f);
    const bound = args(r, f);
    return guard(r, line, () => r.call(target, bound.args, bound.kwargs, () => pathOf(e.callee)));
  };
}

function filter(e: Extract<Expr, { kind: 'filter' }>): Evaluate {
  const target = e.target ? compileExpression(e.target) : (_r: Rendering, f: Frame) => f.get(PIPED);
  const args = argumentsOf(e.args);
  const { name, line } = e;
  return (r, f) => {
    const value = target(r, f);
    const bound = args(r, f);
    return guard(r, line, () => r.filter(name, value, bound.args, bound.kwargs));
  };
}

/** A host exception inside a filter, test or call is the template's error, and its record's alone. */
function guard<T>(r: Rendering, line: number, run: () => T): T {
  r.line = line;
  try {
    return run();
  } catch (e) {
    if (e instanceof TemplateError) {
      if (e.line === 0) e.line = r.line;
      if (e.template === '') e.template = r.template;
      throw e;
    }
    if (e instanceof RangeError && /call stack/i.test(e.message))
      throw new TemplateError('limit', 'nested too deeply', { template: r.template, line: r.line, cause: e });
    throw new TemplateError('filter', e instanceof Error ? e.message : String(e), {
      template: r.template,
      line,
      cause: e,
    });
  }
}
