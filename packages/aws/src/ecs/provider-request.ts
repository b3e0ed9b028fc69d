// SPDX-License-Identifier: Apache-2.0
import type { CreateCapacityProviderCommandInput, InstanceRequirementsRequest } from '@aws-sdk/client-ecs';
import { noHistory, rankOffers } from '@stint/core/tasks';
import type { SpotPolicy, Wants } from '@stint/core';
import type { Network } from './discover.ts';
import type { EcsConfig } from './ecs-config.ts';
import {
  chooseOptionsOf,
  defaultStorageGib,
  misfitOfDisk,
  misfitsOfLimits,
  offerOf,
  usableShare,
} from './ecs-offers.ts';
import { gpuOf } from './gpu-types.ts';
import type { InstanceType } from './instance-types.ts';
import { typesForWants } from './types-for-wants.ts';

export interface ProviderParts {
  name: string;
  clusterArn: string;
  clusterName: string;
  region: string;
  wants: Wants;
  config: EcsConfig;
  /** Facts of what `candidatePatterns` names; null where they may not be read. */
  types: readonly InstanceType[] | null;
  /** null where it is not known: the request then has an example. */
  network: Network | null;
}

/** The request for a capacity provider that would hold the wants. */
export interface ProviderAdvice {
  request: CreateCapacityProviderCommandInput | null;
  /** Why no provider of Managed Instances can hold them; empty where `request` is set. */
  problems: string[];
  /** Keys of the configuration that the request has an example for. */
  missing: string[];
}

/** Task-level `cpu`, RunTask and RegisterTaskDefinition: 196,608 units. */
const mostCpus = 192;

/** Pure; the request is tried on our own offers, so that a provider made from it takes the task. */
export function providerFor(parts: ProviderParts): ProviderAdvice {
  const { wants, config } = parts;
  const problems = [...misfitOfLimits(wants, config)];
  const disk = misfitOfDisk(wants);
  if (disk !== null) problems.push(disk);
  const types = typesForWants(wants, parts.types, parts.region);
  problems.push(...types.problems);
  if (problems.length > 0) return { request: null, problems, missing: [] };
  const { missing, request } = requestOf(parts, types);
  const misfits = misfitsOf(request, parts);
  return misfits.length > 0 ? { request: null, problems: misfits, missing: [] } : { request, problems: [], missing };
}

function misfitOfLimits(wants: Wants, { limits }: EcsConfig): string[] {
  const problems = misfitsOfLimits(wants, limits);
  if (wants.cpus <= limits.maxCpus && wants.cpus > mostCpus)
    problems.push(`${wants.cpus} CPUs were asked, a task can have ${mostCpus} at most`);
  return problems;
}

export const policyOf = (wants: Wants, config: EcsConfig): SpotPolicy => wants.spotPolicy ?? config.spotPolicy;

function requestOf(
  { name, clusterArn, clusterName, wants, config, network }: ProviderParts,
  types: { allowed: readonly string[]; burstable: boolean; bareMetal: boolean },
): { request: CreateCapacityProviderCommandInput; missing: string[] } {
  const [, partition = 'aws', , , account = ''] = clusterArn.split(':');
  const { infrastructureRole, instanceProfile } = config;
  const plainGib = wants.disk && infrastructureRole === undefined ? wants.disk.sizeGib : 0;
  const missing = [
    ...(infrastructureRole === undefined ? ['aws.ecs.infrastructureRole'] : []),
    ...(instanceProfile === undefined ? ['aws.ecs.instanceProfile'] : []),
    ...(network === null ? ['aws.ecs.subnets', 'aws.ecs.securityGroups'] : []),
  ];
  const request: CreateCapacityProviderCommandInput = {
    name,
    cluster: clusterName,
    managedInstancesProvider: {
      infrastructureRoleArn: infrastructureRole ?? `arn:${partition}:iam::${account}:role/ecsInfrastructureRole`,
      instanceLaunchTemplate: {
        ec2InstanceProfileArn: instanceProfile ?? `arn:${partition}:iam::${account}:instance-profile/ecsInstanceRole`,
        networkConfiguration: {
          subnets: network?.subnets ?? ['subnet-0123456789abcdef0'],
          securityGroups: network?.securityGroups ?? ['sg-0123456789abcdef0'],
        },
        // Without an infrastructure role a task has no volume of its own: it lives on what the host has.
        storageConfiguration: { storageSizeGiB: Math.max(defaultStorageGib, plainGib) },
        capacityOptionType: policyOf(wants, config) === 'onDemand' ? 'ON_DEMAND' : 'SPOT',
        instanceRequirements: requirementsFor(wants, types),
      },
    },
  };
  return { request, missing };
}

function requirementsFor(
  wants: Wants,
  types: { allowed: readonly string[]; burstable: boolean; bareMetal: boolean },
): InstanceRequirementsRequest {
  const { cpus, memoryMib, accelerator, arch } = wants;
  const gpu = gpuOf(wants);
  return {
    vCpuCount: { min: Math.max(1, Math.ceil(cpus)) },
    memoryMiB: { min: Math.ceil(memoryMib / usableShare) },
    cpuManufacturers: arch === 'ARM64' ? ['amazon-web-services'] : ['intel', 'amd'],
    ...(types.allowed.length > 0 && { allowedInstanceTypes: [...types.allowed] }),
    ...(types.burstable && { burstablePerformance: 'included' }),
    ...(types.bareMetal && { bareMetal: 'included' }),
    ...(accelerator
      ? {
          acceleratorTypes: ['gpu'],
          acceleratorCount: { min: accelerator.count },
          acceleratorManufacturers: [gpu?.manufacturer ?? 'nvidia'],
          ...(gpu?.named && { acceleratorNames: [gpu.named] }),
        }
      : // Nothing else keeps ECS from buying a type with GPUs.
        { acceleratorCount: { max: 0 } }),
  };
}

/** What keeps the wants off the provider that the request makes: a mistake of ours, or a want that nothing else told. */
function misfitsOf(request: CreateCapacityProviderCommandInput, parts: ProviderParts): string[] {
  const { wants, types } = parts;
  const { name, managedInstancesProvider } = request;
  const config = {
    ...parts.config,
    capacity: undefined,
    infrastructureRole: managedInstancesProvider?.infrastructureRoleArn,
  };
  const offer = offerOf({ name, type: 'MANAGED_INSTANCES', managedInstancesProvider }, config, types);
  const options = chooseOptionsOf(wants, [offer], policyOf(wants, config), config, { misfit: null, facts: null });
  return rankOffers({ ...wants, capacity: null }, [offer.offer], noHistory, options).refused.map(({ why }) => why);
}
