// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** One thing that is wrong with an input, for people: where, what, what to do. */
export interface Problem {
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  /** Field, for example `models.writer.max_tokens`. */
  path?: string | undefined;
  /** Stable name of the kind of problem; the reason of the error when it is the only one. */
  reason?: string | undefined;
  message: string;
  hint?: string | undefined;
}

/** One zod issue as problems that name field, value and what to write; `schema` is what the whole input was to be. */
export function problemsOf(issue: z.core.$ZodIssue, input: unknown, schema: z.ZodType): Problem[] {
  const path = fieldPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const field = path === '' ? key : `${path}.${key}`;
      const near = nearest(key, knownKeys(schema, issue.path));
      return {
        path: field,
        reason: 'UNKNOWN_KEY',
        message: `unknown key "${key}"`,
        hint: near === null ? 'Take it out; docs/ lists the keys.' : `Did you mean "${near}"?`,
      };
    });
  }
  const found = valueAt(input, issue.path);
  if (found === undefined && ['invalid_type', 'invalid_union', 'invalid_value'].includes(issue.code))
    return [{ path, reason: 'MISSING_KEY', message: `${path} is missing`, hint: `Add it; see ${page(path)}.` }];
  const shown = typeof found === 'object' ? '' : `, not ${typeof found === 'number' ? found : JSON.stringify(found)}`;
  return [
    {
      path,
      reason: 'WRONG_TYPE',
      message: `${issueMessage(issue)}${shown}`,
      hint: `Correct ${path}; see ${page(path)}.`,
    },
  ];
}

/** Where the keys of a template, or of a job file, are explained. */
const page = (path: string): string => (path.startsWith('template.') ? 'docs/templates.md' : 'docs/job-file.md');

function issueMessage(issue: z.core.$ZodIssue): string {
  const inner = issue.code === 'invalid_union' ? issue.errors.flat() : issue.code === 'invalid_key' ? issue.issues : [];
  const all = inner.map((e) => e.message.replace(/^Invalid input: /, ''));
  return [...new Set(all)].join(', or ') || issue.message.replace(/^Invalid input: /, '');
}

/** `models.writer.max_tokens`, `steps[2].id` */
export function fieldPath(path: readonly PropertyKey[]): string {
  let out = '';
  for (const p of path) out += typeof p === 'number' ? `[${p}]` : out === '' ? String(p) : `.${String(p)}`;
  return out;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let v = value;
  for (const p of path) {
    if (typeof v !== 'object' || v === null || !Object.hasOwn(v, p)) return undefined;
    v = (v as Record<PropertyKey, unknown>)[p];
  }
  return v;
}

/** The keys that the schema has at a path. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const part of [...path, null]) {
    if (at instanceof z.ZodOptional) at = at.unwrap();
    if (part === null) break;
    if (at instanceof z.ZodObject) at = (at.shape as Record<PropertyKey, unknown>)[part];
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else if (at instanceof z.ZodArray) at = at.element;
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** The known key that is at most two edits away. */
export function nearest(key: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = 3;
  for (const k of known) {
    const d = distance(key.toLowerCase(), k);
    if (d < least) [best, least] = [k, d];
  }
  return best;
}

function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 3 || a.length > 64) return 9;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 9;
}
