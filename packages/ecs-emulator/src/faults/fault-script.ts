// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { AppError } from '@stint/core';
import { z } from 'zod';
import type { Failure } from '../ecs/types.ts';
import { modelOf, serviceNames } from '../wire/service-model.ts';
import { NO_CAPACITY, PULL_ERRORS } from './task-event.ts';
import type { TaskEvent } from './task-event.ts';

const pattern = z.string().min(1).describe('`*` stands for any characters, `?` for one.');
const nth = z
  .union([
    z.int().min(1),
    z.array(z.int().min(1)).min(1),
    z.string().regex(/^every [1-9]\d{0,8}$/, 'must be a number, a list of numbers, or like "every 10"'),
  ])
  .describe('Which of the matches of this rule, counted from 1: numbers, or "every 10".');
const probability = z.number().min(0).max(1);
const milliseconds = z.number().min(0).max(86_400_000);

/** A rule on calls. */
export const callRuleSchema = z
  .strictObject({
    on: z.string().describe('Name of an operation, as RunTask.'),
    match: z
      .strictObject({ family: pattern.optional(), provider: pattern.optional(), cluster: pattern.optional() })
      .optional(),
    nth: nth.optional(),
    probability: probability.optional(),
    error: z.strictObject({ name: z.string().min(1), message: z.string().optional() }).optional(),
    failures: z
      .array(z.strictObject({ reason: z.string().min(1), arn: z.string().optional(), detail: z.string().optional() }))
      .min(1)
      .optional(),
    lose: z.enum(['request', 'answer']).optional(),
    delayMs: milliseconds.optional(),
    hideMs: milliseconds.optional(),
  })
  .describe('A rule on calls, with exactly one of error, failures, lose, delayMs, hideMs.');

/** A rule on tasks. */
export const taskRuleSchema = z
  .strictObject({
    task: z.strictObject({ family: pattern.optional(), provider: pattern.optional(), nth: nth.optional() }),
    probability: probability.optional(),
    at: z.enum(['PROVISIONING', 'PENDING', 'RUNNING']),
    afterMs: milliseconds.optional().describe('Real ms after the task came to `at`.'),
    event: z.enum([
      'spotReclaim',
      'hostLost',
      'pullError',
      'stuck',
      'outOfMemory',
      'resourceInit',
      'badCommand',
      'noCapacity',
      'vanish',
    ]),
    exitCode: z.int().min(0).max(255).optional(),
    kind: z.enum([...PULL_ERRORS, ...NO_CAPACITY]).optional(),
  })
  .describe('A rule on tasks: what befalls those that it matches.');

export const faultScriptSchema = z.strictObject({
  $schema: z.string().optional(),
  seed: z.int().optional().describe('Of everything random in the script; 1 where it is not given.'),
  rules: z.array(z.union([callRuleSchema, taskRuleSchema])),
});

/** A fault script as its file has it. */
export type FaultScriptFile = z.input<typeof faultScriptSchema>;
type CallRuleFile = z.output<typeof callRuleSchema>;
type TaskRuleFile = z.output<typeof taskRuleSchema>;

export type Nth = { only: readonly number[] } | { every: number } | null;

export interface CallRule {
  kind: 'call';
  on: string;
  match: CallRuleFile['match'] | null;
  nth: Nth;
  probability: number | null;
  effect: {
    error?: { name: string; message?: string | undefined };
    failures?: readonly Failure[];
    lose?: 'request' | 'answer';
    delayMs?: number;
    hideMs?: number;
  };
}

export interface TaskRule {
  kind: 'task';
  task: { family?: string | undefined; provider?: string | undefined };
  nth: Nth;
  probability: number | null;
  event: TaskEvent;
}

/** A checked script. */
export interface FaultScript {
  seed: number;
  rules: readonly (CallRule | TaskRule)[];
}

export const NO_FAULTS: FaultScript = { seed: 1, rules: [] };

/** @throws AppError INVALID_ARGUMENT/BAD_FAULT_SCRIPT that names the file and each bad rule. */
export function readFaultScript(path: string): FaultScript {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (e) {
    throw bad(path, [`can't be read: ${e instanceof Error ? e.message : String(e)}`], e);
  }
  try {
    return checkFaultScript(JSON.parse(text), path);
  } catch (e) {
    if (e instanceof SyntaxError) throw bad(path, [`is no JSON: ${e.message}`], e);
    throw e;
  }
}

/**
 * @param name - what messages call the script.
 * @throws AppError INVALID_ARGUMENT/BAD_FAULT_SCRIPT
 */
