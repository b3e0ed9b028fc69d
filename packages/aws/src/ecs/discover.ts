// SPDX-License-Identifier: Apache-2.0
import type { CapacityProvider } from '@aws-sdk/client-ecs';
import { AppError } from '@stint/core';
import type { EcsClients } from './ecs-clients.ts';

export interface ClusterFacts {
  arn: string;
  /** Capacity providers of the cluster, Managed Instances before Fargate. */
  providers: CapacityProvider[];
}

/**
 * Finds the cluster and what it can run on.
 * @throws AppError FAILED_PRECONDITION/CLUSTER_… saying what was found and what to do
 */
export async function describeCluster(clients: EcsClients, cluster: string): Promise<ClusterFacts> {
  const { DescribeClustersCommand } = await import('@aws-sdk/client-ecs');
  const { clusters = [] } = await clients.call('cluster', 'DescribeClusters', () =>
    clients.ecs.send(new DescribeClustersCommand({ clusters: [cluster] })),
  );
  const [found] = clusters;
  if (!found?.clusterArn) {
    throw new AppError('FAILED_PRECONDITION', 'CLUSTER_NOT_FOUND', `aws.ecs.cluster: there is no cluster ${cluster}`, {
      hint: `Check the name and the region, or make it: aws ecs create-cluster --cluster-name ${cluster}`,
    });
  }
  if (found.status !== 'ACTIVE') {
    throw new AppError(
      'FAILED_PRECONDITION',
      'CLUSTER_INACTIVE',
      `aws.ecs.cluster: ${cluster} is ${found.status ?? 'in no state'}, not ACTIVE`,
      { hint: 'Use another cluster, or make it again.' },
    );
  }
  const providers = await describeProviders(clients, found.clusterArn, found.capacityProviders ?? []);
  const usable = providers.filter((p) => p.status === 'ACTIVE');
  if (usable.length === 0) {
    const what = providers.map((p) => `${p.name ?? '?'} (${p.type ?? '?'}, ${p.status ?? '?'})`).join(', ') || 'none';
    throw new AppError(
      'FAILED_PRECONDITION',
      'CLUSTER_WITHOUT_CAPACITY',
      `aws.ecs.cluster: ${cluster} has no ACTIVE Managed Instances or Fargate provider; found: ${what}`,
      {
        hint: 'Make one with `stint capacity plan` as its guide, or associate FARGATE and FARGATE_SPOT with the cluster.',
      },
    );
  }
  const order = (p: CapacityProvider): number => (p.type === 'MANAGED_INSTANCES' ? 0 : 1);
  return { arn: found.clusterArn, providers: usable.sort((a, b) => order(a) - order(b)) };
}

async function describeProviders(
  clients: EcsClients,
  cluster: string,
  names: readonly string[],
): Promise<CapacityProvider[]> {
  const { DescribeCapacityProvidersCommand } = await import('@aws-sdk/client-ecs');
  const found: CapacityProvider[] = [];
  let nextToken: string | undefined;
  do {
    const input = { cluster, nextToken };
    const page = await clients.call('cluster', 'DescribeCapacityProviders', () =>
      clients.ecs.send(new DescribeCapacityProvidersCommand(input)),
    );
    found.push(...(page.capacityProviders ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  const kept = found.filter(
    (p) =>
      p.type === 'MANAGED_INSTANCES' ||
      p.managedInstancesProvider !== undefined ||
      ((p.name === 'FARGATE' || p.name === 'FARGATE_SPOT') && names.includes(p.name)),
  );
  return kept.map((p) => (p.type || !p.managedInstancesProvider ? p : { ...p, type: 'MANAGED_INSTANCES' as const }));
}

export interface Network {
  subnets: string[];
  securityGroups: string[];
}

/** The default VPC's own default subnets and default group. @throws AppError FAILED_PRECONDITION/CLUSTER_NETWORK */
export async function defaultNetwork(clients: EcsClients): Promise<Network> {
  const ec2 = await import('@aws-sdk/client-ec2');
  const { Vpcs = [] } = await clients.call('ec2', 'DescribeVpcs', () =>
    clients.ec2.send(new ec2.DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] })),
  );
  const vpc = Vpcs[0]?.VpcId;
  if (vpc === undefined) {
    throw new AppError('FAILED_PRECONDITION', 'CLUSTER_NETWORK', 'there is no default VPC in this region', {
      hint: 'Set aws.ecs.subnets and aws.ecs.securityGroups.',
    });
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
    `the default VPC ${vpc} has ${found.subnets.length} default subnets and ${found.securityGroups.length} default groups`,
    { hint: 'Set aws.ecs.subnets and aws.ecs.securityGroups.' },
  );
}
