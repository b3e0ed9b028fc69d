// SPDX-License-Identifier: Apache-2.0
import { lstatSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { AppError } from '@stint/core/base';
import { readYamlFile } from '../intake/yaml-file.ts';
import type { GivenTaskSettings, TaskSettingsInput } from './settings-file.ts';

export const configFile = 'stint.config.yaml';

export const computeNames = ['container', 'process', 'ecs'] as const;
export type ComputeName = (typeof computeNames)[number];

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
export async function readTaskSettings(
  env: NodeJS.ProcessEnv,
  cwd: string,
  config: string | undefined,
  compute: string | undefined,
  given?: TaskSettingsInput,
): Promise<TaskSettings> {
  const path = config === undefined ? join(cwd, configFile) : isAbsolute(config) ? config : join(cwd, config);
  const wanted = given === undefined && (config !== undefined || isThere(path));
  const file = wanted ? readYamlFile(path, 'configuration') : null;
  const at = (key: string): string => {
    const [found] = file?.locate([{ path: key, message: '' }]) ?? [];
    return found?.line === undefined ? '' : `${path}:${found.line}: `;
  };
  // A file of comments alone says nothing.
  const value = given ?? file?.value ?? undefined;
  const {
    compute: configured,
    local,
    aws,
  } = value === undefined ? nothing : await checked(value, path, file ? at : null);
  return {
    compute: computeOf(compute) ?? configured ?? null,
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

const nothing: GivenTaskSettings = {};

/** A link that leads nowhere is there: somebody means it to be read. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/** @param at - null where the settings come from a program */
async function checked(value: unknown, path: string, at: ((key: string) => string) | null): Promise<GivenTaskSettings> {
  // The library that checks is loaded where there is something to check: it takes a third of the start of `task run`.
  const { parseTaskSettings } = await import('./settings-file.ts');
  const { settings, problems } = parseTaskSettings(value);
  if (settings) return settings;
  const texts = problems.map(({ path: key = '', message, reason, hint }) => {
    const more = reason === 'UNKNOWN_KEY' && hint !== undefined ? `. ${hint}` : '';
    return `${at ? at(key) : 'settings: '}${key === '' ? 'the file' : key}: ${message}${more}`;
  });
  throw new AppError('INVALID_ARGUMENT', 'BAD_CONFIG', texts.join('\n'), {
    hint: 'docs/executor.md lists every key.',
    details: { file: at ? path : null, problems: texts },
  });
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
