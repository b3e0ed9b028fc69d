// SPDX-License-Identifier: Apache-2.0
import { clientException, invalidParameter } from '../wire/api-error.ts';
import { checkRequirements } from './check-container.ts';
import { checkContainerSizes, LEAST_CPU, MOST_CPU } from './check-definition.ts';
import { fargateDiskProblem, fargatePairProblem } from './check-fargate.ts';
import { parseCpuUnits, parseMemoryMib } from './sizes.ts';
import type { TaskDefinitionInput, TaskOverride } from './types.ts';

/** Characters of the overrides as JSON, punctuation included (TaskOverride, ECS API reference). */
const MOST_CHARACTERS = 8_192;

/** @throws ApiError InvalidParameterException or ClientException */
export function checkOverrides(
  overrides: TaskOverride,
  definition: TaskDefinitionInput,
  kind: 'fargate' | 'managed',
): void {
  const characters = JSON.stringify(overrides).length;
  if (characters > MOST_CHARACTERS) {
    throw invalidParameter(`Container Overrides length must be at most ${MOST_CHARACTERS}`);
  }
  const containers = overrides.containerOverrides ?? [];
  const names = containers.map(({ name }) => name);
  for (const [i, { name, environment = [], resourceRequirements = [] }] of containers.entries()) {
    if (name === undefined) throw invalidParameter('Container name can not be blank in a container override.');
    if (!definition.containerDefinitions.some((each) => each.name === name)) {
      throw invalidParameter(`Override for container named ${name} is not a container in the TaskDefinition.`);
    }
    if (names.indexOf(name) !== i) throw invalidParameter(`Container ${name} is overridden more than once.`);
    if (environment.some((each) => !each.name)) throw invalidParameter('The name of an environment variable is empty.');
    if (resourceRequirements.length > 0 && kind === 'fargate') {
      throw invalidParameter('Resource requirements are not supported with FARGATE launch type.');
    }
    checkRequirements(resourceRequirements, (what) =>
      invalidParameter(`Invalid override of container '${name}'. ${what}`),
    );
  }
  checkSizes(overrides, definition, kind);
}

function checkSizes(overrides: TaskOverride, definition: TaskDefinitionInput, kind: 'fargate' | 'managed'): void {
  const [cpu, memory] = [overrides.cpu ?? definition.cpu, overrides.memory ?? definition.memory];
  const cpuUnits = cpu === undefined ? null : parseCpuUnits(cpu);
  const memoryMib = memory === undefined ? null : parseMemoryMib(memory);
  if (cpu !== undefined && cpuUnits === null) throw invalidParameter(`Invalid 'cpu' override: ${cpu}`);
  if (memory !== undefined && memoryMib === null) throw invalidParameter(`Invalid 'memory' override: ${memory}`);
  if (kind === 'fargate') {
    const problem =
      fargatePairProblem(cpuUnits, memoryMib) ?? fargateDiskProblem(overrides.ephemeralStorage?.sizeInGiB);
    if (problem !== null) throw clientException(problem);
  } else {
    if (overrides.ephemeralStorage)
      throw invalidParameter('Ephemeral storage is not supported with MANAGED_INSTANCES launch type.');
    if (cpuUnits !== null && (cpuUnits < LEAST_CPU || cpuUnits > MOST_CPU)) {
      throw invalidParameter(
        `Invalid 'cpu' override: the value must be between ${LEAST_CPU} and ${MOST_CPU} CPU units.`,
      );
    }
    if (memoryMib !== null && memoryMib < 6)
      throw invalidParameter("Invalid 'memory' override: at least 6 MiB are needed.");
  }
  const containers = definition.containerDefinitions.map(({ name, cpu: c, memory: m, memoryReservation: r }) => {
    const over = overrides.containerOverrides?.find((each) => each.name === name);
    return {
      name,
      ...((over?.cpu ?? c) !== undefined && { cpu: over?.cpu ?? c }),
      ...((over?.memory ?? m) !== undefined && { memory: over?.memory ?? m }),
      ...((over?.memoryReservation ?? r) !== undefined && { memoryReservation: over?.memoryReservation ?? r }),
    };
  });
  checkContainerSizes(containers, cpuUnits, memoryMib);
}
