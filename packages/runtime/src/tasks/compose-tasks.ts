// SPDX-License-Identifier: Apache-2.0
import { createHash, randomInt } from 'node:crypto';
import { arch, availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { AppError, createTaskEngine } from '@stint/core/tasks';
import type { Architecture, Compute, ComputeTarget, ContainerEngine, LeaseOwner, TaskEngine } from '@stint/core';
import {
  createCliEngine,
  createLocalCompute,
  createProcessEngine,
  describeThisProcess,
  findCliEngine,
  findGpus,
  openSqliteTaskStore,
  ownerIsAlive,
  systemClock,
} from '@stint/local/tasks';
import { ecsBackends } from './ecs-backends.ts';
import { stateHome } from './state-home.ts';
import { readTaskSettings } from './task-settings.ts';
import type { TaskSettingsInput } from './settings-file.ts';
import type { TaskSettings } from './task-settings.ts';

export interface TaskRuntimeOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** `--config`. */
  config?: string | undefined;
  /** Instead of any file. */
  settings?: TaskSettingsInput | undefined;
  /** `--compute`. */
  compute?: string | undefined;
  /** Said once, for people. */
  notice?: ((text: string) => void) | undefined;
  /** What failed and will be tried again, for a log. */
  problem?: (taskId: string | null, what: string, error: unknown) => void;
}

export interface TaskRuntime {
  engine: TaskEngine;
  settings: TaskSettings;
  home: string;
  /** Where new tasks go. @throws AppError FAILED_PRECONDITION/NO_ENGINE */
  target(): Promise<ComputeTarget>;
  close(): Promise<void>;
}

export const machineArch: Architecture = arch() === 'arm64' ? 'ARM64' : 'X86_64';

/** Puts the task engine together: the store of the state folder, and the backends that tasks name. */
export async function composeTasks(options: TaskRuntimeOptions): Promise<TaskRuntime> {
  const { env, cwd } = options;
  const settings = await readTaskSettings(env, cwd, options.config, options.compute, options.settings);
  const home = stateHome(env, cwd);
  const clock = systemClock();
  const store = openSqliteTaskStore(home, env['STINT_SYNC'] === 'full' ? 'full' : 'normal');
  const self = describeThisProcess();

  const engineOf = (target: ComputeTarget): ContainerEngine => {
    switch (target.compute) {
      case 'process':
        return createProcessEngine({ dir: join(home, 'processes'), clock });
      case 'container':
        return createCliEngine({
          command: target.engine,
          args: settings.local.engineArgs,
          dir: join(home, 'containers'),
          clock,
        });
      case 'ecs':
        throw new AppError('INTERNAL', 'NO_ENGINE', 'ECS tasks need no engine of this machine');
    }
  };
  const ecs = ecsBackends({ settings, env, clock, notice: options.notice ?? (() => undefined) });
  const computeFor = async (target: ComputeTarget): Promise<Compute> => {
    if (target.compute === 'ecs') return await ecs.open(target);
    const { cpus, memoryMib } = settings.local;
    return createLocalCompute({
      engine: engineOf(target),
      target,
      clock,
      dir: home,
      cpus: cpus ?? availableParallelism(),
      memoryMib: memoryMib ?? Math.floor(totalmem() / 2 ** 20),
      arch: machineArch,
      gpus: findGpus(target.compute === 'container' ? target.engine : null),
    });
  };
  const engine = createTaskEngine({
    store,
    computeFor,
    clock,
    random: () => randomInt(2 ** 32) / 2 ** 32,
    sha256: (data) => createHash('sha256').update(data).digest('hex'),
    self,
    isDead: (owner) => isDead(owner, self),
    ...(options.problem && { problem: options.problem }),
  });
  return {
    engine,
    settings,
    home,
    target: () => (settings.compute === 'ecs' ? ecs.target() : targetOf(settings)),
    close: async () => {
      await engine.stop();
      await ecs.close();
      await store.close();
    },
  };
}

/** After a restart of the machine nobody of before lives; an owner elsewhere can't be judged, and is respected. */
function isDead(owner: LeaseOwner, self: LeaseOwner): boolean {
  const state = ownerIsAlive(owner, self);
  if (state !== 'unknown') return state === 'dead';
  return owner.host === self.host && owner.bootId !== '' && self.bootId !== '' && owner.bootId !== self.bootId;
}

async function targetOf({ compute, local }: TaskSettings): Promise<ComputeTarget> {
  if (compute === 'process') return { compute: 'process' };
  const engine = await findCliEngine(local.engine);
  if (engine !== null) return { compute: 'container', engine };
  throw new AppError(
    'FAILED_PRECONDITION',
    'NO_ENGINE',
    `no container engine answers here (asked: ${local.engine ?? 'podman, docker'})`,
    { hint: 'Install podman or docker, or run plain processes, unisolated, with `--compute process`.' },
  );
}
