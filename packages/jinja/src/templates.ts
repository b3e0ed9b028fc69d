// SPDX-License-Identifier: Apache-2.0
import type { Stmt } from './ast.ts';
import { stepsOf } from './ast-walk.ts';
import type { CompiledTemplate, Run } from './compile.ts';
import { compileExpression } from './compile-expression.ts';
import { TemplateError, typeError } from './errors.ts';
import { Frame } from './runtime.ts';
import type { Rendering } from './runtime.ts';
import { Facade, Module, plainText, Undefined } from './values.ts';

/** How templates work together: extends and blocks, include, import. */

type Of<K extends Stmt['kind']> = Extract<Stmt, { kind: K }>;

/** Runs a template, then what it extends, with its blocks before those of its parents. */
export function runTemplate(r: Rendering, t: CompiledTemplate, f: Frame): void {
  for (const [name, block] of t.blocks) {
    const chain = r.blocks.get(name);
    if (chain) chain.push(block);
    else r.blocks.set(name, [block]);
  }
  f.vars.set(
    'self',
    new Facade(`TemplateReference '${t.name}'`, (name) =>
      r.blocks.has(name) ? blockReference(r, topOf(f), name, 0) : undefined,
    ),
  );
  const { template, line, silent, parent: outer } = r;
  r.template = t.name;
  r.parent = null;
  r.silent = false;
  r.meter.enter();
  r.escaping(false, () => {
    t.run(r, f);
  });
  const { parent } = r;
  r.parent = outer;
  r.silent = silent;
  if (parent) runTemplate(r, parent, f);
  r.meter.leave();
  r.template = template;
  r.line = line;
}

/** What follows an `extends` outside of blocks only defines; the parent is rendered at the end. */
export function extendsStatement(s: Of<'extends'>): Run {
  const name = compileExpression(s.name);
  const steps = stepsOf(s.name);
  return (r, f) => {
    r.line = s.line;
    r.meter.step(steps);
    if (r.parent) throw typeError('extended multiple times');
    r.parent = load(r, name(r, f));
    r.silent = true;
  };
}

/** Prints the most derived block of a name. In a derived template those at its top only define. */
export function blockStatement(s: Of<'block'>, isTop: boolean): Run {
  return (r, f) => {
    r.line = s.line;
    r.meter.step();
    if (isTop && r.silent) return;
    if (s.required && (r.blocks.get(s.name)?.length ?? 0) < 2) throw typeError(`Required block '${s.name}' not found`);
    runBlock(r, s.scoped ? f : topOf(f), s.name, 0);
  };
}

/** A block that can be called; `super` of it is the same block of the template above. */
function blockReference(r: Rendering, outer: Frame, name: string, level: number): unknown {
  if (!r.blocks.get(name)?.[level]) return new Undefined('super', `there is no parent block called '${name}'.`);
  r.meter.objects(1);
  return new Facade(
    `block ${name}`,
    (attribute) => (attribute === 'super' ? blockReference(r, outer, name, level + 1) : undefined),
    () =>
      r.captured(
        r.capture(() => {
          runBlock(r, outer, name, level);
        }),
      ),
  );
}

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
  frame.vars.set('super', blockReference(r, outer, name, level + 1));
  r.meter.enter();
  const { template, silent } = r;
  r.template = block.template;
  r.silent = false;
  r.escaping(false, () => {
    block.run(r, frame);
  });
  r.template = template;
  r.silent = silent;
  r.meter.leave();
}

function load(r: Rendering, nameArg: unknown): CompiledTemplate {
  const name = plainText(nameArg);
  if (name instanceof Undefined) name.fail();
  if (typeof name !== 'string') throw typeError('the name of a template is a string');
  const found = r.load?.(name);
  if (!found) throw new TemplateError('missing_template', `template '${name}' not found`, { variable: name });
  return found;
}

export function includeStatement(s: Of<'include'>): Run {
  const name = compileExpression(s.name);
  const steps = stepsOf(s.name);
  return (r, f) => {
    r.line = s.line;
    r.meter.step(steps);
    const wanted = name(r, f);
    const names = Array.isArray(wanted) ? (wanted as unknown[]) : [wanted];
    r.meter.step(names.length);
    let found: CompiledTemplate | undefined;
    for (const n of names.map(plainText)) {
      if (n instanceof Undefined) n.fail();
      if (n === null) continue;
      if (typeof n !== 'string') throw typeError('the name of a template is a string');
      found ??= r.load?.(n);
    }
    if (!found) {
      if (s.ignoreMissing) return;
      const all = names.map(String).join(', ');
      throw new TemplateError('missing_template', `template '${all}' not found`, { variable: all });
    }
    apart(r, found, s.withContext ? includedFrame(f) : new Frame(null, true));
  };
}

/** An included template sees what stands around it, but not the loop. */
function includedFrame(f: Frame): Frame {
  const frame = new Frame(f);
  if (f.get('loop') !== undefined) frame.vars.set('loop', new Undefined('loop'));
  return frame;
}

/** Runs a template with blocks of its own. */
function apart(r: Rendering, t: CompiledTemplate, f: Frame): void {
  r.meter.objects(4);
  const { blocks } = r;
  r.blocks = new Map();
  runTemplate(r, t, f);
  r.blocks = blocks;
}

export function importStatement(s: Of<'import'>): Run {
  const module = moduleOf(s);
  return (r, f) => {
    const { label, frame, text } = module(r, f);
    const exported = (name: string): unknown => (name.startsWith('_') ? undefined : exportOf(frame, name));
    f.vars.set(s.target, new Module(label, exported, undefined, () => text));
    (f.imported ??= new Set()).add(s.target);
  };
}

export function fromStatement(s: Of<'from'>): Run {
  const module = moduleOf(s);
  return (r, f) => {
    const { frame, name } = module(r, f);
    for (const n of s.names) {
      f.vars.set(
        n.alias,
        exportOf(frame, n.name) ??
          new Undefined(n.name, `the template '${name}' does not export the requested name '${n.name}'`),
      );
      (f.imported ??= new Set()).add(n.alias);
    }
  };
}

const exportOf = (frame: Frame, name: string): unknown =>
  frame.imported?.has(name) ? undefined : frame.vars.get(name);

/** Runs a template for the names that it defines; what it prints is the text of the module. */
function moduleOf(
  s: Of<'import'> | Of<'from'>,
): (r: Rendering, f: Frame) => { frame: Frame; name: string; label: string; text: string } {
  const name = compileExpression(s.name);
  const steps = stepsOf(s.name) + (s.kind === 'from' ? s.names.length : 0);
  return (r, f) => {
    r.line = s.line;
    r.meter.step(steps);
    const t = load(r, name(r, f));
    const frame = s.withContext ? new Frame(f) : new Frame(null, true);
    const text = r.capture(() => {
      apart(r, t, frame);
    });
    frame.vars.delete('self');
    return { frame, name: t.name, label: `TemplateModule '${t.name}'`, text };
  };
}
