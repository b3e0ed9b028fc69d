// SPDX-License-Identifier: Apache-2.0
import type { Parameter, Stmt } from './ast.ts';
import { mentions } from './ast-walk.ts';
import type { Run } from './compile.ts';
import { compileExpression } from './compile-expression.ts';
import type { Evaluate } from './compile-expression.ts';
import { Dict } from './dict.ts';
import { typeError } from './errors.ts';
import { Frame } from './runtime.ts';
import type { Rendering } from './runtime.ts';
import { Callable, Tuple, Undefined } from './values.ts';

export interface MacroSource {
  name: string;
  params: readonly Parameter[];
  body: readonly Stmt[];
  /** The compiled body. */
  run: Run;
  /** Name of the template that it stands in, for errors. */
  template: string;
}

/** What makes the macro in a scope; the macro sees that scope when it is called. */
export function compileMacro(source: MacroSource): (r: Rendering, f: Frame) => Callable {
  const { name, params, body, run } = source;
  const fallbacks: (Evaluate | null)[] = params.map((p) => (p.fallback ? compileExpression(p.fallback) : null));
  const takes = {
    caller: mentions(body, 'caller') || params.some((p) => p.name === 'caller'),
    varargs: mentions(body, 'varargs') && !params.some((p) => p.name === 'varargs'),
    kwargs: mentions(body, 'kwargs') && !params.some((p) => p.name === 'kwargs'),
  };
  const attributes = new Map<string, unknown>([
    ['name', name],
    ['arguments', Tuple.fromItems(params.map((p) => p.name))],
    ['catch_kwargs', takes.kwargs],
    ['catch_varargs', takes.varargs],
    ['caller', takes.caller],
  ]);

  const bind = (r: Rendering, frame: Frame, args: unknown[], kwargs: ReadonlyMap<string, unknown>): void => {
    const left = new Dict();
    for (const [key, value] of kwargs) left.set(key, value);
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
    if (takes.caller) frame.vars.set('caller', caller ?? new Undefined('caller', 'No caller defined'));
    else if (caller !== undefined)
      throw typeError(
        `macro '${name}' was invoked with two values for the special caller argument. This is most likely a bug.`,
      );
    if (left.size > 0 && !takes.kwargs)
      throw typeError(`macro '${name}' takes no keyword argument '${String(left.keys().next().value)}'`);
    if (args.length > params.length && !takes.varargs)
      throw typeError(`macro '${name}' takes not more than ${params.length} argument(s)`);
    if (takes.varargs) frame.vars.set('varargs', Tuple.fromItems(args.slice(params.length)));
    if (takes.kwargs) frame.vars.set('kwargs', left);
    for (const [i, p] of params.entries()) {
      if (bound.has(p.name)) {
        frame.vars.set(p.name, bound.get(p.name));
        continue;
      }
      const fallback = fallbacks[i];
      const value = fallback ? fallback(r, frame) : new Undefined(p.name, `parameter '${p.name}' was not provided`);
      frame.vars.set(p.name, value);
    }
  };

  return (r, defined) => {
    r.meter.objects(1);
    const { autoescape } = r;
    return new Callable(
      `Macro '${name}'`,
      (args, kwargs) => {
        r.meter.step(params.length + (args.length >> 3));
        const frame = new Frame(defined);
        bind(r, frame, args, kwargs);
        r.meter.enter();
        const { template, line } = r;
        r.template = source.template;
        const text = r.capture(() => {
          r.escaping(autoescape, () => {
            run(r, frame);
          });
        });
        r.template = template;
        r.line = line;
        r.meter.leave();
        return r.captured(text);
      },
      attributes,
    );
  };
}
