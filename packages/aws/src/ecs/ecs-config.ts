// SPDX-License-Identifier: Apache-2.0
import { problemsOf } from '@stint/core/problems';
import { AppError, parseDurationMs } from '@stint/core/tasks';
import { z } from 'zod';

const arn = (service: string, resource: string) => {
  const pattern = new RegExp(`^arn:aws[a-z-]*:${service}::\\d{12}:${resource}/[\\w+=,.@/-]+$`);
  return z.string().regex(pattern, `must be an ARN like arn:aws:${service}::123456789012:${resource}/NAME`);
};
const roleArn = arn('iam', 'role');
const duration = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const ms = parseDurationMs(typeof value === 'number' ? `${value}s` : value);
  if (ms !== null) return ms;
  ctx.addIssue('must be a duration like 5s, 30m or 2h');
  return z.NEVER;
});
const name = z.string().min(1);

const capacityObject = z.strictObject({
  name,
  spot: z.boolean().optional(),
  instanceTypes: z.array(name).min(1).optional(),
  arch: z.enum(['x86_64', 'arm64']).optional(),
  gpus: z.strictObject({ count: z.int().min(1), type: name.optional() }).optional(),
  maxCpus: z.number().positive().optional(),
  maxMemoryGib: z.number().positive().optional(),
  storageGib: z.int().min(1).optional(),
  storageType: name.optional(),
});
/** A name, or a name with corrections of what was discovered. */
export type CapacityEntry = z.infer<typeof capacityObject>;
const capacityEntry = z.union([name.transform((n): CapacityEntry => ({ name: n })), capacityObject]);

