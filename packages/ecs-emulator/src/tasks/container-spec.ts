// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { AppError } from '@stint/core';
import type { ContainerCapabilities, ContainerMount, ContainerSpec } from '@stint/core';
import { SECRETS_UNREACHABLE } from '../faults/stop-reasons.ts';
import type { Task, TaskContainer } from './task.ts';
import type { VolumeFolders } from './volume-folders.ts';

export interface SpecMakerOptions {
  capabilities: ContainerCapabilities;
  volumes: VolumeFolders;
  /** Of the metadata endpoint, once it serves: `http://127.0.0.1:4000`. */
  endpoint: () => string;
  warn: (text: string) => void;
}

/** Turns a container of a task into what a container engine runs. */
export class SpecMaker {
  readonly #options: SpecMakerOptions;

  constructor(options: SpecMakerOptions) {
    this.#options = options;
  }

  /** What the emulator can't give a task, as ECS says it of what it can't reach; null = nothing. */
  problemOf(task: Task): string | null {
    const { volumes = [] } = task.definition.input;
    for (const { definition, override } of task.containers) {
      if (definition.secrets?.length || definition.repositoryCredentials) {
        return `${SECRETS_UNREACHABLE}: this emulator has no secrets`;
      }
      if (definition.environmentFiles?.length || override?.environmentFiles?.length) {
        return 'failed to download env files: file download command: this emulator has no S3';
      }
    }
    const remote = volumes.find((v) => v.efsVolumeConfiguration ?? v.s3filesVolumeConfiguration);
    if (remote) {
      return `failed to invoke EFS utils commands to set up EFS volumes: volume ${remote.name ?? ''}: this emulator has no file systems`;
    }
    return null;
  }

  /** @throws AppError FAILED_PRECONDITION/CANNOT_CREATE where a volume can't be had. */
  specOf(task: Task, container: TaskContainer): ContainerSpec {
    const { definition, override } = container;
    const { capabilities } = this.#options;
    const { linuxParameters: linux } = definition;
    this.#warnOf(container);
    return {
      name: `stint-ecs-${task.id}-${container.index}`,
      labels: {
        'com.amazonaws.ecs.cluster': task.cluster.arn,
        'com.amazonaws.ecs.container-name': definition.name,
        'com.amazonaws.ecs.task-arn': task.arn,
        'com.amazonaws.ecs.task-definition-family': task.definition.family,
        'com.amazonaws.ecs.task-definition-version': String(task.definition.revision),
      },
      image: definition.image,
      entryPoint: definition.entryPoint ?? null,
      command: override?.command ?? definition.command ?? null,
      env: this.#envOf(task, container),
      workingDir: definition.workingDirectory ?? null,
      cpus: cpusOf(task),
      memoryMib: override?.memory ?? definition.memory ?? (task.size.memoryMib || null),
      // The instance's accelerators are emulated; this machine's are not given away.
      gpus: 0,
      mounts: this.#mountsOf(task, container),
      devices: capabilities.privileges ? (linux?.devices ?? []).map(({ hostPath }) => hostPath) : [],
      addCapabilities: capabilities.privileges ? (linux?.capabilities?.add ?? []) : [],
      // The containers of a task reach each other and the metadata endpoint at 127.0.0.1, as they do on ECS.
      network: task.definition.input.networkMode === 'none' ? 'none' : 'host',
      init: linux?.initProcessEnabled ?? false,
    };
  }

  /** Removes the folders of a task that has ended. */
  async forget(task: Task): Promise<void> {
    if (task.definition.input.volumes?.length) await this.#options.volumes.remove(task.id);
  }

  #envOf(task: Task, container: TaskContainer): Record<string, string> {
    const env: Record<string, string> = {};
    const given = [...(container.definition.environment ?? []), ...(container.override?.environment ?? [])];
    for (const { name, value } of given) if (name !== undefined) env[name] = value ?? '';
    const base = `${this.#options.endpoint()}/v4/${runtimeIdOf(task, container)}`;
    const injected: Record<string, string> = { ECS_CONTAINER_METADATA_URI_V4: base, ...agentEnv(task) };
    // Dummy credentials at the place where the SDKs look for those of a task role.
    const role = task.overrides.taskRoleArn ?? task.definition.input.taskRoleArn;
    if (role !== undefined) injected['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${base}/credentials`;
    return { ...injected, ...env };
  }

  #mountsOf(task: Task, { definition }: TaskContainer): ContainerMount[] {
    const { volumes, capabilities } = this.#options;
    const mounts: ContainerMount[] = [];
    for (const { sourceVolume = '', containerPath = '', readOnly = false } of definition.mountPoints ?? []) {
      const volume = task.definition.input.volumes?.find(({ name }) => name === sourceVolume);
      if (capabilities.mounts) {
        const hostPath = volume?.host?.sourcePath ?? volumes.folderOf(task.id, sourceVolume);
        mounts.push({ hostPath, containerPath, readOnly });
      } else if (!volumes.openPath(containerPath)) {
        throw new AppError(
          'FAILED_PRECONDITION',
          'CANNOT_CREATE',
          `volume ${sourceVolume}: plain processes have no mounts, and ${containerPath} is neither below the data folder or the temporary folder nor /scratch`,
        );
      }
    }
    return mounts;
  }

  #warnOf({ definition }: TaskContainer): void {
    const { capabilities, warn } = this.#options;
    const { linuxParameters: linux } = definition;
    if (!capabilities.privileges && (linux?.devices?.length || linux?.capabilities?.add?.length)) {
      warn('devices and capabilities are not enforced: the engine has none');
    }
    if (definition.privileged) warn('privileged containers run without more privileges');
    if (definition.user !== undefined)
      warn('the user of a container definition has no effect: containers run as their image says');
    if (definition.readonlyRootFilesystem) warn('readonlyRootFilesystem has no effect');
    if (definition.restartPolicy?.enabled) warn('restart policies have no effect: a container that ends stays ended');
  }
}

/** On ECS no variable tells the Region on Managed Instances; on Fargate one does. */
const agentEnv = (task: Task): Record<string, string> =>
  task.capacity.kind === 'managed'
    ? { AWS_EXECUTION_ENV: 'AWS_ECS_MANAGED_INSTANCES' }
    : {
        AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
        AWS_REGION: task.cluster.region.name,
        AWS_DEFAULT_REGION: task.cluster.region.name,
      };

/** What ECS calls the container's runtime id: the task's id and ten digits. The metadata endpoint's paths have it too. */
export const runtimeIdOf = (task: Task, { index }: TaskContainer): string =>
  `${task.id}-${String(1_000_000_000 + index)}`;

/** An emulated instance may have more CPUs than this machine, which engines refuse to limit to. */
function cpusOf({ size }: Task): number | null {
  return size.cpuUnits === 0 ? null : Math.min(size.cpuUnits / 1_024, availableParallelism());
}
