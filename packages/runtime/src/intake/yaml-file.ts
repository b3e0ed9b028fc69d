// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AppError } from '@stint/core/base';
import type { Problem } from '@stint/core';
import type * as Yaml from 'yaml';
import type { Document, LineCounter, Node } from 'yaml';

/** Loaded with the first file: most task commands have none, and it would be a tenth of their start. */
const yaml = (): typeof Yaml => createRequire(import.meta.url)('yaml') as typeof Yaml;

/** Largest job or template file, bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** A YAML (or JSON) file with the line of every field. */
export interface YamlFile {
  path: string;
  value: unknown;
  /** Problems with file and line filled in from their field path. */
  locate(problems: readonly Problem[]): Problem[];
}

/** @throws AppError INVALID_ARGUMENT/BAD_PATH, INVALID_ARGUMENT/BAD_YAML */
export function readYamlFile(path: string, what: string): YamlFile {
  const text = readText(path, what);
  const { LineCounter: Lines, parseDocument } = yaml();
  const lines = new Lines();
  const doc = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    maxAliasCount: 100,
    merge: true,
    logLevel: 'error',
  } as never);
  const [bad] = doc.errors;
  if (bad) {
    const at = lines.linePos(bad.pos[0]);
    const why = bad.code === 'MULTIPLE_DOCS' ? 'a second YAML document begins here' : bad.message;
    throw new AppError('INVALID_ARGUMENT', 'BAD_YAML', `${path}:${at.line}: ${why}`, {
      hint: `Correct the ${what}; it is YAML or JSON.`,
      details: { file: path, line: at.line },
    });
  }
  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'BAD_YAML',
      `${path}: ${cause instanceof Error ? cause.message : 'unreadable'}`,
      { cause, hint: `Correct the ${what}; it may use at most 100 aliases.`, details: { file: path } },
    );
  }
  return { path, value, locate: (problems) => problems.map((p) => located(p, path, doc, lines)) };
}

/** The text of a file of the user's. @throws AppError INVALID_ARGUMENT/BAD_PATH */
export function readText(path: string, what: string): string {
  const bad = (why: string, hint: string, cause?: unknown): AppError =>
    new AppError('INVALID_ARGUMENT', 'BAD_PATH', `${what} ${path}: ${why}`, { cause, hint, details: { file: path } });
  const wrongPlace = 'Check the path; relative paths in a job file are relative to that file.';
  try {
    const found = statSync(path);
    if (found.isDirectory()) throw bad('this is a folder', wrongPlace);
    // A pipe or device might never end.
    if (!found.isFile()) throw bad('this is no file', wrongPlace);
    if (found.size > MAX_BYTES) throw bad(`it is larger than ${MAX_BYTES} bytes`, 'Data belongs into the seed file.');
    const bytes = readFileSync(path);
    if (isUtf8(bytes)) return bytes.toString();
    const line = linesBefore(bytes) + 1;
    throw bad(`line ${line} is not UTF-8, so its text would be changed`, 'Save it as UTF-8.');
  } catch (e) {
    if (e instanceof AppError) throw e;
    const code = (e as NodeJS.ErrnoException).code ?? '';
    throw bad(code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`, wrongPlace, e);
  }
}

/** Whole lines before the first byte that is not UTF-8; no character spans two of them. */
function linesBefore(bytes: Buffer): number {
  let lines = 0;
  for (let at = 0; ; lines++) {
    const end = bytes.indexOf(10, at);
    if (end < 0 || !isUtf8(bytes.subarray(at, end))) return lines;
    at = end + 1;
  }
}

/** A problem's field as a line of the file; one inside a prompt counts on from where the prompt begins. */
function located(p: Problem, path: string, doc: Document, lines: LineCounter): Problem {
  if (p.file !== undefined) return p;
  const keys = (p.path ?? '').split(/[.[\]]+/).filter((k) => k !== '');
  for (let n = keys.length; n >= 0; n--) {
    const node = doc.getIn(
      keys.slice(0, n).map((k) => (/^\d+$/.test(k) ? Number(k) : k)),
      true,
    ) as Node | undefined;
    if (!node?.range) continue;
    const start = lines.linePos(node.range[0]).line;
    const whole = n === keys.length;
    const isBlock = yaml().isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
    const line = whole && p.line !== undefined ? start + p.line - (isBlock ? 0 : 1) : start;
    return { ...p, file: path, line };
  }
  return { ...p, file: path };
}
