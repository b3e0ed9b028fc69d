// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { AppError, parseMib, problemsOf } from '@stint/core';
import { z } from 'zod';
import { readYamlFile } from '../intake/yaml-file.ts';

export const configFile = 'stint.config.yaml';

const size = z.union([z.number(), z.string()]).transform((value, ctx) => {
  const mib = parseMib(String(value));
  if (mib !== null) return mib;
  ctx.addIssue('must be a size like 8, 512MB or 2GiB');
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
  aws: { region: string | null; regionFrom: string; ecs: Record<string, unknown> };
  /** Where a key stands in the file, as the beginning of a message: `stint.config.yaml:7: `. */
  at: (path: string) => string;
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
  const at = (key: string): string => {
    const [found] = file?.locate([{ path: key, message: '' }]) ?? [];
    return found?.line === undefined ? '' : `${path}:${found.line}: `;
  };
  const value = given ?? file?.value ?? {};
  const parsed = taskSettingsSchema.safeParse(value);
  if (!parsed.success) {
    const texts = parsed.error.issues
      .flatMap((issue) => problemsOf(issue, value, taskSettingsSchema))
      .map(({ path: key = '', message, reason, hint }) => {
        const more = reason === 'UNKNOWN_KEY' && hint !== undefined ? `. ${hint}` : '';
        return `${file ? at(key) : 'settings: '}${key === '' ? 'the file' : key}: ${message}${more}`;
      });
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
    aws: { ...regionOf(env, aws?.region), ecs: aws?.ecs ?? {} },
    at,
    file: file ? path : null,
  };
}

function regionOf(env: NodeJS.ProcessEnv, inFile: string | undefined): { region: string | null; regionFrom: string } {
  for (const regionFrom of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
    const region = env[regionFrom];
    if (region !== undefined && region !== '') return { region, regionFrom };
  }
  return { region: inFile ?? null, regionFrom: 'aws.region' };
}

function computeOf(flag: string | undefined): ComputeName | null {
  if (flag === undefined) return null;
  const known = computeNames.find((name) => name === flag);
  if (known) return known;
  throw new AppError('INVALID_ARGUMENT', 'BAD_ARGUMENT', `--compute ${flag}: there is ${computeNames.join(', ')}`);
}
