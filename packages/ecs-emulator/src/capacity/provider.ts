// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../ecs/cluster.ts';
import type { ManagedInstancesProviderInput, Tag } from '../ecs/types.ts';
import type { Task } from '../tasks/task.ts';
import type { InstanceType } from './instance-types.ts';

/** A capacity provider of Managed Instances: it belongs to one cluster. */
export interface ManagedProvider {
  readonly name: string;
  readonly arn: string;
  readonly cluster: Cluster;
  readonly spot: boolean;
  config: ManagedInstancesProviderInput;
  /** What it may buy, cheapest first. */
  types: InstanceType[];
  status: 'PROVISIONING' | 'ACTIVE' | 'DEPROVISIONING' | 'INACTIVE';
  updateStatus: string;
  tags: Tag[];
  /** In PROVISIONING without an instance, oldest first. */
  readonly waiting: Set<Task>;
  /** Cancels the purchase that will be decided on. */
  decision: (() => void) | null;
}
