// SPDX-License-Identifier: Apache-2.0
import { parseConstraint } from '../capacity/constraint.ts';
import { checkNetworkIds } from '../capacity/provider-operations.ts';
import { ApiError, invalidParameter } from '../wire/api-error.ts';
import { checkOverrides } from './check-overrides.ts';
import { checkVolumeConfigurations } from './check-volumes.ts';
import type { Cluster } from './cluster.ts';
import type { TaskOrder } from './run-task.ts';
import { checkStrategy } from './strategy.ts';
import { checkTags } from './tags.ts';
import type { TaskDefinition } from './task-definition.ts';
import type { RunTaskInput, StrategyItem } from './types.ts';

type Kind = 'fargate' | 'managed';

/** What ECS asks of RunTask beyond its model. @throws ApiError */
export function checkRunTask(input: RunTaskInput, cluster: Cluster): TaskOrder {
  const { count = 1 } = input;
  if (count < 1 || count > 10) throw invalidParameter(`Count must be between 1 and 10: ${count}.`);
  checkTexts(input);
  checkTags(input.tags);
  const { kind, strategy } = chooseKind(input, cluster);
  const definition = cluster.region.definitions.active(input.taskDefinition);
  checkCompatible(definition, kind);
  checkOverrides(input.overrides ?? {}, definition.input, kind);
  checkNetwork(input, definition, kind);
  checkPlacement(input, definition, kind);
  checkPlatform(input, kind);
  checkVolumeConfigurations(input.volumeConfigurations ?? [], definition.input, kind);
  if (input.enableExecuteCommand && (input.overrides?.taskRoleArn ?? definition.input.taskRoleArn) === undefined) {
    throw invalidParameter(
      'The task cannot be run with ExecuteCommand because a valid taskRoleArn is not being used. Specify a valid task role ARN in your task definition and try again.',
    );
  }
  return { cluster, definition, strategy, count };
}

function checkTexts({ startedBy, clientToken, group, taskDefinition, propagateTags, referenceId }: RunTaskInput): void {
  if (taskDefinition.trim() === '') throw invalidParameter('TaskDefinition can not be blank.');
  if (startedBy !== undefined && !/^[A-Za-z0-9_/-]{1,128}$/.test(startedBy)) {
    throw invalidParameter('startedBy must be up to 128 letters, numbers, hyphens, forward slashes and underscores.');
  }
  if (clientToken !== undefined && !/^[\x21-\x7e]{1,64}$/.test(clientToken)) {
    throw invalidParameter('clientToken must be up to 64 ASCII characters from 33 to 126.');
  }
  if ((group ?? '').length > 255) throw invalidParameter('Group must be at most 255 characters.');
  if (group?.startsWith('service:')) throw invalidParameter("Invalid namespace for group: 'service:' is reserved.");
  if ((referenceId ?? '').length > 1_024) throw invalidParameter('referenceId must be at most 1024 characters.');
  if (propagateTags === 'SERVICE')
    throw invalidParameter(
      'An error will be received if you specify the SERVICE option when running a task: propagateTags must be TASK_DEFINITION or NONE.',
    );
}

function chooseKind(input: RunTaskInput, cluster: Cluster): { kind: Kind; strategy: readonly StrategyItem[] } {
  const { launchType, capacityProviderStrategy } = input;
  if (launchType !== undefined && capacityProviderStrategy !== undefined) {
    throw invalidParameter(
      'Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.',
    );
  }
  if (capacityProviderStrategy?.length === 0) throw invalidParameter('The capacity provider strategy cannot be empty.');
  if (launchType === 'FARGATE') return { kind: 'fargate', strategy: [] };
  if (launchType === 'MANAGED_INSTANCES') {
    throw invalidParameter(
      'Amazon ECS Managed Instances are used through a capacity provider strategy, not through the launch type MANAGED_INSTANCES.',
    );
  }
  const strategy = launchType === undefined ? (capacityProviderStrategy ?? cluster.defaultStrategy) : [];
  const kind = checkStrategy(cluster, strategy, 'run');
  // EC2 and EXTERNAL need container instances that somebody registers; none can be here.
  if (kind === null) throw invalidParameter('No Container Instances were found in your cluster.');
  return { kind, strategy };
}

function checkCompatible({ compatibilities, input }: TaskDefinition, kind: Kind): void {
  if (kind === 'fargate' && !compatibilities.includes('FARGATE')) {
    throw invalidParameter('Task definition does not support launch_type FARGATE.');
  }
  if (kind === 'managed' && !input.requiresCompatibilities?.includes('MANAGED_INSTANCES')) {
    throw invalidParameter(
      'Task definition does not support launch_type MANAGED_INSTANCES: its requiresCompatibilities must have MANAGED_INSTANCES.',
    );
  }
}

function checkNetwork({ networkConfiguration }: RunTaskInput, { input }: TaskDefinition, kind: Kind): void {
  const network = networkConfiguration?.awsvpcConfiguration;
  if (input.networkMode !== 'awsvpc') {
    if (network)
      throw invalidParameter('Network Configuration is not valid for the given networkMode of this task definition.');
    return;
  }
  if (!network)
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  const { subnets, securityGroups = [], assignPublicIp } = network;
  if (kind === 'managed' && assignPublicIp !== undefined) {
    throw invalidParameter('Assign public IP is not supported for this launch type.');
  }
  if (subnets.length === 0) throw invalidParameter('subnets can not be empty.');
  if (subnets.length > 16) throw invalidParameter('subnets can have at most 16 items.');
  if (securityGroups.length > 5) throw invalidParameter('securityGroups can have at most 5 items.');
  checkNetworkIds(subnets, securityGroups);
}

function checkPlacement(input: RunTaskInput, { input: definition }: TaskDefinition, kind: Kind): void {
  const { placementConstraints = [], placementStrategy = [] } = input;
  if (placementStrategy.length > 5) throw invalidParameter('At most 5 placement strategies are allowed.');
  if (kind === 'fargate' && placementConstraints.length > 0) {
    throw invalidParameter('Placement constraints are not supported with FARGATE launch type.');
  }
  if (placementStrategy.length > 0) {
    throw invalidParameter(
      `Placement strategies are not supported with ${kind === 'fargate' ? 'FARGATE' : 'MANAGED_INSTANCES'} launch type.`,
    );
  }
  if (placementConstraints.length + (definition.placementConstraints ?? []).length > 10) {
    throw invalidParameter('At most 10 placement constraints are allowed, those of the task definition included.');
  }
  for (const { type, expression } of placementConstraints) {
    if (type === undefined) throw invalidParameter('A placement constraint needs a type.');
    if (type === 'distinctInstance') {
      if (expression !== undefined) throw invalidParameter('distinctInstance takes no expression.');
      continue;
    }
    try {
      if ((expression ?? '').length > 2_000) throw new SyntaxError('longer than 2000 characters');
      parseConstraint(expression ?? '');
    } catch (e) {
      throw invalidParameter(
        `Invalid expression '${(expression ?? '').slice(0, 100)}': ${e instanceof Error ? e.message : String(e)}.`,
      );
    }
  }
}

const PLATFORMS = ['LATEST', '1.4.0', '1.3.0'];

function checkPlatform({ platformVersion }: RunTaskInput, kind: Kind): void {
  if (platformVersion === undefined) return;
  if (kind === 'managed')
    throw invalidParameter('The platform version must be null when specifying a launch type other than FARGATE.');
  if (!PLATFORMS.includes(platformVersion)) {
    throw new ApiError('PlatformUnknownException', `The platform version does not exist: ${platformVersion}.`);
  }
}
