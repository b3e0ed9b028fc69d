// SPDX-License-Identifier: Apache-2.0
import type { CapacityProvider } from '@aws-sdk/client-ecs';
import { AppError } from '@stint/core/base';
import type { EcsClients } from './ecs-clients.ts';
import type { EcsConfig } from './ecs-config.ts';

/** A capacity provider of a cluster, whether tasks can be placed on it or not. */
export interface FoundProvider {
  /** As it is written in a capacity provider strategy. */
  name: string;
  kind: 'managedInstances' | 'fargate' | 'other';
  /** As ECS describes it; null = it does not. */
  provider: CapacityProvider | null;
  /** Why no task can be placed on it; null = one can. */
  problem: string | null;
}

export interface ClusterSurvey {
  arn: string;
  name: string;
  /** Managed Instances before Fargate, others last. */
  providers: FoundProvider[];
}

export interface ClusterFacts {
  arn: string;
  /** Capacity providers that can be used, Managed Instances before Fargate. */
  providers: CapacityProvider[];
}

/**
 * Finds the cluster and what it can run on.
 * @throws AppError FAILED_PRECONDITION/CLUSTER_… saying what was found and what to do
 */
export async function describeCluster(clients: EcsClients, cluster: string): Promise<ClusterFacts> {
  const survey = await surveyCluster(clients, cluster);
  const { arn, providers } = survey;
  const usable = usableOf(survey);
  if (usable.length > 0) return { arn, providers: usable };
  const what = providers.map((p) => `${p.name} (${p.problem})`).join(', ') || 'none';
  throw new AppError(
    'FAILED_PRECONDITION',
    'CLUSTER_WITHOUT_CAPACITY',
    `aws.ecs.cluster: ${cluster} has no ACTIVE Managed Instances or Fargate provider; found: ${what}`,
    {
      hint: 'Make one (`stint capacity plan` shows it, `stint capacity create` makes it), or associate FARGATE and FARGATE_SPOT with the cluster.',
    },
  );
}

/** Those that tasks can be placed on, as ECS describes them. */
export const usableOf = ({ providers }: Pick<ClusterSurvey, 'providers'>): CapacityProvider[] =>
  providers.flatMap((p) => (p.problem === null && p.provider ? p.provider : []));

/** The cluster with all of its providers. @throws AppError FAILED_PRECONDITION/CLUSTER_NOT_FOUND, CLUSTER_INACTIVE */
export async function surveyCluster(clients: EcsClients, cluster: string): Promise<ClusterSurvey> {
  const { DescribeClustersCommand } = await import('@aws-sdk/client-ecs');
  const { clusters = [], failures = [] } = await clients.call('cluster', 'DescribeClusters', () =>
    clients.ecs.send(new DescribeClustersCommand({ clusters: [cluster] })),
  );
  const [found] = clusters;
  // A proxy's empty page, or an endpoint that is no ECS: that says nothing of the cluster.
  if (!found && failures.length === 0) {
    throw new AppError('UNAVAILABLE', 'UNREADABLE', 'DescribeClusters: its answer has no cluster and no failure', {
      hint: 'Look at a proxy and at AWS_ENDPOINT_URL, then try again.',
    });
  }
  if (!found?.clusterArn) {
    // AWS_REGION comes before the file: which one was asked is told by the answer.
    const region = failures[0]?.arn?.split(':')[3] ?? '';
    const where = region === '' ? '' : ` in ${region}`;
    throw new AppError(
      'FAILED_PRECONDITION',
      'CLUSTER_NOT_FOUND',
      `aws.ecs.cluster: there is no cluster ${cluster}${where}`,
      { hint: `Check the name and the region, or make it: aws ecs create-cluster --cluster-name ${cluster}` },
    );
  }
  if (found.status !== 'ACTIVE') {
    throw new AppError(
      'FAILED_PRECONDITION',
      'CLUSTER_INACTIVE',
      `aws.ecs.cluster: ${cluster} is ${found.status ?? 'in no state'}, not ACTIVE`,
      { hint: 'Use another cluster, or make it again.' },
    );
  }
  const described = await describeProviders(clients, found.clusterArn);
  return {
    arn: found.clusterArn,
    name: found.clusterName ?? found.clusterArn.slice(found.clusterArn.lastIndexOf('/') + 1),
    providers: judgeProviders(described, found.capacityProviders ?? []),
  };
}

const order = { managedInstances: 0, fargate: 1, other: 2 } as const;

