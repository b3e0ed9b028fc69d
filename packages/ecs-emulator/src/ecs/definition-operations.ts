// SPDX-License-Identifier: Apache-2.0
import { clientException, invalidParameter } from '../wire/api-error.ts';
import { seconds } from '../world/world.ts';
import type { AnyOperation, CallContext, Operation } from '../world/world.ts';
import { checkDefinition } from './check-definition.ts';
import { failure } from './names.ts';
import { pageOf } from '../wire/pages.ts';
import { checkTags } from './tags.ts';
import type { TaskDefinition } from './task-definition.ts';
import type { Failure, TaskDefinitionInput } from './types.ts';

const register: Operation<TaskDefinitionInput> = (input, { region }) => {
  const tags = checkTags(input.tags, clientException);
  const compatibilities = checkDefinition(input);
  const definition = region.definitions.register(withDefaults(input), compatibilities, tags);
  return { taskDefinition: view(definition, region.world.account), ...(tags.length > 0 && { tags }) };
};

/** What ECS fills in; its answer has these members even where the request had not. */
function withDefaults({ tags: _, ...input }: TaskDefinitionInput): TaskDefinitionInput {
  return {
    ...input,
    volumes: input.volumes ?? [],
    placementConstraints: input.placementConstraints ?? [],
    containerDefinitions: input.containerDefinitions.map((container) => ({
      cpu: 0,
      essential: true,
      environment: [],
      mountPoints: [],
      portMappings: [],
      volumesFrom: [],
      systemControls: [],
      ...container,
    })),
  };
}

function view(definition: TaskDefinition, account: string): object {
  const { input } = definition;
  return {
    ...input,
    taskDefinitionArn: definition.arn,
    revision: definition.revision,
    status: definition.status,
    compatibilities: definition.compatibilities,
    requiresAttributes: attributesOf(input),
    registeredAt: seconds(definition.registeredAt),
    registeredBy: `arn:aws:iam::${account}:root`,
    ...(definition.deregisteredAt !== null && { deregisteredAt: seconds(definition.deregisteredAt) }),
    ...(definition.deleteRequestedAt !== null && { deleteRequestedAt: seconds(definition.deleteRequestedAt) }),
  };
}

/** A few of the attributes that ECS derives; nothing here reads them. */
function attributesOf(input: TaskDefinitionInput): { name: string }[] {
  const drivers = new Set(input.containerDefinitions.flatMap(({ logConfiguration: log }) => log?.logDriver ?? []));
  return [
    ...[...drivers].map((driver) => ({ name: `com.amazonaws.ecs.capability.logging-driver.${driver}` })),
    ...(input.taskRoleArn === undefined ? [] : [{ name: 'com.amazonaws.ecs.capability.task-iam-role' }]),
    ...(input.networkMode === 'awsvpc' ? [{ name: 'ecs.capability.task-eni' }] : []),
    { name: 'com.amazonaws.ecs.capability.docker-remote-api.1.18' },
  ];
}

const describe: Operation<{ taskDefinition: string; include?: string[] }> = (input, { region }) => {
  const found = region.definitions.find(input.taskDefinition);
  if (!found) throw clientException('Unable to describe task definition.');
  return {
    taskDefinition: view(found, region.world.account),
    ...(input.include?.includes('TAGS') && { tags: found.tags }),
  };
};

const deregister: Operation<{ taskDefinition: string }> = ({ taskDefinition }, { region }) => {
  const found = exact(taskDefinition, region);
  if (found.status === 'ACTIVE') {
    found.status = 'INACTIVE';
    found.deregisteredAt = region.world.clock.now();
  }
  return { taskDefinition: view(found, region.world.account) };
};

const remove: Operation<{ taskDefinitions: string[] }> = ({ taskDefinitions }, { region }) => {
  if (taskDefinitions.length === 0 || taskDefinitions.length > 10) {
    throw invalidParameter('taskDefinitions must have 1 to 10 members.');
  }
  const failures: Failure[] = [];
  const deleted: object[] = [];
  for (const reference of taskDefinitions) {
    const found = /:\d+$/.test(reference) ? region.definitions.find(reference) : undefined;
    if (!found) failures.push(failure(reference, 'TASK_DEFINITION_NOT_FOUND'));
    else if (found.status === 'ACTIVE') {
      failures.push(failure(found.arn, 'TASK_DEFINITION_NOT_INACTIVE', 'Deregister it first.'));
    } else {
      found.status = 'DELETE_IN_PROGRESS';
      found.deleteRequestedAt ??= region.world.clock.now();
      deleted.push(view(found, region.world.account));
      region.definitions.dropIfUnused(found);
    }
  }
  return { taskDefinitions: deleted, failures };
};

function exact(reference: string, region: CallContext['region']): TaskDefinition {
  if (!/:\d+$/.test(reference))
    throw clientException('Invalid revision number: a task definition with its revision is needed.');
  const found = region.definitions.find(reference);
  if (!found) throw clientException('The specified task definition does not exist.');
  return found;
}

interface ListInput {
  familyPrefix?: string;
  status?: string;
  sort?: 'ASC' | 'DESC';
  nextToken?: string;
  maxResults?: number;
}

/** `familyPrefix` is the full name of a family here, in spite of its name; of families it is a prefix. */
const list: Operation<ListInput> = (input, { region }) => {
  const { familyPrefix, status = 'ACTIVE', sort = 'ASC' } = input;
  const all: string[] = [];
  for (const [family, revisions] of region.definitions.families()) {
    if (familyPrefix === undefined || family === familyPrefix) {
      all.push(...revisions.filter((each) => each.status === status).map(({ arn }) => arn));
    }
  }
  const { items, ...next } = pageOf(sort === 'DESC' ? all.toReversed() : all, input, 100);
  return { taskDefinitionArns: items, ...next };
};

const families: Operation<ListInput> = (input, { region }) => {
  const { familyPrefix = '', status = 'ALL' } = input;
  const all: string[] = [];
  for (const [family, revisions] of region.definitions.families()) {
    const active = revisions.some((each) => each.status === 'ACTIVE');
    if (family.startsWith(familyPrefix) && (status === 'ALL' || (status === 'ACTIVE') === active)) all.push(family);
  }
  const { items, ...next } = pageOf(all, input, 100);
  return { families: items, ...next };
};

export const definitionOperations: Readonly<Record<string, AnyOperation>> = {
  RegisterTaskDefinition: register,
  DescribeTaskDefinition: describe,
  DeregisterTaskDefinition: deregister,
  DeleteTaskDefinitions: remove,
  ListTaskDefinitions: list,
  ListTaskDefinitionFamilies: families,
};
