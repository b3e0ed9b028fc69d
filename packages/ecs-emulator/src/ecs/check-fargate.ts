// SPDX-License-Identifier: Apache-2.0
import { isFargatePair, parseCpuUnits, parseMemoryMib } from './sizes.ts';
import type { ContainerDefinition, TaskDefinitionInput } from './types.ts';

/** Why a task definition can't run on Fargate; null = it can. What is refused: ECS Developer Guide, Fargate parameters. */
export function fargateProblem(task: TaskDefinitionInput): string | null {
  const { cpu, memory, networkMode, ephemeralStorage, runtimePlatform } = task;
  if (networkMode !== 'awsvpc') return "Fargate only supports network mode 'awsvpc'.";
  if (cpu === undefined || memory === undefined)
    return "Fargate requires that 'cpu' be defined at the task level, and 'memory' too.";
  const pair = fargatePairProblem(parseCpuUnits(cpu), parseMemoryMib(memory));
  if (pair !== null) return pair;
  const disk = fargateDiskProblem(ephemeralStorage?.sizeInGiB);
  if (disk !== null) return disk;
  if ((task.placementConstraints ?? []).length > 0) return 'Fargate does not support placement constraints.';
  if (task.ipcMode !== undefined) return "Tasks using the Fargate launch type do not support 'ipcMode'.";
  if (task.pidMode === 'host') return "Tasks using the Fargate launch type do not support 'pidMode' host.";
  if (task.proxyConfiguration) return 'Tasks using the Fargate launch type do not support proxyConfiguration.';
  if (task.inferenceAccelerators) return 'Tasks using the Fargate launch type do not support inferenceAccelerators.';
  for (const { name, host, dockerVolumeConfiguration, fsxWindowsFileServerVolumeConfiguration: fsx } of task.volumes ??
    []) {
    if (host?.sourcePath !== undefined)
      return `Fargate compatible task definitions do not support sourcePath (volume '${name ?? ''}').`;
    if (dockerVolumeConfiguration || fsx)
      return `Fargate compatible task definitions do not support this kind of volume ('${name ?? ''}').`;
  }
  if (runtimePlatform?.operatingSystemFamily?.startsWith('WINDOWS') && ['256', '512'].includes(cpu)) {
    return 'No Fargate configuration exists for given values: Windows needs 1024 CPU units or more.';
  }
  for (const container of task.containerDefinitions) {
    const problem = containerProblem(container, task);
    if (problem !== null) return problem;
  }
  return null;
}

/** Also asked of overrides. */
export function fargatePairProblem(cpuUnits: number | null, memoryMib: number | null): string | null {
  if (cpuUnits !== null && memoryMib !== null && isFargatePair(cpuUnits, memoryMib)) return null;
  return `No Fargate configuration exists for given values: ${cpuUnits ?? 'unreadable'} CPU, ${memoryMib ?? 'unreadable'} memory. See the Amazon ECS documentation for the valid values.`;
}

export function fargateDiskProblem(gib: number | undefined): string | null {
  return gib === undefined || (gib >= 21 && gib <= 200)
    ? null
    : `Ephemeral storage of ${gib} GiB is out of range: 21 to 200 GiB.`;
}

function containerProblem(container: ContainerDefinition, task: TaskDefinitionInput): string | null {
  const { name, linuxParameters: linux, logConfiguration: log } = container;
  const no = (what: string): string =>
    `Fargate compatible task definitions do not support ${what} (container '${name}').`;
  const added = linux?.capabilities?.add ?? [];
  if (container.privileged) return no('privileged containers');
  if (linux?.devices?.length) return no('devices');
  if (linux?.sharedMemorySize !== undefined) return no('sharedMemorySize');
  if (linux?.tmpfs?.length) return no('tmpfs');
  if (linux?.maxSwap !== undefined || linux?.swappiness !== undefined) return no('maxSwap and swappiness');
  if (added.some((capability) => capability !== 'SYS_PTRACE')) return no(`adding the capabilities ${added.join(', ')}`);
  if (container.resourceRequirements?.length) return no('resourceRequirements');
  for (const key of ['links', 'dnsServers', 'dnsSearchDomains', 'dockerSecurityOptions', 'extraHosts'] as const) {
    if (container[key]?.length) return no(key);
  }
  if (container.hostname !== undefined) return no('hostname');
  if (container.disableNetworking) return no('disableNetworking');
  if (container.ulimits?.some((limit) => limit.name !== 'nofile')) return no('ulimits other than nofile');
  for (const key of ['stopTimeout', 'startTimeout'] as const) {
    const seconds = container[key];
    if (seconds !== undefined && (seconds < 2 || seconds > 120))
      return `${key} must be between 2 and 120 seconds on Fargate (container '${name}').`;
  }
  if (log && !['awslogs', 'splunk', 'awsfirelens'].includes(log.logDriver))
    return no(`the log driver ${log.logDriver}`);
  if (log?.logDriver === 'awslogs' && task.executionRoleArn === undefined) {
    return 'Fargate requires task definition to have execution role ARN to support log driver awslogs.';
  }
  if (container.secrets?.length && task.executionRoleArn === undefined) {
    return 'When you are specifying container secrets, you must also specify a value for "executionRoleArn".';
  }
  return null;
}
