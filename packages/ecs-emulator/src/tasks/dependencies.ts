// SPDX-License-Identifier: Apache-2.0
import type { Task, TaskContainer } from './task.ts';

/** Whether a container may start now, later, or never, going by what it depends on. */
export function dependencyOf(task: Task, container: TaskContainer): 'ready' | 'waits' | 'never' {
  let result: 'ready' | 'waits' = 'ready';
  for (const { containerName, condition } of container.definition.dependsOn ?? []) {
    const on = task.containers.find((c) => c.definition.name === containerName);
    if (!on) return 'never';
    const over = on.status === 'STOPPED';
    const met = {
      START: on.started,
      HEALTHY: on.healthy,
      COMPLETE: over && on.started,
      SUCCESS: over && on.exitCode === 0,
    }[condition];
    if (met) continue;
    if (over) return 'never';
    result = 'waits';
  }
  return result;
}

/** Containers to stop together, those first that others do not depend on: the reverse of the order of starting. */
export function stopOrder(containers: readonly TaskContainer[]): TaskContainer[][] {
  const levels: TaskContainer[][] = [];
  const depth = new Map<string, number>();
  const depthOf = (container: TaskContainer): number => {
    const { name, dependsOn = [] } = container.definition;
    const known = depth.get(name);
    if (known !== undefined) return known;
    const below = dependsOn.map(({ containerName }) => {
      const on = containers.find((c) => c.definition.name === containerName);
      return on ? depthOf(on) + 1 : 0;
    });
    const own = Math.max(0, ...below);
    depth.set(name, own);
    return own;
  };
  for (const container of containers) (levels[depthOf(container)] ??= []).push(container);
  return levels.filter((level) => level !== undefined).toReversed();
}
