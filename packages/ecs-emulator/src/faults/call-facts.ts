// SPDX-License-Identifier: Apache-2.0
import { providerNameOf } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import { clusterName } from '../world/region.ts';
import type { Region } from '../world/region.ts';
import type { CallFacts } from './fault-runner.ts';

/** What a rule on calls can match: of RunTask what it asks for, of calls about tasks what their first task is. */
export function callFacts(operation: string, input: Record<string, unknown>, region: Region): CallFacts {
  const cluster = typeof input['cluster'] === 'string' ? clusterName(input['cluster']) : 'default';
  const task = taskOf(input, region);
  if (task) return { family: task.definition.family, provider: providerNameOf(task.capacity), cluster };
  const family = input['family'] ?? input['taskDefinition'] ?? input['familyPrefix'];
  const strategy = input['capacityProviderStrategy'] as { capacityProvider?: string }[] | undefined;
  const defaults = operation === 'RunTask' ? region.clusters.get(cluster)?.defaultStrategy : undefined;
  const provider = strategy?.[0]?.capacityProvider ?? input['launchType'] ?? input['capacityProvider'];
  return {
    family: typeof family === 'string' ? (family.split('/').at(-1)?.split(':')[0] ?? null) : null,
    provider: typeof provider === 'string' ? provider : (defaults?.[0]?.capacityProvider ?? null),
    cluster,
  };
}

function taskOf({ task, tasks }: Record<string, unknown>, region: Region): Task | undefined {
  const first: unknown = task ?? (Array.isArray(tasks) ? tasks[0] : undefined);
  return typeof first === 'string' ? region.world.tasks.get(first.split('/').at(-1) ?? '') : undefined;
}
