// SPDX-License-Identifier: Apache-2.0
import type { ContainerDefinition, TaskDefinitionInput } from './types.ts';

/** Directories of a Managed Instance's host that can be written. */
const WRITABLE = /^\/(?:var|tmp)(?:\/|$)/;

/** Why a task definition can't run on Managed Instances; null = it can. What is refused: ECS Developer Guide. */
export function managedInstancesProblem(task: TaskDefinitionInput): string | null {
  const { networkMode, runtimePlatform } = task;
  const no = (what: string): string => `Amazon ECS Managed Instances do not support ${what}.`;
  if (networkMode !== 'awsvpc' && networkMode !== 'host') {
    return "Amazon ECS Managed Instances only support network modes 'awsvpc' and 'host', and one of them must be set.";
  }
  if (task.ephemeralStorage) return no('ephemeralStorage');
  if (task.ipcMode !== undefined) return no('ipcMode');
  if (task.proxyConfiguration) return no('proxyConfiguration');
  if (task.inferenceAccelerators) return no('inferenceAccelerators');
  if (runtimePlatform?.operatingSystemFamily !== undefined && runtimePlatform.operatingSystemFamily !== 'LINUX') {
    return no(`the operating system ${runtimePlatform.operatingSystemFamily}`);
  }
  for (const volume of task.volumes ?? []) {
    if (volume.dockerVolumeConfiguration || volume.fsxWindowsFileServerVolumeConfiguration) {
      return no(`this kind of volume ('${volume.name ?? ''}')`);
    }
    const path = volume.host?.sourcePath;
    if (path !== undefined && !WRITABLE.test(path))
      return no(`the sourcePath ${path}; only /var and /tmp can be written`);
  }
  for (const container of task.containerDefinitions) {
    const problem = containerProblem(container, no);
    if (problem !== null) return problem;
  }
  return null;
}

function containerProblem(container: ContainerDefinition, no: (what: string) => string): string | null {
  const { name, linuxParameters: linux, logConfiguration: log } = container;
  const here = `(container '${name}')`;
  if (linux?.sharedMemorySize !== undefined) return no(`sharedMemorySize ${here}`);
  if (linux?.tmpfs?.length) return no(`tmpfs ${here}`);
  if (linux?.maxSwap !== undefined || linux?.swappiness !== undefined) return no(`maxSwap and swappiness ${here}`);
  for (const key of ['links', 'dnsServers', 'dnsSearchDomains', 'dockerSecurityOptions', 'extraHosts'] as const) {
    if (container[key]?.length) return no(`${key} ${here}`);
  }
  if (container.hostname !== undefined) return no(`hostname ${here}`);
  if (container.disableNetworking) return no(`disableNetworking ${here}`);
  for (const [key, most] of [
    ['stopTimeout', 86_400],
    ['startTimeout', 600],
  ] as const) {
    const seconds = container[key];
    if (seconds !== undefined && (seconds < 0 || seconds > most))
      return `${key} must be at most ${most} seconds on Managed Instances ${here}.`;
  }
  if (log && !['awslogs', 'splunk', 'awsfirelens', 'json-file'].includes(log.logDriver)) {
    return no(`the log driver ${log.logDriver} ${here}`);
  }
  return null;
}
