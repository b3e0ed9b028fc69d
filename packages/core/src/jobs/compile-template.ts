// SPDX-License-Identifier: Apache-2.0
import { globalNames, parse, parseExpression, reads, references, TemplateError } from '@stint/jinja';
import type { Expression, Read, Template } from '@stint/jinja';
import type { StepSpec, TemplateSpec } from '../formats/job.ts';
import type { JsonObject } from '../json.ts';
import type { Problem } from '../problems.ts';
import { standInOf } from './stand-in.ts';
import { parseUtcDate } from './utc-date.ts';

export interface CompiledStep {
  position: number;
  id: string;
  kind: 'model' | 'sample' | 'compute';
  spec: StepSpec;
  /** Model alias or tier; null for steps that call none. */
  alias: string | null;
  prompt?: Template | undefined;
  system?: Template | undefined;
  when?: Expression | undefined;
  compute?: Expression | undefined;
  /** Structured output, where the step declares it. */
  schema: JsonObject | undefined;
  /** Earlier steps whose output or json its texts use, and how often. */
  outputUses: ReadonlyMap<string, number>;
  /** In place of its parsed form before it ran. */
  standIn: unknown;
}

/** A field of the seed row that the template needs. */
export interface Requirement {
  path: readonly string[];
  optional: boolean;
  /** Template (or `template.step.part`) that asks for it, and the line there. */
  where: string;
  line: number;
}

export interface CompiledTemplate {
  steps: CompiledStep[];
  load(name: string): Template | undefined;
  requirements: readonly Requirement[];
}

/** What templates find in these. */
const ownNames = { record: ['index', 'id'], job: ['name'] } as const;
/** Of a step that ran; `json` only where there is a parsed form. */
const ofStep = ['output', 'skipped'] as const;

/** Names that win over a seed field of the same name. */
export const reservedNames: ReadonlySet<string> = new Set(['seed', 'steps', 'record', 'job']);

/**
 * Parses every text of a template and checks what can be seen without a model call: syntax, unknown filters, aliases and
 * steps, a step used before it ran, sample specs.
 * @param sources - text of every file that includes may name, by name.
 * @param aliases - model aliases that the job knows; null = not checked.
 */
export function compileTemplate(
  spec: TemplateSpec,
  sources: ReadonlyMap<string, string>,
  aliases: ReadonlySet<string> | null,
): { template?: CompiledTemplate; problems: Problem[]; warnings: Problem[] } {
  const compiler = new Compiler(spec, sources, aliases);
  return compiler.run();
}

