// SPDX-License-Identifier: Apache-2.0
import type { CapacityProvider, CreateCapacityProviderCommandInput } from '@aws-sdk/client-ecs';
import { AppError } from '@stint/core/base';

/** @throws AppError ALREADY_EXISTS/CAPACITY_EXISTS where what is there is not what is wanted, or is on its way out */
export function checkSame(there: CapacityProvider, request: CreateCapacityProviderCommandInput): void {
  const name = request.name ?? '';
  if (there.status === 'DEPROVISIONING') {
    throw new AppError('ALREADY_EXISTS', 'CAPACITY_EXISTS', `capacity provider ${name} is being deleted`, {
      hint: 'Take another name, or wait until it is gone.',
    });
  }
  const differences = differencesOf(there, request);
  if (differences.length === 0) return;
  throw new AppError(
    'ALREADY_EXISTS',
    'CAPACITY_EXISTS',
    `capacity provider ${name} is there with other settings: ${differences.join('; ')}`,
    { hint: 'Take another name, or ask for what it has.', details: { differences } },
  );
}

/** @throws AppError FAILED_PRECONDITION/CAPACITY_FAILED where it will never be ACTIVE, in the words of ECS */
export function checkMade({ name, status, updateStatus, updateStatusReason }: CapacityProvider): void {
  const gone = status === 'DEPROVISIONING' || status === 'INACTIVE';
  if (!gone && updateStatus?.endsWith('_FAILED') !== true) return;
  const why = [updateStatus, updateStatusReason].filter((t) => t !== undefined).join(': ');
  throw new AppError('FAILED_PRECONDITION', 'CAPACITY_FAILED', `capacity provider ${name} is ${status}: ${why}`, {
    hint: 'Look at its roles and subnets, and delete it before the next try.',
  });
}

/** What ECS and EC2 take where nothing is said; a description may have it where the request had not. */
const defaults: Readonly<Record<string, string | number | boolean>> = {
  'storageConfiguration.storageSizeGiB': 80,
  'localStorageConfiguration.useLocalStorage': false,
  monitoring: 'BASIC',
  capacityOptionType: 'ON_DEMAND',
  instanceMetadataTagsPropagation: true,
  fipsEnabled: false,
  nitroEnclavesEnabled: false,
  'instanceRequirements.bareMetal': 'excluded',
  'instanceRequirements.burstablePerformance': 'excluded',
  'instanceRequirements.localStorage': 'included',
  'instanceRequirements.requireHibernateSupport': false,
  'instanceRequirements.acceleratorCount.min': 0,
};

/**
 * What an existing provider has other than the request, `path is X, wanted: Y` each; empty = the same. How long it keeps idle
 * instances, its repair and its tags are its owner's business: they change nothing about what it can run.
 */
export function differencesOf(existing: CapacityProvider, request: CreateCapacityProviderCommandInput): string[] {
  const has = flat(existing);
  const wanted = flat(request);
  const paths = [...new Set([...wanted.keys(), ...has.keys()])];
  return paths
    .filter((path) => has.get(path) !== wanted.get(path))
    .map((path) => {
      const usual = String(defaults[path] ?? 'not set');
      return `${path} is ${has.get(path) ?? usual}, wanted: ${wanted.get(path) ?? usual}`;
    });
}

function flat({ managedInstancesProvider }: Pick<CapacityProvider, 'managedInstancesProvider'>): Map<string, string> {
  const leaves = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (value === undefined || value === null || defaults[path] === value) return;
    if (Array.isArray(value)) {
      if (value.length > 0) leaves.set(path, value.map(String).toSorted().join(', '));
    } else if (typeof value === 'object') {
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else leaves.set(path, JSON.stringify(value).replace(/^"|"$/g, ''));
  };
  walk(managedInstancesProvider?.instanceLaunchTemplate, '');
  walk(managedInstancesProvider?.infrastructureRoleArn, 'infrastructureRoleArn');
  return leaves;
}
