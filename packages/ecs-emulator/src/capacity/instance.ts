// SPDX-License-Identifier: Apache-2.0
import type { Task } from '../tasks/task.ts';
import type { InstanceType } from './instance-types.ts';
import type { ManagedProvider } from './provider.ts';

/** A Managed Instance: an EC2 instance and the container instance that it registers as. */
export interface Instance {
  /** `i-…` */
  readonly ec2Id: string;
  readonly id: string;
  readonly arn: string;
  readonly provider: ManagedProvider;
  readonly type: InstanceType;
  readonly availabilityZone: string;
  readonly subnet: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly launchedAt: number;
  registeredAt: number | null;
  /** BUYING is not described by anyone yet. */
  status: 'BUYING' | 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  /** Takes no second task. */
  exclusive: boolean;
  cpuLeft: number;
  memoryLeft: number;
  gpusLeft: number;
  readonly tasks: Set<Task>;
  version: number;
  cancelScaleIn: (() => void) | null;
  /** As DescribeInstances says it, once it has ended. */
  endedBy: 'user' | 'spot' | 'host' | null;
}
