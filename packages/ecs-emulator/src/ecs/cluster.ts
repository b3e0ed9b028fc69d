// SPDX-License-Identifier: Apache-2.0
import type { Instance } from '../capacity/instance.ts';
import type { ManagedProvider } from '../capacity/provider.ts';
import type { Task } from '../tasks/task.ts';
import type { Region } from '../world/region.ts';
import type { StrategyItem, Tag } from './types.ts';

export interface Cluster {
  readonly region: Region;
  readonly name: string;
  readonly arn: string;
  status: 'ACTIVE' | 'INACTIVE';
  tags: Tag[];
  settings: object[];
  configuration: object | undefined;
  /** Names, FARGATE and FARGATE_SPOT included, in the order of association. */
  providers: string[];
  defaultStrategy: StrategyItem[];
  readonly managed: Map<string, ManagedProvider>;
  /** Ended instances too, for as long as they are described. By id. */
  readonly instances: Map<string, Instance>;
  /** By id, in order of creation. */
  readonly tasks: Map<string, Task>;
  /** Tasks in PROVISIONING, kept beside them: the quota is asked at each RunTask. */
  provisioning: number;
}
