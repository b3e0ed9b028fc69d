// SPDX-License-Identifier: Apache-2.0
import { missing } from '../ecs/names.ts';
import { pageOf } from '../wire/pages.ts';
import { invalidParameter } from '../wire/api-error.ts';
import { fixedHex } from '../world/ids.ts';
import { seconds } from '../world/world.ts';
import type { AnyOperation, Operation } from '../world/world.ts';
import { parseConstraint } from './constraint.ts';
import { gpusOf, usableMemoryMib } from './instance-types.ts';
import type { Instance } from './instance.ts';

interface ListInput {
  cluster?: string;
  filter?: string;
  nextToken?: string;
  maxResults?: number;
  status?: string;
}

/** Without a status: ACTIVE and DRAINING ones. */
const list: Operation<ListInput> = (input, { region }) => {
  const { status, filter } = input;
  const cluster = region.cluster(input.cluster);
  const satisfied = filter === undefined || filter === '' ? () => true : parseFilter(filter);
  const all = [...cluster.instances.values()].filter(
    (each) =>
      (status === undefined ? each.status === 'ACTIVE' || each.status === 'DRAINING' : each.status === status) &&
      satisfied(each.attributes),
  );
  const { items, ...next } = pageOf(
    all.map(({ arn }) => arn),
    input,
    100,
  );
  return { containerInstanceArns: items, ...next };
};

function parseFilter(filter: string): ReturnType<typeof parseConstraint> {
  try {
    return parseConstraint(filter);
  } catch (e) {
    throw invalidParameter(`Invalid filter: ${e instanceof Error ? e.message : String(e)}.`);
  }
}

const describe: Operation<{ cluster?: string; containerInstances: string[]; include?: string[] }> = (input, call) => {
  const { region } = call;
  const cluster = region.cluster(input.cluster);
  const { containerInstances: references, include = [] } = input;
  if (references.length === 0) throw invalidParameter('Container instances cannot be empty.');
  if (references.length > 100) throw invalidParameter('Container instances cannot have more than 100 elements.');
  const [found, failures]: [object[], object[]] = [[], []];
  for (const reference of new Set(references)) {
    const id = reference.split('/').at(-1) ?? '';
    const instance = cluster.instances.get(id);
    if (instance && instance.registeredAt !== null) found.push(view(instance, include));
    else failures.push(missing(region.arn(`container-instance/${cluster.name}/${id}`)));
  }
  return { containerInstances: found, failures };
};

/** With `force` its tasks lose their host; without it, it must be empty. */
const deregister: Operation<{ cluster?: string; containerInstance: string; force?: boolean }> = (input, call) => {
  const { region, world } = call;
  const cluster = region.cluster(input.cluster);
  const instance = cluster.instances.get(input.containerInstance.split('/').at(-1) ?? '');
  if (!instance || instance.registeredAt === null)
    throw invalidParameter('The referenced container instance was not found.');
  if (instance.tasks.size > 0 && !input.force) throw invalidParameter('Found running tasks on the instance.');
  for (const task of [...instance.tasks]) world.lifeCycle.hostLost(task);
  world.placement.lose(instance, 'user');
  return { containerInstance: view(instance, []) };
};

function view(instance: Instance, include: readonly string[]): object {
  const { type, provider } = instance;
  const tasks = [...instance.tasks];
  const resources = (cpu: number, memory: number, gpus: number): object[] => [
    { name: 'CPU', type: 'INTEGER', doubleValue: 0, longValue: 0, integerValue: cpu },
    { name: 'MEMORY', type: 'INTEGER', doubleValue: 0, longValue: 0, integerValue: memory },
    {
      name: 'GPU',
      type: 'STRINGSET',
      doubleValue: 0,
      longValue: 0,
      integerValue: 0,
      stringSetValue: gpuIds(instance, gpus),
    },
  ];
  const gone = instance.status === 'INACTIVE';
  return {
    containerInstanceArn: instance.arn,
    ec2InstanceId: instance.ec2Id,
    capacityProviderName: provider.name,
    version: instance.version,
    versionInfo: { agentVersion: '1.99.0', agentHash: '00000000', dockerVersion: 'DockerVersion: 25.0.0' },
    remainingResources: resources(instance.cpuLeft, instance.memoryLeft, instance.gpusLeft),
    registeredResources: resources(type.vcpus * 1_024, usableMemoryMib(type), gpusOf(type)),
    status: instance.status,
    agentConnected: !gone,
    runningTasksCount: tasks.filter(({ status }) => status === 'RUNNING').length,
    pendingTasksCount: tasks.filter(({ status }) => status === 'PENDING' || status === 'ACTIVATING').length,
    attributes: Object.entries(instance.attributes).map(([name, value]) => ({ name, value })),
    registeredAt: seconds(instance.registeredAt ?? instance.launchedAt),
    attachments: [],
    tags: include.includes('TAGS') && provider.config.propagateTags === 'CAPACITY_PROVIDER' ? provider.tags : [],
    ...(include.includes('CONTAINER_INSTANCE_HEALTH') && {
      healthStatus: { overallStatus: gone ? 'INSUFFICIENT_DATA' : 'OK', details: [] },
    }),
  };
}

const gpuIds = (instance: Instance, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `GPU-${fixedHex(`${instance.id} ${i}`, 32)}`);

export const instanceOperations: Readonly<Record<string, AnyOperation>> = {
  ListContainerInstances: list,
  DescribeContainerInstances: describe,
  DeregisterContainerInstance: deregister,
};
