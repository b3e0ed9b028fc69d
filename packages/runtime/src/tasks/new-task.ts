// SPDX-License-Identifier: Apache-2.0
import { AppError } from '@stint/core/tasks';
import type { TaskRequest } from './task-request.ts';

type NumberOr<T> = number | T | undefined;
type Texts = Omit<
  TaskRequest,
  'command' | 'cpus' | 'memory' | 'disk' | 'diskIops' | 'diskThroughput' | 'gpu' | 'env' | 'secret' | 'label'
>;

/** What a program asks for: the flags of `stint task run` by their names, with numbers and maps where they have text. */
export interface NewTask extends Texts {
  /** Default: the image's own command. */
  command?: readonly string[] | undefined;
  /** Fractions allowed; default 1. */
  cpus?: number | undefined;
  /** A number is GiB, as in `'512MB'` every unit is binary; default 2. */
  memory?: NumberOr<string>;
  /** As `memory`. */
  disk?: NumberOr<string>;
  diskIops?: number | undefined;
  /** MiB/s. */
  diskThroughput?: number | undefined;
  /** How many accelerators. */
  gpu?: number | undefined;
  env?: Readonly<Record<string, string>> | undefined;
  /** Variables whose values ECS fetches: name → ARN of a secret or parameter. */
  secrets?: Readonly<Record<string, string>> | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
}

interface Kind {
  is: (value: unknown) => boolean;
  must: string;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const text: Kind = { is: isText, must: 'text' };
const number: Kind = { is: isNumber, must: 'a number' };
const size: Kind = { is: (v) => isText(v) || isNumber(v), must: 'a number or text' };
const texts: Kind = { is: (v) => Array.isArray(v) && v.every(isText), must: 'an array of texts' };
const isMap = (v: unknown): v is object => typeof v === 'object' && v !== null && !Array.isArray(v);
const map: Kind = {
  // A name with = in it would be cut in two where it is written as one text.
  is: (v) => isMap(v) && Object.entries(v).every(([key, value]) => isText(value) && !key.includes('=')),
  must: 'a map of names without = to texts',
};

const kinds: Readonly<Record<keyof NewTask, Kind>> = {
  image: text,
  command: texts,
  name: text,
  cpus: number,
  memory: size,
  disk: size,
  diskType: text,
  diskIops: number,
  diskThroughput: number,
  gpu: number,
  gpuType: text,
  machineType: texts,
  arch: text,
  spotPolicy: text,
  capacity: texts,
  env: map,
  secrets: map,
  labels: map,
  entrypoint: text,
  fusion: { is: (v) => typeof v === 'boolean', must: 'true or false' },
  stopTimeout: text,
  timeLimit: text,
};

/**
 * The same as flags.
 * @throws AppError INVALID_ARGUMENT/BAD_ARGUMENT naming each member that has no such name or type: programs without types
 */
export function requestOf(task: NewTask): TaskRequest {
  checkMembers(task);
  const { command = [], env, secrets, labels, ...rest } = task;
  const pairs = (given: Readonly<Record<string, string>> = {}): string[] =>
    Object.entries(given).map(([key, value]) => `${key}=${value}`);
  const asText = (value: NumberOr<string>): string | undefined => (value === undefined ? undefined : String(value));
  const { cpus, memory, disk, diskIops, diskThroughput, gpu } = rest;
  return {
    ...rest,
    command,
    cpus: asText(cpus),
    memory: asText(memory),
    disk: asText(disk),
    diskIops: asText(diskIops),
    diskThroughput: asText(diskThroughput),
    gpu: asText(gpu),
    env: pairs(env),
    ...(secrets && { secret: pairs(secrets) }),
    label: pairs(labels),
  };
}

function checkMembers(task: NewTask): void {
  const given = Object.entries({ ...task }).filter(([, value]) => value !== undefined);
  const problems = given.flatMap(([key, value]) => {
    if (!Object.hasOwn(kinds, key)) return [`${key}: a task has no such member`];
    const { is, must } = kinds[key as keyof NewTask];
    return is(value) ? [] : [`${key}: must be ${must}`];
  });
  if (!given.some(([key]) => key === 'image')) problems.unshift('image: is missing');
  if (problems.length > 0)
    throw new AppError('INVALID_ARGUMENT', 'BAD_ARGUMENT', problems.join('\n'), { details: { problems } });
}
