// SPDX-License-Identifier: Apache-2.0
import { instanceOperations } from '../capacity/instance-operations.ts';
import { providerOperations } from '../capacity/provider-operations.ts';
import type { AnyOperation } from '../world/world.ts';
import { clusterOperations } from './cluster-operations.ts';
import { definitionOperations } from './definition-operations.ts';
import { tagOperations } from './tag-operations.ts';
import { taskOperations } from './task-operations.ts';

/** Every emulated operation of ECS, by name. */
export const ecsOperations: Readonly<Record<string, AnyOperation>> = {
  ...clusterOperations,
  ...providerOperations,
  ...definitionOperations,
  ...taskOperations,
  ...instanceOperations,
  ...tagOperations,
};
