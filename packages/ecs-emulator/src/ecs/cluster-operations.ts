// SPDX-License-Identifier: Apache-2.0
import { ApiError, invalidParameter } from '../wire/api-error.ts';
import type { AnyOperation, Operation } from '../world/world.ts';
import type { Cluster } from './cluster.ts';
import { isName, missing } from './names.ts';
import { pageOf } from '../wire/pages.ts';
import { checkStrategy } from './strategy.ts';
import { checkTags } from './tags.ts';
import { providerNameOf } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import type { StrategyItem, Tag } from './types.ts';

interface CreateInput {
  clusterName?: string;
  tags?: Tag[];
  settings?: object[];
  configuration?: object;
  capacityProviders?: string[];
  defaultCapacityProviderStrategy?: StrategyItem[];
}

/** A cluster that is there already is given back as it is. */
const create: Operation<CreateInput> = (input, { region }) => {
  const name = input.clusterName ?? 'default';
  if (!isName(name)) {
    throw invalidParameter(
      'The specified cluster name is not valid: up to 255 letters, numbers, hyphens and underscores.',
    );
  }
  const tags = checkTags(input.tags);
  const there = region.clusters.get(name);
  if (there?.status === 'ACTIVE') return { cluster: view(there, ['SETTINGS', 'TAGS']) };
  const cluster: Cluster = {
    region,
    name,
    arn: region.arn(`cluster/${name}`),
    status: 'ACTIVE',
    tags,
    settings: input.settings ?? [{ name: 'containerInsights', value: 'disabled' }],
    configuration: input.configuration,
    providers: [],
    defaultStrategy: [],
    managed: new Map(),
    instances: new Map(),
    tasks: there?.tasks ?? new Map<string, Task>(),
    provisioning: 0,
  };
  setProviders(cluster, input.capacityProviders ?? [], input.defaultCapacityProviderStrategy ?? []);
  region.clusters.set(name, cluster);
  return { cluster: view(cluster, ['SETTINGS', 'TAGS', 'CONFIGURATIONS']) };
};

/** Replaces the whole list: a provider that is left out is detached. @throws ApiError */
function setProviders(cluster: Cluster, providers: readonly string[], strategy: StrategyItem[]): void {
  for (const name of providers) {
    if (name === 'FARGATE' || name === 'FARGATE_SPOT' || cluster.managed.has(name)) continue;
    throw invalidParameter(
      `The specified capacity provider was not found: ${name}. Capacity providers of Managed Instances belong to one cluster.`,
    );
  }
  for (const name of cluster.providers.filter((each) => !providers.includes(each))) {
    if (
      [...cluster.tasks.values()].some((task) => task.status !== 'STOPPED' && providerNameOf(task.capacity) === name)
    ) {
      throw new ApiError('ResourceInUseException', `The capacity provider ${name} is in use and cannot be removed.`);
    }
  }
  const next = { ...cluster, providers: [...new Set(providers)] };
  checkStrategy(next, strategy, 'default');
  cluster.providers = next.providers;
  cluster.defaultStrategy = strategy;
}

const putProviders: Operation<{
  cluster: string;
  capacityProviders: string[];
  defaultCapacityProviderStrategy: StrategyItem[];
}> = (input, { region }) => {
  const cluster = region.cluster(input.cluster);
  setProviders(cluster, input.capacityProviders, input.defaultCapacityProviderStrategy);
  return { cluster: view(cluster, ['SETTINGS', 'TAGS']) };
};

const describe: Operation<{ clusters?: string[]; include?: string[] }> = (input, { region }) => {
  const { clusters: names = ['default'], include = [] } = input;
  if (names.length > 100) throw invalidParameter('Clusters cannot have more than 100 elements.');
  const found: object[] = [];
  const failures: object[] = [];
  for (const name of names) {
    const cluster = region.clusterNamed(name);
    if (cluster) found.push(view(cluster, include));
    else failures.push(missing(name.startsWith('arn:') ? name : region.arn(`cluster/${name}`)));
  }
  return { clusters: found, failures };
};

const list: Operation<{ nextToken?: string; maxResults?: number }> = (input, { region }) => {
  const active = [...region.clusters.values()].filter(({ status }) => status === 'ACTIVE').map(({ arn }) => arn);
  const { items, ...next } = pageOf(active, input, 100);
  return { clusterArns: items, ...next };
};

const remove: Operation<{ cluster: string }> = (input, { region }) => {
  const cluster = region.cluster(input.cluster);
  if ([...cluster.tasks.values()].some(({ status }) => status !== 'STOPPED')) {
    throw new ApiError('ClusterContainsTasksException', 'The Cluster cannot be deleted while Tasks are active.');
  }
  if (cluster.managed.size > 0) {
    throw new ApiError(
      'ClusterContainsCapacityProviderException',
      'The Cluster cannot be deleted while it has capacity providers.',
    );
  }
  if ([...cluster.instances.values()].some(({ status }) => status !== 'INACTIVE')) {
    throw new ApiError(
      'ClusterContainsContainerInstancesException',
      'The Cluster cannot be deleted while Container Instances are active or draining.',
    );
  }
  cluster.status = 'INACTIVE';
  return { cluster: view(cluster, []) };
};

function view(cluster: Cluster, include: readonly string[]): object {
  let [running, pending] = [0, 0];
  for (const { status } of cluster.tasks.values()) {
    if (status === 'RUNNING') running++;
    else if (status === 'PROVISIONING' || status === 'PENDING' || status === 'ACTIVATING') pending++;
  }
  const instances = [...cluster.instances.values()].filter(
    ({ status }) => status === 'ACTIVE' || status === 'DRAINING',
  );
  return {
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: cluster.status,
    registeredContainerInstancesCount: instances.length,
    runningTasksCount: running,
    pendingTasksCount: pending,
    activeServicesCount: 0,
    statistics: include.includes('STATISTICS') ? statistics(cluster) : [],
    tags: include.includes('TAGS') ? cluster.tags : [],
    settings: include.includes('SETTINGS') ? cluster.settings : [],
    ...(include.includes('CONFIGURATIONS') && cluster.configuration && { configuration: cluster.configuration }),
    capacityProviders: cluster.providers,
    defaultCapacityProviderStrategy: cluster.defaultStrategy.map((item) => ({ weight: 0, base: 0, ...item })),
    ...(include.includes('ATTACHMENTS') && { attachments: [], attachmentsStatus: 'UPDATE_COMPLETE' }),
  };
}

function statistics(cluster: Cluster): { name: string; value: string }[] {
  const of = (kind: 'fargate' | 'managed', ...statuses: string[]): string =>
    String([...cluster.tasks.values()].filter((t) => t.capacity.kind === kind && statuses.includes(t.status)).length);
  return [
    { name: 'runningFargateTasksCount', value: of('fargate', 'RUNNING') },
    { name: 'pendingFargateTasksCount', value: of('fargate', 'PROVISIONING', 'PENDING', 'ACTIVATING') },
    { name: 'runningEC2TasksCount', value: of('managed', 'RUNNING') },
    { name: 'pendingEC2TasksCount', value: of('managed', 'PROVISIONING', 'PENDING', 'ACTIVATING') },
  ];
}

export const clusterOperations: Readonly<Record<string, AnyOperation>> = {
  CreateCluster: create,
  DescribeClusters: describe,
  ListClusters: list,
  DeleteCluster: remove,
  PutClusterCapacityProviders: putProviders,
};
