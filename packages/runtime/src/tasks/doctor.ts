// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants } from 'node:fs';
import type { Check } from '@stint/aws';
import { toAppError } from '@stint/core/base';
import { findCliEngine, findGpus, systemClock } from '@stint/local/tasks';
import type { MachineGpus } from '@stint/local/tasks';
import type { CommandResult } from '../commands.ts';
import type { CapacityCommandOptions } from './capacity-commands.ts';
import { namesEcs, readEcsSettings } from './ecs-settings.ts';
import { readTaskSettings } from './task-settings.ts';
import type { TaskSettings } from './task-settings.ts';

export type { Check };

export interface Diagnosis {
  /** Nothing failed. */
  ok: boolean;
  checks: Check[];
}

/** `stint doctor`: exit 0 where nothing failed; changes nothing, and no secret is in it. */
export async function doctor(options: CapacityCommandOptions): Promise<CommandResult<Diagnosis>> {
  const { env, cwd, config } = options;
  let settings: TaskSettings | null = null;
  const checks: Check[] = [];
  try {
    settings = await readTaskSettings(env, cwd, config, undefined);
  } catch (e) {
    checks.push(badSettings(e));
  }
  if (settings) checks.push(ok('configuration', settings.file ?? 'no file: defaults and environment'));
  const engine = await findCliEngine(settings?.local.engine ?? null);
  checks.push(checkEngine(engine, settings, env));
  if (engine !== null) checks.push(...checkGpus(engine, findGpus(engine)));
  checks.push(checkProcesses());
  if (settings && namesEcs(settings, env)) checks.push(...(await checkAws(settings, env)));
  else if (settings) checks.push(ok('ecs', 'not configured, so not looked at: aws.ecs.cluster is not set'));
  const failed = checks.some((check) => check.status === 'fail');
  return { exitCode: failed ? 2 : 0, body: { ok: !failed, checks } };
}

const ok = (name: string, text: string): Check => ({ name, status: 'ok', text, hint: null });

function badSettings(e: unknown): Check {
  const { message, info } = toAppError(e);
  const text = message.replaceAll('\n', '; ');
  return { name: 'configuration', status: 'fail', text, hint: info.hint ?? 'docs/executor.md lists every key.' };
}

function checkEngine(found: string | null, settings: TaskSettings | null, env: NodeJS.ProcessEnv): Check {
  const asked = settings?.local.engine ?? null;
  if (found !== null) return ok('engine', `${found} answers`);
  const compute = settings?.compute ?? null;
  // Where nothing is chosen tasks go to a container engine, unless somebody means ECS.
  const needed = compute === 'container' || (compute === null && settings !== null && !namesEcs(settings, env));
  return {
    name: 'engine',
    status: needed ? 'fail' : 'warn',
    text: `no container engine answers here (asked: ${asked ?? 'podman, docker'})`,
    hint: needed
      ? 'Install or start podman or docker, or run plain processes, unisolated: `--compute process`.'
      : 'Nothing, unless tasks are to run in containers of this machine.',
  };
}

/** Says nothing of a machine that has no GPU. */
export function checkGpus(engine: string, { count, types, hint }: MachineGpus): Check[] {
  if (hint !== null)
    return [{ name: 'gpus', status: 'warn', text: hint, hint: 'Nothing, unless containers are to use them.' }];
  return count === 0 ? [] : [ok('gpus', `${engine} gives containers ${count} (${types.join(', ') || 'unknown type'})`)];
}

/** What a plain process is started with. */
const shell = '/bin/sh';

function checkProcesses(): Check {
  try {
    accessSync(shell, constants.X_OK);
    return ok('processes', 'plain processes can be started, unisolated, where `--compute process` asks for it');
  } catch {
    const hint = 'Tasks run in containers or on ECS only.';
    return { name: 'processes', status: 'warn', text: `${shell} can't be run`, hint };
  }
}

async function checkAws(settings: TaskSettings, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const { checkEcs } = await import('@stint/aws');
  const clock = systemClock();
  try {
    return await checkEcs({ ...(await readEcsSettings(settings, env)), clock, env });
  } catch (e) {
    const checks = [badSettings(e)];
    const { region } = settings.aws;
    // Who we are can be told all the same.
    if (region !== null && /^[a-z0-9-]+$/.test(region))
      checks.push(...(await checkEcs({ region, config: null, clock, env })));
    return checks;
  }
}
