// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { AppError, parseMib } from '@stint/core';
import type { Problem } from '@stint/core';
import { z } from 'zod';
import { readYamlFile } from '../intake/yaml-file.ts';

export const configFile = 'stint.config.yaml';

const size = z.union([z.number(), z.string()]).transform((value, ctx) => {
  const mib = parseMib(String(value));
  if (mib !== null) return mib;
  ctx.addIssue(`is no size: write 8, 512MB or 2GiB`);
  return z.NEVER;
});

export const computeNames = ['container', 'process', 'ecs'] as const;
export type ComputeName = (typeof computeNames)[number];

/** `stint.config.yaml`. The keys of `aws.ecs` are checked by the ECS backend, which knows them. */
export const taskSettingsSchema = z.strictObject({
  compute: z.enum(computeNames).optional(),
  local: z
    .strictObject({
      engine: z.enum(['podman', 'docker']).optional(),
      engineArgs: z.array(z.string()).optional(),
      cpus: z.number().positive().optional(),
      memory: size.optional(),
    })
    .optional(),
  aws: z
    .strictObject({ region: z.string().min(1).optional(), ecs: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});

/** What the file says, as an object: for programs. */
export type TaskSettingsInput = z.input<typeof taskSettingsSchema>;

export interface TaskSettings {
  /** null: whatever this machine has. */
  compute: ComputeName | null;
  local: { engine: 'podman' | 'docker' | null; engineArgs: string[]; cpus: number | null; memoryMib: number | null };
  aws: { region: string | null; ecs: Record<string, unknown> };
  /** File that was read, for messages; null = there is none. */
  file: string | null;
}

/**
 * Flags over environment over file.
 * @param config - path of `--config`; default `stint.config.yaml` in the current folder, where there is one
 * @param given - instead of any file
 * @throws AppError INVALID_ARGUMENT/BAD_CONFIG naming every problem with file and line, INVALID_ARGUMENT/BAD_PATH
 */
export function readTaskSettings(
  env: NodeJS.ProcessEnv,
  cwd: string,
  config: string | undefined,
  compute: string | undefined,
  given?: TaskSettingsInput,
): TaskSettings {
  const path = config === undefined ? join(cwd, configFile) : isAbsolute(config) ? config : join(cwd, config);
  const wanted = given === undefined && (config !== undefined || existsSync(path));
  const file = wanted ? readYamlFile(path, 'configuration') : null;
  const parsed = taskSettingsSchema.safeParse(given ?? file?.value ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue): Problem => {
      const field = issue.path.join('.');
      return { path: field, message: `${field === '' ? 'the file' : field}: ${issue.message}` };
    });
    const texts = (file?.locate(problems) ?? problems).map(
      (p) => `${file ? path : 'settings'}${p.line === undefined ? '' : `:${p.line}`}: ${p.message}`,
    );
    throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', texts.join('\n'), {
      hint: 'docs/executor.md lists every key.',
      details: { file: file ? path : null, problems: texts },
    });
  }
  const { local, aws } = parsed.data;
  return {
    compute: computeOf(compute) ?? parsed.data.compute ?? null,
    local: {
      engine: local?.engine ?? null,
      engineArgs: env['STINT_ENGINE_ARGS']?.split(/\s+/).filter((a) => a !== '') ?? local?.engineArgs ?? [],
      cpus: local?.cpus ?? null,
      memoryMib: local?.memory ?? null,
    },
    aws: { region: env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? aws?.region ?? null, ecs: aws?.ecs ?? {} },
    file: file ? path : null,
  };
}

function computeOf(flag: string | undefined): ComputeName | null {
  if (flag === undefined) return null;
  const known = computeNames.find((name) => name === flag);
  if (known) return known;
  throw new AppError('INVALID_ARGUMENT', 'BAD_ARGUMENT', `--compute ${flag}: there is ${computeNames.join(', ')}`);
}
