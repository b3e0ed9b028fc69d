// SPDX-License-Identifier: Apache-2.0
import { parseConstraint } from '../capacity/constraint.ts';
import { clientException } from '../wire/api-error.ts';
import { checkContainer } from './check-container.ts';
import { fargateProblem } from './check-fargate.ts';
import { managedInstancesProblem } from './check-managed.ts';
import { isName } from './names.ts';
import { parseCpuUnits, parseMemoryMib } from './sizes.ts';
import type { Compatibility, ContainerDefinition, TaskDefinitionInput, Volume } from './types.ts';

/** EC2: the range of the API reference. */
export const [LEAST_CPU, MOST_CPU] = [128, 196_608];

/**
 * What ECS asks of a task definition beyond its model.
 * @returns the launch types and kinds of capacity that it can run on.
 * @throws ApiError ClientException
 */
export function checkDefinition(input: TaskDefinitionInput): Compatibility[] {
  const { family, containerDefinitions: containers, requiresCompatibilities: required = [] } = input;
  if (!isName(family)) {
    throw clientException(
      'Family contains invalid characters. Up to 255 letters (uppercase and lowercase), numbers, hyphens and underscores are allowed.',
    );
  }
  if (JSON.stringify(input).length > 65_536)
    throw clientException('Actual length of task definition exceeds the limit of 65536 bytes.');
  if (containers.length === 0) throw clientException('Container list cannot be empty.');
  if (containers.length > 10) throw clientException('Task definition must have at most 10 containers.');
  checkSizes(input);
  checkVolumes(input.volumes ?? [], containers);
  const names = containers.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw clientException(`Container names must be unique: ${twice}.`);
  for (const container of containers) checkContainer(container, input);
  if (containers.every(({ essential }) => essential === false)) {
    throw clientException("Invalid 'containerDefinitions' setting: at least one container must be essential.");
  }
  checkDependencies(containers);
  checkConstraints(input);

  const problems: Record<Compatibility, string | null> = {
    EC2: null,
    EXTERNAL: input.networkMode === 'awsvpc' ? "EXTERNAL does not support network mode 'awsvpc'." : null,
    FARGATE: fargateProblem(input),
    MANAGED_INSTANCES: managedInstancesProblem(input),
  };
  for (const each of required) {
    const problem = problems[each];
    if (problem !== null) throw clientException(problem);
  }
  return (Object.keys(problems) as Compatibility[]).filter((each) => problems[each] === null);
}

function checkSizes({ cpu, memory, containerDefinitions, requiresCompatibilities }: TaskDefinitionInput): void {
  const [cpuUnits, memoryMib] = [
    cpu === undefined ? null : parseCpuUnits(cpu),
    memory === undefined ? null : parseMemoryMib(memory),
  ];
  if (cpu !== undefined && cpuUnits === null) throw clientException(`Invalid 'cpu' setting for task: ${cpu}`);
  if (memory !== undefined && memoryMib === null) throw clientException(`Invalid 'memory' setting for task: ${memory}`);
  // Fargate has its own table of sizes.
  if (
    cpuUnits !== null &&
    !requiresCompatibilities?.includes('FARGATE') &&
    (cpuUnits < LEAST_CPU || cpuUnits > MOST_CPU)
  ) {
    throw clientException(
      `Invalid 'cpu' setting for task. The value must be between ${LEAST_CPU} and ${MOST_CPU} CPU units.`,
    );
  }
  checkContainerSizes(containerDefinitions, cpuUnits, memoryMib);
}