class Compiler {
  readonly #spec: TemplateSpec;
  readonly #sources: ReadonlyMap<string, string>;
  readonly #aliases: ReadonlySet<string> | null;
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];
  readonly #files = new Map<string, Template | null>();
  readonly #requirements: Requirement[] = [];

  constructor(spec: TemplateSpec, sources: ReadonlyMap<string, string>, aliases: ReadonlySet<string> | null) {
    this.#spec = spec;
    this.#sources = sources;
    this.#aliases = aliases;
  }

  run(): { template?: CompiledTemplate; problems: Problem[]; warnings: Problem[] } {
    const ids = this.#spec.steps.map((s) => s.id);
    for (const [i, id] of ids.entries()) {
      if (ids.indexOf(id) < i) this.#problem(`template.steps[${i}].id`, `step id "${id}" is used twice`);
      if (reservedNames.has(id) || globalNames.has(id) || id === '__proto__') {
        this.#problem(`template.steps[${i}].id`, `"${id}" is a reserved name`, 'Give the step another id.');
      }
    }
    if (this.#spec.schema_requirements) {
      this.#warnings.push({
        path: 'template.schema_requirements',
        message: 'schema_requirements is computed from the template; what is written here is ignored',
      });
    }
    const steps = this.#spec.steps.map((s, position) => this.#step(s, position, ids));
    if (this.#problems.length > 0) return { problems: this.#problems, warnings: this.#warnings };
    const template = { steps, load: (name: string) => this.#load(name), requirements: this.#requirements };
    return { template, problems: [], warnings: this.#warnings };
  }

  #problem(path: string, message: string, hint?: string, line?: number, file?: string, reason = 'BAD_TEMPLATE'): void {
    this.#problems.push({ path, message, hint, line, file, reason });
  }

  #load(name: string): Template | undefined {
    const have = this.#files.get(name);
    if (have !== undefined) return have ?? undefined;
    const text = this.#sources.get(name);
    if (text === undefined) return undefined;
    // Marked first, so that a file that includes itself is found while it is being parsed.
    this.#files.set(name, null);
    const parsed = parse(text, name);
    this.#files.set(name, parsed);
    return parsed;
  }

  #step(spec: StepSpec, position: number, ids: readonly string[]): CompiledStep {
    const at = `template.steps[${position}]`;
    const kind = spec.prompt !== undefined ? 'model' : spec.sample ? 'sample' : 'compute';
    const alias = spec.model ?? spec.model_tier ?? null;
    if (alias !== null && this.#aliases && !this.#aliases.has(alias)) {
      this.#problem(
        `${at}.${spec.model !== undefined ? 'model' : 'model_tier'}`,
        `no model is called "${alias}"`,
        `Define it under models in the job file; known here: ${[...this.#aliases].join(', ') || 'none'}.`,
        undefined,
        undefined,
        'UNKNOWN_MODEL',
      );
    }
    if (spec.sample) this.#sample(spec.sample, `${at}.sample`);
    if (spec.expect) this.#expectation(spec.expect, `${at}.expect`);
    const used = new Map<string, number>();
    const text = (part: 'prompt' | 'system'): Template | undefined => {
      const source = spec[part];
      if (source === undefined) return undefined;
      return this.#shield(`${at}.${part}`, () => {
        const t = parse(source, `${at}.${part}`);
        this.#checkReferences(t, `${at}.${part}`);
        this.#checkReads(
          reads(t, (n) => this.#load(n)),
          `${at}.${part}`,
          position,
          ids,
          used,
        );
        return t;
      });
    };
    const expression = (part: 'when' | 'compute'): Expression | undefined => {
      const source = spec[part];
      if (source === undefined) return undefined;
      return this.#shield(`${at}.${part}`, () => {
        const e = parseExpression(source, `${at}.${part}`);
        this.#checkReads(
          reads(e),
          `${at}.${part}`,
          position,
          ids,
          part === 'compute' ? used : new Map<string, number>(),
        );
        return e;
      });
    };
    return {
      position,
      id: spec.id,
      kind,
      spec,
      alias,
      when: expression('when'),
      system: text('system'),
      prompt: text('prompt'),
      compute: expression('compute'),
      schema: spec.output as JsonObject | undefined,
      outputUses: used,
      standIn: standInOf(spec),
    };
  }

  #shield<T>(path: string, run: () => T): T | undefined {
    try {
      return run();
    } catch (e) {
      if (!(e instanceof TemplateError)) throw e;
      const inFile = this.#sources.has(e.template) ? e.template : undefined;
      this.#problem(path, e.message, undefined, e.line, inFile, 'TEMPLATE_SYNTAX');
      return undefined;
    }
  }

  #checkReferences(t: Template, path: string, seen = new Set<string>()): void {
    const { names, needed } = references(t);
    for (const name of names) {
      if (seen.has(name)) continue;
      seen.add(name);
      const found = this.#load(name);
      if (found) this.#checkReferences(found, path, seen);
      else if (needed.has(name) && !this.#sources.has(name)) {
        this.#problem(
          path,
          `the template "${name}" that it includes is not there`,
          'Put the file beside the template.',
        );
      }
    }
  }

  #checkReads(
    list: readonly Read[],
    path: string,
    position: number,
    ids: readonly string[],
    used: Map<string, number>,
  ): void {
    for (const read of list) {
      const [root = '', second] = read.path;
      if (read.holder && second === undefined && reservedNames.has(root)) continue;
      if (read.hidden) {
        this.#hidden(read, path);
        continue;
      }
      if (root === 'steps') {
        if (second === undefined) {
          // All of `steps`, or a computed one: any earlier output may be used.
          for (const id of ids.slice(0, position)) used.set(id, (used.get(id) ?? 0) + 1);
          continue;
        }
        this.#checkStepRead(read, second, path, position, ids);
        if (read.path[2] !== 'skipped') used.set(second, (used.get(second) ?? 0) + 1);
      } else if (root === 'record' || root === 'job') {
        this.#checkName(read, root, second, ownNames[root], path);
      } else if (root === 'seed') {
        if (second !== undefined) this.#require(read.path.slice(1), read);
      } else this.#require(read.path, read);
    }
  }

  /** No error, for a macro that asks for it may never be called. */
  #hidden(read: Read, path: string): void {
    const name = read.path.join('.');
    const message = `"${name}" is out of reach in ${read.template} line ${read.line}: it was taken in without context`;
    if (this.#warnings.some((w) => w.message === message)) return;
    this.#warnings.push({ path, message, hint: 'Write `with context`, or give the value as an argument.' });
  }

  #checkStepRead(read: Read, id: string, path: string, position: number, ids: readonly string[]): void {
    const at = ids.indexOf(id);
    if (read.optional) return;
    const file = this.#sources.has(read.template) ? read.template : undefined;
    if (at < 0) {
      const known = ids.slice(0, position).join(', ') || 'none';
      this.#problem(path, `there is no step "${id}"`, `Steps before this one: ${known}.`, read.line, file);
    } else if (at >= position) {
      const when = at === position ? 'is this step itself' : 'runs later';
      this.#problem(path, `step "${id}" ${when}: its output is not there yet`, 'Move the step up.', read.line, file);
    } else {
      const step = this.#spec.steps[at];
      const parsed = step?.prompt === undefined || step.output !== undefined;
      this.#checkName(read, `steps.${id}`, read.path[2], parsed ? [...ofStep, 'json'] : ofStep, path);
    }
  }

  /** A name that `owner` never has would fail every record, after its first answers were paid for. */
  #checkName(read: Read, owner: string, name: string | undefined, known: readonly string[], path: string): void {
    if (read.optional || name === undefined || known.includes(name)) return;
    const file = this.#sources.has(read.template) ? read.template : undefined;
    const hint =
      name === 'json' && owner.startsWith('steps.')
        ? 'Declare the JSON Schema of its answer as `output`, or use its text: .output.'
        : `It has: ${known.join(', ')}.`;
    this.#problem(path, `${owner} has no "${name}"`, hint, read.line, file);
  }

  #require(path: readonly string[], read: Read): void {
    this.#requirements.push({ path, optional: read.optional, where: read.template, line: read.line });
  }

  #expectation({ min_length: least, max_length: most }: NonNullable<StepSpec['expect']>, path: string): void {
    if (least !== undefined && most !== undefined && least > most) {
      this.#problem(path, `no answer has at least ${least} and at most ${most} characters`);
    }
    if (most === 0) this.#problem(`${path}.max_length`, 'an empty answer is never accepted, so it must be above 0');
  }

  #sample(spec: NonNullable<StepSpec['sample']>, path: string): void {
    switch (spec.type) {
      case 'category':
        if (spec.weights && spec.weights.length !== spec.values.length) {
          this.#problem(`${path}.weights`, `${spec.weights.length} weights for ${spec.values.length} values`);
        } else if (spec.weights && !spec.weights.some((w) => w > 0)) {
          this.#problem(`${path}.weights`, 'at least one weight must be above 0');
        }
        break;
      case 'uniform':
      case 'integer':
        if (spec.low > spec.high) this.#problem(path, `low ${spec.low} is above high ${spec.high}`);
        else if (spec.high - spec.low >= Number.MAX_SAFE_INTEGER) {
          this.#problem(path, `${spec.low} to ${spec.high} is a wider range than numbers are exact in`);
        }
        break;
      case 'datetime': {
        const [from, to] = [parseUtcDate(spec.start), parseUtcDate(spec.end)];
        if (Number.isNaN(from))
          this.#problem(`${path}.start`, `"${spec.start}" is no date`, 'Write 2026-01-31 or 2026-01-31T12:00:00Z.');
        else if (Number.isNaN(to))
          this.#problem(`${path}.end`, `"${spec.end}" is no date`, 'Write 2026-01-31 or 2026-01-31T12:00:00Z.');
        else if (from > to) this.#problem(path, 'start is after end');
        break;
      }
      case 'normal':
      case 'uuid':
        break;
    }
  }
}