export function checkFaultScript(value: unknown, name = 'the fault script'): FaultScript {
  const problems: string[] = [];
  const outline = faultScriptSchema.extend({ rules: z.array(z.looseObject({})) }).safeParse(value);
  for (const issue of outline.error?.issues ?? []) problems.push(sayIssue('', issue));
  const rules = rulesIn(value).flatMap((rule, i): (CallRule | TaskRule)[] => {
    const at = `rules[${i}]`;
    // Told above.
    if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return [];
    if ('on' in rule === 'task' in rule) {
      problems.push(`${at}: must have either "on" (a rule on calls) or "task" (a rule on tasks)`);
      return [];
    }
    const schema = 'on' in rule ? callRuleSchema : taskRuleSchema;
    const parsed = schema.safeParse(rule);
    if (!parsed.success) {
      problems.push(...parsed.error.issues.map((issue) => sayIssue(at, issue)));
      return [];
    }
    const read = 'on' in rule ? readCallRule(parsed.data as CallRuleFile) : readTaskRule(parsed.data as TaskRuleFile);
    if ('kind' in read) return [read];
    problems.push(...read.problems.map((problem) => `${at}${problem}`));
    return [];
  });
  if (problems.length > 0) throw bad(name, problems);
  return { seed: outline.data?.seed ?? 1, rules };
}

/** The rules of a script that may be wrong elsewhere, so that all of its problems are told together. */
function rulesIn(value: unknown): unknown[] {
  const rules = typeof value === 'object' && value !== null && 'rules' in value ? value.rules : [];
  return Array.isArray(rules) ? rules : [];
}

const EFFECTS = ['error', 'failures', 'lose', 'delayMs', 'hideMs'] as const;
const OPERATIONS = serviceNames.flatMap((service) => Object.keys(modelOf(service).operations));

function readCallRule(rule: CallRuleFile): CallRule | { problems: string[] } {
  const problems: string[] = [];
  const given = EFFECTS.filter((effect) => rule[effect] !== undefined);
  if (!OPERATIONS.includes(rule.on)) problems.push(`.on: no emulated operation is called ${rule.on}`);
  if (given.length !== 1) {
    problems.push(`: must have exactly one of ${EFFECTS.join(', ')}; it has ${given.join(' and ') || 'none'}`);
  }
  for (const effect of ['failures', 'hideMs'] as const) {
    if (rule[effect] !== undefined && rule.on !== 'RunTask') problems.push(`.${effect}: is for RunTask only`);
  }
  if (problems.length > 0) return { problems };
  const effect = Object.fromEntries(given.map((each) => [each, rule[each]])) as CallRule['effect'];
  const { on, match = null, probability: chance = null } = rule;
  return { kind: 'call', on, match, nth: readNth(rule.nth), probability: chance, effect };
}

/** Where in its life each event can come to a task. */
const AT: Readonly<Record<TaskEvent['event'], readonly TaskEvent['at'][]>> = {
  spotReclaim: ['PROVISIONING', 'PENDING', 'RUNNING'],
  hostLost: ['PENDING', 'RUNNING'],
  pullError: ['PENDING'],
  stuck: ['PROVISIONING', 'PENDING', 'RUNNING'],
  outOfMemory: ['RUNNING'],
  resourceInit: ['PROVISIONING', 'PENDING'],
  badCommand: ['PENDING'],
  noCapacity: ['PROVISIONING'],
  vanish: ['PROVISIONING', 'PENDING', 'RUNNING'],
};
const KINDS: Partial<Record<TaskEvent['event'], readonly string[]>> = {
  pullError: PULL_ERRORS,
  noCapacity: NO_CAPACITY,
};

function readTaskRule(rule: TaskRuleFile): TaskRule | { problems: string[] } {
  const { task, at, event, afterMs = 0, exitCode = null, kind = null } = rule;
  const problems: string[] = [];
  if (!AT[event].includes(at)) problems.push(`.at: ${event} can happen at ${AT[event].join(' or ')}, not at ${at}`);
  const kinds = KINDS[event];
  if (kind !== null && !kinds?.includes(kind)) {
    problems.push(`.kind: ${kinds ? `of ${event} is one of ${kinds.join(', ')}` : `${event} has none`}, not ${kind}`);
  }
  if (exitCode !== null && event !== 'spotReclaim' && event !== 'badCommand')
    problems.push(`.exitCode: ${event} has none`);
  if (problems.length > 0) return { problems };
  return {
    kind: 'task',
    task,
    nth: readNth(task.nth),
    probability: rule.probability ?? null,
    event: { at, afterMs, event, exitCode, kind },
  };
}

function readNth(value: CallRuleFile['nth']): Nth {
  if (value === undefined) return null;
  if (typeof value === 'string') return { every: Number(value.slice('every '.length)) };
  return { only: typeof value === 'number' ? [value] : value };
}

function sayIssue(prefix: string, { path, message }: z.core.$ZodIssue): string {
  const tail = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return `${prefix === '' ? tail.replace(/^\./, '') : prefix + tail}: ${message}`;
}

function bad(name: string, problems: readonly string[], cause?: unknown): AppError {
  return new AppError('INVALID_ARGUMENT', 'BAD_FAULT_SCRIPT', `${name}: ${problems.join('; ')}`, {
    cause,
    hint: 'docs/emulator.md lists every rule, effect and event; schemas/fault-script.schema.json is for editors.',
    details: { problems },
  });
}
