// SPDX-License-Identifier: Apache-2.0
import { invalidParameter } from '../wire/api-error.ts';
import type { Cluster } from './cluster.ts';
import type { StrategyItem } from './types.ts';

type Kind = 'fargate' | 'managed';

/**
 * @param use - `default`: to become the cluster's; it may be empty, and its providers need not be ACTIVE yet.
 * @returns which kind of capacity it is about.
 * @throws ApiError InvalidParameterException
 */
export function checkStrategy(
  cluster: Cluster,
  strategy: readonly StrategyItem[],
  use: 'run' | 'default',
): Kind | null {
  if (strategy.length === 0) return null;
  if (strategy.length > 20)
    throw invalidParameter('A capacity provider strategy can have at most 20 capacity providers.');
  const names = strategy.map((item) => item.capacityProvider);
  if (new Set(names).size < names.length) {
    throw invalidParameter('A capacity provider strategy cannot contain duplicate capacity providers.');
  }
  for (const name of names) {
    if (!cluster.providers.includes(name)) {
      throw invalidParameter(
        'The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.',
      );
    }
    const managed = cluster.managed.get(name);
    if (use === 'run' && managed && managed.status !== 'ACTIVE') {
      throw invalidParameter(`The specified capacity provider ${name} is not ACTIVE: its status is ${managed.status}.`);
    }
  }
  const kinds = new Set(names.map((name): Kind => (cluster.managed.has(name) ? 'managed' : 'fargate')));
  if (kinds.size > 1) {
    throw invalidParameter(
      'A capacity provider strategy cannot contain a mix of capacity providers of Managed Instances and Fargate capacity providers.',
    );
  }
  if (strategy.every(({ weight = 0 }) => weight === 0)) {
    throw invalidParameter(
      'A capacity provider strategy needs at least one capacity provider with a weight greater than 0.',
    );
  }
  if (strategy.filter(({ base = 0 }) => base > 0).length > 1) {
    throw invalidParameter('Only one capacity provider in a capacity provider strategy can have a base defined.');
  }
  return kinds.has('managed') ? 'managed' : 'fargate';
}

/** A provider's name for each of `count` tasks: bases first, then by weight. */
export function spread(strategy: readonly StrategyItem[], count: number): string[] {
  const chosen: string[] = [];
  for (const { capacityProvider, base = 0 } of strategy) {
    for (let i = 0; i < base && chosen.length < count; i++) chosen.push(capacityProvider);
  }
  const weighed = strategy.filter(({ weight = 0 }) => weight > 0).map((item) => ({ ...item, given: 0 }));
  while (chosen.length < count) {
    const next = weighed.reduce((a, b) => ((b.given + 1) / (b.weight ?? 1) < (a.given + 1) / (a.weight ?? 1) ? b : a));
    next.given++;
    chosen.push(next.capacityProvider);
  }
  return chosen;
}
