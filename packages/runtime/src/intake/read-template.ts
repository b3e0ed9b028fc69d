// SPDX-License-Identifier: Apache-2.0
import { existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { AppError, compileTemplate, problemsOf, templateSchema } from '@stint/core';
import type { CompiledTemplate, Problem, TemplateSpec } from '@stint/core';
import { parse, references, TemplateError } from '@stint/jinja';
import { z } from 'zod';
import { badInput } from './problems.ts';
import { readText, readYamlFile } from './yaml-file.ts';

export interface LoadedTemplate {
  spec: TemplateSpec;
  compiled: CompiledTemplate;
  /** The entry first, then all it includes; names are relative to the entry's folder. */
  files: Map<string, string>;
  warnings: Problem[];
}

const templateFile = z.object({ template: templateSchema });
const MAX_FILES = 1000;
const MAX_TOTAL = 16 * 1024 * 1024;

/** Reads and checks a template with everything it includes. @throws AppError INVALID_ARGUMENT */
export function readTemplate(path: string, aliases: ReadonlySet<string> | null): LoadedTemplate {
  const yaml = readYamlFile(path, 'template');
  const top = yaml.value as { template?: unknown } | null;
  if (typeof top !== 'object' || top === null || typeof top.template !== 'object' || top.template === null) {
    throw badInput(
      yaml.locate([{ path: '', reason: 'BAD_TEMPLATE', message: 'a template file has one top-level key, `template`' }]),
    );
  }
  const extra = Object.keys(top).filter((k) => k !== 'template');
  if (extra.length > 0) {
    throw badInput(
      yaml.locate(
        extra.map((k) => ({ path: k, reason: 'UNKNOWN_KEY', message: `unknown key "${k}" beside template` })),
      ),
    );
  }
  const parsed = templateSchema.safeParse(top.template);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((i) =>
      problemsOf({ ...i, path: ['template', ...i.path] }, top, templateFile),
    );
    throw badInput(yaml.locate(problems));
  }
  const spec = parsed.data;
  const entry = basename(path);
  const files = new Map([[entry, readText(path, 'template')]]);
  collectIncludes(spec, dirname(path), files);
  const { template, problems, warnings } = compileTemplate(spec, files, aliases);
  if (!template) throw badInput(yaml.locate(problems));
  return { spec, compiled: template, files, warnings: yaml.locate(warnings) };
}

/** Reads what the template names, and what that names; a computed name takes all files of the folder. */
function collectIncludes(spec: TemplateSpec, folder: string, files: Map<string, string>): void {
  const waiting: string[] = [];
  let all = false;
  const scan = (text: string, name: string): void => {
    try {
      const found = references(parse(text, name));
      waiting.push(...found.names);
      all ||= found.computed;
    } catch (e) {
      // compileTemplate reports it with its place.
      if (!(e instanceof TemplateError)) throw e;
    }
  };
  for (const s of spec.steps) for (const text of [s.prompt, s.system]) if (text !== undefined) scan(text, s.id);
  const take = (name: string): void => {
    if (files.has(name)) return;
    const text = readInside(folder, name);
    if (text === null) return;
    files.set(name, text);
    if (files.size > MAX_FILES || [...files.values()].reduce((n, t) => n + t.length, 0) > MAX_TOTAL) {
      throw new AppError(
        'INVALID_ARGUMENT',
        'BAD_TEMPLATE',
        `${folder}: the template includes more than ${MAX_FILES} files or ${MAX_TOTAL} bytes`,
      );
    }
    scan(text, name);
  };
  let listed = false;
  while (waiting.length > 0 || (all && !listed)) {
    if (all && !listed) {
      listed = true;
      waiting.push(...filesBelow(folder));
    }
    const name = waiting.pop();
    if (name !== undefined) take(name);
  }
}

/** A file below the template's folder; null = none. No absolute path, no `..`, no link out. */
function readInside(folder: string, name: string): string | null {
  const bad = (why: string): AppError =>
    new AppError('INVALID_ARGUMENT', 'BAD_PATH', `the template includes "${name}": ${why}`, {
      hint: "Includes name files below the template's own folder, like 'parts/style.txt'.",
      details: { include: name },
    });
  if (name.startsWith('/') || name.includes('\\') || name.includes('\0') || /^[A-Za-z]:/.test(name))
    throw bad('not a relative path');
  if (name.split('/').some((p) => p === '..' || p === '')) throw bad('a path with .. or an empty part');
  const path = join(folder, name);
  if (!existsSync(path)) return null;
  const inside = relative(realpathSync(folder), realpathSync(path));
  if (inside.startsWith('..') || inside.startsWith(sep)) throw bad("it leads out of the template's folder");
  if (!lstatSync(realpathSync(path)).isFile()) throw bad('not a file');
  return readText(path, 'included template');
}

function filesBelow(folder: string): string[] {
  const names: string[] = [];
  const walk = (prefix: string): void => {
    for (const e of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      if (e.name.startsWith('.') || e.name === 'node_modules') continue;
      const name = prefix === '' ? e.name : `${prefix}/${e.name}`;
      if (e.isDirectory()) walk(name);
      else if (e.isFile()) names.push(name);
      if (names.length > MAX_FILES) return;
    }
  };
  walk('');
  return names.sort();
}