/** @param associated - names that the cluster lists; a provider of Managed Instances belongs to it by its creation */
export function judgeProviders(described: readonly CapacityProvider[], associated: readonly string[]): FoundProvider[] {
  const found = described.flatMap((p): FoundProvider | [] => {
    const name = p.name ?? '';
    const inactive = p.status === 'ACTIVE' ? null : `is ${p.status ?? 'in no state'}, not ACTIVE`;
    if (p.type === 'MANAGED_INSTANCES' || p.managedInstancesProvider) {
      return { name, kind: 'managedInstances', provider: { ...p, type: 'MANAGED_INSTANCES' }, problem: inactive };
    }
    const there = associated.includes(name);
    if (name === 'FARGATE' || name === 'FARGATE_SPOT') {
      return { name, kind: 'fargate', provider: p, problem: there ? inactive : 'is not associated with the cluster' };
    }
    // Those of an account's other clusters come along, too.
    if (!there) return [];
    return { name, kind: 'other', provider: p, problem: 'is of an Auto Scaling group, which tasks do not use' };
  });
  for (const name of associated) {
    if (!found.some((f) => f.name === name))
      found.push({ name, kind: 'other', provider: null, problem: 'is listed by the cluster and not described by ECS' });
  }
  return found.sort((a, b) => order[a.kind] - order[b.kind]);
}

/** One by name, or all that the cluster may use. */
export async function describeProviders(
  clients: EcsClients,
  cluster: string,
  name?: string,
): Promise<CapacityProvider[]> {
  const { DescribeCapacityProvidersCommand } = await import('@aws-sdk/client-ecs');
  const found: CapacityProvider[] = [];
  let nextToken: string | undefined;
  do {
    const input = { cluster, nextToken, ...(name !== undefined && { capacityProviders: [name] }) };
    const page = await clients.call('cluster', 'DescribeCapacityProviders', () =>
      clients.ecs.send(new DescribeCapacityProvidersCommand(input)),
    );
    found.push(...(page.capacityProviders ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

export interface Network {
  subnets: string[];
  securityGroups: string[];
}

/** Where instances and tasks get their addresses: as configured, else the default VPC. @throws AppError as below */
export async function networkOf(clients: EcsClients, config: EcsConfig): Promise<Network> {
  const { subnets, securityGroups } = config;
  if (subnets && securityGroups) return { subnets, securityGroups };
  const found = await defaultNetwork(clients);
  return { ...found, ...(securityGroups && { securityGroups }) };
}

/** The default VPC's own default subnets and default group. @throws AppError FAILED_PRECONDITION/CLUSTER_NETWORK */
export async function defaultNetwork(clients: EcsClients): Promise<Network> {
  const ec2 = await import('@aws-sdk/client-ec2');
  const { Vpcs = [] } = await clients.call('ec2', 'DescribeVpcs', () =>
    clients.ec2.send(new ec2.DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] })),
  );
  const vpc = Vpcs[0]?.VpcId;
  if (vpc === undefined) {
    throw new AppError(
      'FAILED_PRECONDITION',
      'CLUSTER_NETWORK',
      'aws.ecs.subnets: not set, and there is no default VPC in this region',
      { hint: 'Set aws.ecs.subnets and aws.ecs.securityGroups.' },
    );
  }
  // Every VPC has a group called default, and user-made subnets: always scoped by vpc-id.
  const inVpc = { Name: 'vpc-id', Values: [vpc] };
  const [subnets, groups] = await Promise.all([
    clients.call('ec2', 'DescribeSubnets', () =>
      clients.ec2.send(
        new ec2.DescribeSubnetsCommand({
          Filters: [inVpc, { Name: 'default-for-az', Values: ['true'] }, { Name: 'state', Values: ['available'] }],
        }),
      ),
    ),
    clients.call('ec2', 'DescribeSecurityGroups', () =>
      clients.ec2.send(
        new ec2.DescribeSecurityGroupsCommand({ Filters: [inVpc, { Name: 'group-name', Values: ['default'] }] }),
      ),
    ),
  ]);
  const found = {
    subnets: (subnets.Subnets ?? []).flatMap((s) => s.SubnetId ?? []).slice(0, 16),
    securityGroups: (groups.SecurityGroups ?? []).flatMap((g) => g.GroupId ?? []),
  };
  if (found.subnets.length > 0 && found.securityGroups.length > 0) return found;
  throw new AppError(
    'FAILED_PRECONDITION',
    'CLUSTER_NETWORK',
    `aws.ecs.subnets: not set, and the default VPC ${vpc} has ${found.subnets.length} default subnets and ${found.securityGroups.length} default groups`,
    { hint: 'Set aws.ecs.subnets and aws.ecs.securityGroups.' },
  );
}
