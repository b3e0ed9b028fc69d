// SPDX-License-Identifier: Apache-2.0
import { AppError, parseDurationMs } from '@stint/core';
import { z } from 'zod';

const arn = (service: string, resource: string) => {
  const pattern = new RegExp(`^arn:aws[a-z-]*:${service}::\\d{12}:${resource}/[\\w+=,.@/-]+$`);
  return z.string().regex(pattern, `is no ARN of the shape arn:aws:${service}::123456789012:${resource}/NAME`);
};
const roleArn = arn('iam', 'role');
const duration = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const ms = parseDurationMs(typeof value === 'number' ? `${value}s` : value);
  if (ms !== null) return ms;
  ctx.addIssue('is no duration: write 5s, 30m or 2h');
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
export const ecsConfigSchema = z
  .strictObject({
    cluster: name,
    executionRole: roleArn,
    taskRole: roleArn.optional(),
    infrastructureRole: roleArn.optional(),
    instanceProfile: arn('iam', 'instance-profile').optional(),
    subnets: z
      .array(z.string().regex(/^subnet-[0-9a-z]+$/, 'is no subnet id'))
      .min(1)
      .max(16)
      .optional(),
    securityGroups: z
      .array(z.string().regex(/^sg-[0-9a-z]+$/, 'is no security group id'))
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
      .regex(/^[\w\-/.#]{1,512}$/, 'may have letters, digits and _ - / . #, 512 at most')
      .refine((group) => !group.startsWith('aws/'), 'must not begin with aws/')
      .default('/aws/ecs/stint'),
    logsRetentionDays: z
      .int()
      .refine((days) => retentionDays.includes(days), `is one of ${retentionDays.join(', ')}`)
      .default(30),
    executeCommand: z.boolean().default(false),
  })
  .superRefine((c, ctx) => {
    const issue = (path: string, message: string): void => ctx.addIssue({ code: 'custom', path: [path], message });
    if (c.pollInterval < 1_000 || c.pollInterval > 60_000)
      issue('pollInterval', `is ${c.pollInterval / 1000} s, it must be 1s to 1m`);
    if (c.startTimeout <= c.pollInterval) issue('startTimeout', 'must be longer than pollInterval');
    if (c.stopTimeout < 2_000 || c.stopTimeout > 86_400_000)
      issue('stopTimeout', `is ${c.stopTimeout / 1000} s, it must be 2s to 24h`);
    if (c.networkMode === 'awsvpc' && !c.subnets)
      issue('networkMode', 'awsvpc needs subnets with a route out: set subnets');
    if (c.networkMode === 'host' && c.subnets)
      issue('networkMode', 'host takes no subnets: remove subnets, or use awsvpc');
    if (c.executeCommand && !c.taskRole) issue('executeCommand', 'needs taskRole');
    const names = (c.capacity ?? []).map((entry) => entry.name);
    const twice = names.find((n, i) => names.indexOf(n) !== i);
    if (twice !== undefined) issue('capacity', `${twice} is listed twice`);
  });
export type EcsConfig = z.infer<typeof ecsConfigSchema>;

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

export const envName = (key: string): string => `STINT_AWS_ECS_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;

/**
 * Environment over file, with every problem at once.
 * @throws AppError INVALID_ARGUMENT/BAD_CONFIG naming each key as it is written
 */
export function readEcsConfig(file: Record<string, unknown>, env: NodeJS.ProcessEnv): EcsConfig {
  const given: Record<string, unknown> = { ...file };
  const fromVariable = new Set<string>();
  for (const [key, read] of Object.entries(fromEnv)) {
    const text = env[envName(key)];
    if (text === undefined || text === '') continue;
    given[key] = read(text);
    fromVariable.add(key);
  }
  const parsed = ecsConfigSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const [key, ...rest] = issue.path.map(String);
    const where =
      key === undefined ? 'aws.ecs' : fromVariable.has(key) ? envName(key) : ['aws.ecs', key, ...rest].join('.');
    const missing = key !== undefined && rest.length === 0 && given[key] === undefined;
    return missing ? `${where}: is required` : `${where}: ${issue.message}`;
  });
  throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', problems.join('\n'), {
    hint: 'docs/executor.md lists every key of aws.ecs.',
    details: { problems },
  });
}