/** Containers within their task; also asked of a task whose sizes were overridden. @throws ApiError ClientException */
export function checkContainerSizes(
  containers: readonly Pick<ContainerDefinition, 'name' | 'cpu' | 'memory' | 'memoryReservation'>[],
  cpuUnits: number | null,
  memoryMib: number | null,
): void {
  const sum = containers.reduce((total, { cpu = 0 }) => total + cpu, 0);
  if (cpuUnits !== null && sum > cpuUnits) {
    throw clientException(
      `The total number of CPU units of the containers (${sum}) must not exceed the task's CPU value (${cpuUnits}).`,
    );
  }
  for (const { name, memory, memoryReservation } of containers) {
    if (memoryMib !== null && (memory ?? 0) > memoryMib) {
      throw clientException(
        `Invalid setting for container '${name}'. The container's 'memory' value (${memory}) must be lower than or equal to the task's 'memory' value (${memoryMib}).`,
      );
    }
    if (memory !== undefined && memoryReservation !== undefined && memoryReservation > memory) {
      throw clientException(
        `Invalid setting for container '${name}'. 'memory' must be greater than 'memoryReservation'.`,
      );
    }
    if (memoryMib === null && memory === undefined && memoryReservation === undefined) {
      throw clientException(
        `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
      );
    }
  }
}

const KINDS = [
  'host',
  'dockerVolumeConfiguration',
  'efsVolumeConfiguration',
  's3filesVolumeConfiguration',
  'fsxWindowsFileServerVolumeConfiguration',
] as const satisfies (keyof Volume)[];

function checkVolumes(volumes: readonly Volume[], containers: readonly ContainerDefinition[]): void {
  const names = new Set<string>();
  for (const volume of volumes) {
    const { name } = volume;
    if (name === undefined || !isName(name))
      throw clientException('Volume name must be 1 to 255 letters, numbers, hyphens and underscores.');
    if (names.has(name)) throw clientException(`Duplicate volume name: ${name}.`);
    names.add(name);
    const kinds = KINDS.filter((kind) => volume[kind] !== undefined);
    if (kinds.length + (volume.configuredAtLaunch ? 1 : 0) > 1) {
      throw clientException(`Volume '${name}' must have only one configuration.`);
    }
  }
  if (volumes.filter(({ configuredAtLaunch }) => configuredAtLaunch).length > 1) {
    throw clientException('Only one volume of a task definition can be configuredAtLaunch.');
  }
  for (const { name, mountPoints = [] } of containers) {
    for (const { sourceVolume, containerPath } of mountPoints) {
      if (sourceVolume === undefined || !names.has(sourceVolume)) {
        throw clientException(`Unknown volume '${sourceVolume ?? ''}' in container '${name}'.`);
      }
      if (!containerPath?.startsWith('/')) {
        throw clientException(
          `Invalid 'containerPath' of volume '${sourceVolume}' in container '${name}': an absolute path is needed.`,
        );
      }
    }
    const paths = mountPoints.map(({ containerPath }) => containerPath);
    if (new Set(paths).size < paths.length) throw clientException(`Duplicate mount points in container '${name}'.`);
  }
}

function checkDependencies(containers: readonly ContainerDefinition[]): void {
  const byName = new Map(containers.map((container) => [container.name, container]));
  for (const { name, dependsOn = [] } of containers) {
    for (const { containerName, condition } of dependsOn) {
      const on = byName.get(containerName);
      if (!on) throw clientException(`Container '${name}' depends on unknown container '${containerName}'.`);
      if (condition === 'HEALTHY' && !on.healthCheck) {
        throw clientException(
          `Container '${name}' waits for '${containerName}' to be HEALTHY, which has no health check.`,
        );
      }
      if ((condition === 'COMPLETE' || condition === 'SUCCESS') && on.essential !== false) {
        throw clientException(
          `A dependency with condition ${condition} can't be on an essential container: '${containerName}'.`,
        );
      }
    }
  }
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string): void => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') throw clientException(`Container dependencies must not form a cycle: '${name}'.`);
    state.set(name, 'open');
    for (const { containerName } of byName.get(name)?.dependsOn ?? []) visit(containerName);
    state.set(name, 'done');
  };
  for (const name of byName.keys()) visit(name);
}

function checkConstraints({ placementConstraints = [] }: TaskDefinitionInput): void {
  if (placementConstraints.length > 10) throw clientException('At most 10 placement constraints are allowed.');
  for (const { expression = '' } of placementConstraints) {
    try {
      if (expression.length > 2_000) throw new SyntaxError('longer than 2000 characters');
      parseConstraint(expression);
    } catch (e) {
      throw clientException(
        `Invalid expression '${expression.slice(0, 100)}': ${e instanceof Error ? e.message : String(e)}.`,
      );
    }
  }
}
