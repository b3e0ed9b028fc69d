// SPDX-License-Identifier: Apache-2.0
import {
  CreateCapacityProviderCommand,
  CreateClusterCommand,
  DescribeCapacityProvidersCommand,
} from '@aws-sdk/client-ecs';
import { managedProvider } from './emulated.ts';
import type { Served } from './emulated.ts';

/** The cluster `c` with FARGATE, FARGATE_SPOT and the provider `mi`, on a clock that runs by itself. */
export async function realCluster({ ecs }: Served): Promise<void> {
  await ecs.send(new CreateClusterCommand({ clusterName: 'c', capacityProviders: ['FARGATE', 'FARGATE_SPOT'] }));
  await ecs.send(new CreateCapacityProviderCommand(managedProvider('mi')));
  const isActive = async (): Promise<boolean> => {
    const seen = await ecs.send(new DescribeCapacityProvidersCommand({ cluster: 'c', capacityProviders: ['mi'] }));
    return seen.capacityProviders?.[0]?.status === 'ACTIVE';
  };
  while (!(await isActive())) await new Promise((resolve) => void setTimeout(resolve, 10));
}