/** The retention periods that CloudWatch Logs takes, days. */
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** `aws.ecs.*` of `stint.config.yaml`; what each key means: docs/executor.md. */
export const ecsConfigSchema = z.strictObject({
  cluster: z
    .string()
    .regex(/^(?:arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster\/)?[\w-]{1,255}$/, 'must be the name or ARN of a cluster'),
  executionRole: roleArn,
  taskRole: roleArn.optional(),
  infrastructureRole: roleArn.optional(),
  instanceProfile: arn('iam', 'instance-profile').optional(),
  subnets: z
    .array(z.string().regex(/^subnet-[0-9a-z]+$/, 'must be a subnet id like subnet-0a1b'))
    .min(1)
    .max(16)
    .optional(),
  securityGroups: z
    .array(z.string().regex(/^sg-[0-9a-z]+$/, 'must be a security group id like sg-0a1b'))
    .min(1)
    .max(5)
    .optional(),
  networkMode: z.enum(['auto', 'host', 'awsvpc']).default('auto'),
  assignPublicIp: z.boolean().default(true),
  capacity: z.array(capacityEntry).min(1).optional(),
  spotPolicy: z.enum(['spot', 'spotFirst', 'onDemand']).default('spotFirst'),
  spotFallbackAfter: z.int().min(1).max(100).default(1),
  maxSpotAttempts: z.int().min(1).max(100).default(5),
  limits: z
    .strictObject({ maxCpus: z.number().positive().default(16), maxMemoryGib: z.number().positive().default(120) })
    .prefault({}),
  startTimeout: duration.default(1_800_000),
  pollInterval: duration.default(5_000),
  submitRateLimit: z.number().positive().max(1_000).default(40),
  stopTimeout: duration.default(120_000),
  logsGroup: z
    .string()
    .regex(/^[\w\-/.#]{1,512}$/, 'must be of letters, digits and _ - / . #, 512 at most')
    .refine((group) => !group.startsWith('aws/'), 'must not begin with aws/')
    .default('/aws/ecs/stint'),
  logsRetentionDays: z
    .int()
    .refine((days) => retentionDays.includes(days), `must be one of ${retentionDays.join(', ')}`)
    .default(30),
  executeCommand: z.boolean().default(false),
});
export type EcsConfig = z.infer<typeof ecsConfigSchema>;

/** What no key can tell by itself: asked of those keys that are right. */
function relations(c: Partial<EcsConfig>): { key: keyof EcsConfig; message: string }[] {
  const found: { key: keyof EcsConfig; message: string }[] = [];
  const bad = (key: keyof EcsConfig, message: string): void => void found.push({ key, message });
  if (c.pollInterval !== undefined && (c.pollInterval < 1_000 || c.pollInterval > 300_000))
    bad('pollInterval', 'must be 1s to 5m');
  if (c.startTimeout !== undefined && c.pollInterval !== undefined && c.startTimeout <= c.pollInterval)
    bad('startTimeout', `must be longer than pollInterval, ${c.pollInterval / 1_000} s`);
  if (c.stopTimeout !== undefined && (c.stopTimeout < 2_000 || c.stopTimeout > 86_400_000))
    bad('stopTimeout', 'must be 2s to 24h');
  if (c.networkMode === 'awsvpc' && !c.subnets)
    bad('networkMode', 'awsvpc needs subnets with a route out: set aws.ecs.subnets');
  if (c.networkMode === 'host' && c.subnets)
    bad('networkMode', 'host takes no subnets: remove aws.ecs.subnets, or use awsvpc');
  if (c.subnets && !c.securityGroups) bad('securityGroups', 'must be set where subnets are');
  if (c.executeCommand && c.taskRole === undefined) bad('executeCommand', 'needs aws.ecs.taskRole');
  const names = (c.capacity ?? []).map((entry) => entry.name);
  const twice = names.find((n, i) => names.indexOf(n) !== i);
  if (twice !== undefined) bad('capacity', `${twice} is listed twice`);
  const corrected = (c.capacity ?? []).find((e) => /^fargate(?:_spot)?$/i.test(e.name) && Object.keys(e).length > 1);
  if (corrected)
    bad('capacity', `${corrected.name} takes its name alone: what Fargate has is known, and can't be corrected`);
  return found;
}

/** `STINT_AWS_ECS_EXECUTION_ROLE` → `executionRole`. Lists are written with commas. */
const fromEnv: Readonly<Record<string, (text: string) => unknown>> = {
  cluster: String,
  executionRole: String,
  taskRole: String,
  infrastructureRole: String,
  instanceProfile: String,
  subnets: list,
  securityGroups: list,
  networkMode: String,
  assignPublicIp: flag,
  capacity: list,
  'limits.maxCpus': Number,
  'limits.maxMemoryGib': Number,
  spotPolicy: String,
  spotFallbackAfter: Number,
  maxSpotAttempts: Number,
  startTimeout: String,
  pollInterval: String,
  submitRateLimit: Number,
  stopTimeout: String,
  logsGroup: String,
  logsRetentionDays: Number,
  executeCommand: flag,
};

function list(text: string): string[] {
  return text
    .split(',')
    .map((t) => t.trim())
    .filter((t) => t !== '');
}
function flag(text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : text;
}

const prefix = 'STINT_AWS_ECS_';
export const envName = (key: string): string =>
  `${prefix}${key
    .replace(/[A-Z]/g, (c) => `_${c}`)
    .replace('.', '_')
    .toUpperCase()}`;

export interface EcsConfigOptions {
  /** What this caller has instead of the default group; a configured one comes before it. */
  logsGroup?: string;
  /** Where a key stands in the file, `stint.config.yaml:7: `; asked with the path `aws.ecs.cluster`. */
  at?: (path: string) => string;
}

/**
 * Environment over file, with every problem at once.
 * @throws AppError INVALID_ARGUMENT/BAD_CONFIG naming each key as it is written, and what was found there
 */
export function readEcsConfig(
  file: Record<string, unknown>,
  env: NodeJS.ProcessEnv,
  { logsGroup, at = () => '' }: EcsConfigOptions = {},
): EcsConfig {
  const given: Record<string, unknown> = { ...(logsGroup !== undefined && { logsGroup }), ...file };
  const fromVariable = new Set<string>();
  for (const [key, read] of Object.entries(fromEnv)) {
    const text = env[envName(key)];
    if (text === undefined || text === '') continue;
    const [outer = '', inner] = key.split('.');
    given[outer] =
      inner === undefined ? read(text) : { ...(typeof given[outer] === 'object' && given[outer]), [inner]: read(text) };
    fromVariable.add(key);
  }
  const problems = Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !Object.keys(fromEnv).some((key) => envName(key) === name))
    .map((name) => `${name}: there is no such variable`);
  const tell = (path: string, message: string): void => {
    const [key = ''] = path.split(/[.[]/);
    const inFile = path === '' ? 'aws.ecs' : `aws.ecs.${path}`;
    const variable = [path, key].find((name) => fromVariable.has(name));
    const where = variable !== undefined ? envName(variable) : `${at(inFile)}${inFile}`;
    problems.push(`${where}: ${message}`);
  };
  const parsed = ecsConfigSchema.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    for (const { path = '', message, reason, hint } of problemsOf(issue, given, ecsConfigSchema)) {
      if (reason === 'MISSING_KEY') tell(path, 'is required');
      else if (reason === 'UNKNOWN_KEY') tell(path, `there is no such key. ${hint ?? ''}`);
      else tell(path, message);
    }
  }
  for (const { key, message } of relations(parsed.data ?? rightKeys(given)))
    tell(key, typeof given[key] === 'string' ? `${message}, not ${JSON.stringify(given[key])}` : message);
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', problems.join('\n'), {
    hint: 'docs/executor.md lists every key of aws.ecs.',
    details: { problems },
  });
}

/** The keys whose own values are right, so that their relations are told with the problems of the others. */
function rightKeys(given: Readonly<Record<string, unknown>>): Partial<EcsConfig> {
  const right = Object.entries(ecsConfigSchema.shape).flatMap(([key, schema]) => {
    const { success, data } = schema.safeParse(given[key]);
    return success && data !== undefined ? [[key, data]] : [];
  });
  return Object.fromEntries(right) as Partial<EcsConfig>;
}
