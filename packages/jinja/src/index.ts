// SPDX-License-Identifier: Apache-2.0
import type { Expr } from './ast.ts';
import { compileTemplate } from './compile.ts';
import type { CompiledTemplate } from './compile.ts';
import { compileExpression } from './compile-expression.ts';
import type { Evaluate } from './compile-expression.ts';
import { TemplateError } from './errors.ts';
import { ExpressionParser } from './expression-parser.ts';
import { tokenize, tokenizeExpression } from './lexer.ts';
import type { Limits } from './meter.ts';
import { TemplateParser } from './parser.ts';
import { plainData } from './plain-data.ts';
import { readsOfBody, readsOfExpression, referencesOf } from './reads.ts';
import type { Read } from './reads.ts';
import { Frame, Rendering } from './runtime.ts';
import type { Data } from './runtime.ts';
import { runTemplate } from './templates.ts';
import { truthy, Undefined } from './values.ts';

export type Template = CompiledTemplate;

/** A parsed expression (`when`, `compute`). */
export interface Expression {
  readonly name: string;
  readonly tree: Expr;
  readonly run: Evaluate;
}

export interface RenderOptions {
  /** The template that include, import or extends names; undefined = there is none. */
  load?: ((name: string) => Template | undefined) | undefined;
  /** Uniform integer in [0, n); the random filters draw from it. */
  draw?: ((n: number) => number) | undefined;
  limits?: Partial<Limits> | undefined;
  /** A mapping of the data whose entries go before the methods of mappings: `.copy` is its entry, where it has one. */
  entriesFirst?: object | undefined;
}

/** Parses a template for repeated use. @throws TemplateError syntax */
export function parse(text: string, name = '<template>'): Template {
  return shielded(name, () => compileTemplate(new TemplateParser(tokenize(text, name), name).document(), name));
}

/** Parses a bare expression. @throws TemplateError syntax */
export function parseExpression(text: string, name = '<expression>'): Expression {
  return shielded(name, () => {
    const parser = new ExpressionParser(tokenizeExpression(text, name), name);
    const tree = parser.tupleOrExpression();
    if (parser.peek().type !== 'eof') parser.fail(`expected end of expression, got '${parser.peek().text}'`);
    return { name, tree, run: compileExpression(tree) };
  });
}

/** Renders a template over plain data, read by own properties only. @throws TemplateError */
export function render(t: Template, context: Data, o: RenderOptions = {}): string {
  const r = new Rendering(context, o.load, o.draw, o.limits, o.entriesFirst);
  return located(r, t.name, () => {
    runTemplate(r, t, new Frame(null));
    return r.out.join('');
  });
}

/** The value of an expression, as data. @throws TemplateError; undefined values too */
export function evaluate(e: Expression, context: Data, o: RenderOptions = {}): unknown {
  return valueOf(e, context, o, (value, r) => (value instanceof Undefined ? value.fail() : plainData(value, r.meter)));
}

/** True where the value of an expression is, as in `{% if %}`. @throws TemplateError */
export function holds(e: Expression, context: Data, o: RenderOptions = {}): boolean {
  return valueOf(e, context, o, truthy);
}

function valueOf<T>(e: Expression, context: Data, o: RenderOptions, of: (value: unknown, r: Rendering) => T): T {
  const r = new Rendering(context, o.load, o.draw, o.limits, o.entriesFirst);
  return located(r, e.name, () => {
    r.template = e.name;
    r.line = e.tree.line;
    return of(e.run(r, new Frame(null)), r);
  });
}

/** What a template needs of its context, through includes and imports. @throws TemplateError */
export function reads(t: Template | Expression, load?: (name: string) => Template | undefined): Read[] {
  return shielded(t.name, () => ('tree' in t ? readsOfExpression(t.tree, t.name) : readsOfBody(t.body, t.name, load)));
}

/**
 * Names that include, import, from and extends mention; `needed` those that must exist (not `ignore missing`, not one of a
 * list); `computed` where one is not a constant.
 */
export function references(t: Template): { names: string[]; needed: Set<string>; computed: boolean } {
  return shielded(t.name, () => referencesOf(t.body));
}

function shielded<T>(template: string, run: () => T): T {
  try {
    return run();
  } catch (e) {
    if (e instanceof TemplateError) throw e;
    if (e instanceof RangeError)
      throw new TemplateError('syntax', 'nested too deeply', { template, line: 1, cause: e });
    throw e;
  }
}

/** Errors say where they happened; what is no template error of ours becomes one. */
function located<T>(r: Rendering, template: string, run: () => T): T {
  r.template = template;
  try {
    return run();
  } catch (e) {
    if (e instanceof TemplateError) {
      if (e.template === '') e.template = r.template;
      if (e.line === 0) e.line = r.line;
      throw e;
    }
    const where = { template: r.template, line: r.line, cause: e };
    if (e instanceof RangeError)
      throw new TemplateError('limit', `too large or nested too deeply: ${e.message}`, where);
    throw new TemplateError('filter', e instanceof Error ? e.message : String(e), where);
  }
}

export { parseData, toJson } from './data.ts';
export { TemplateError } from './errors.ts';
export type { TemplateErrorKind } from './errors.ts';
export { filterNames } from './filters.ts';
export { DEFAULT_LIMITS } from './meter.ts';
export type { Limits } from './meter.ts';
export type { Read } from './reads.ts';
export { globalNames } from './globals.ts';
export { testNames } from './tests.ts';
export { toText } from './text.ts';
export { PyFloat } from './values.ts';
