// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../ecs/cluster.ts';
import { isName, missing } from '../ecs/names.ts';
import { pageOf } from '../wire/pages.ts';
import { checkTags } from '../ecs/tags.ts';
import type { InstanceLaunchTemplate, ManagedInstancesProviderInput, Tag } from '../ecs/types.ts';
import { ApiError, invalidParameter } from '../wire/api-error.ts';
import type { AnyOperation, CallContext, Operation } from '../world/world.ts';
import { instanceTypeNamed } from './instance-types.ts';
import type { ManagedProvider } from './provider.ts';
import { fits, typesFor } from './requirements.ts';

interface CreateInput {
  name: string;
  cluster?: string;
  autoScalingGroupProvider?: object;
  managedInstancesProvider?: ManagedInstancesProviderInput;
  tags?: Tag[];
}

const create: Operation<CreateInput> = (input, { region, world }) => {
  const { name, managedInstancesProvider: config } = input;
  if (!isName(name) || /^(?:aws|ecs|fargate)/i.test(name)) {
    throw invalidParameter(
      "The specified capacity provider name is not valid: up to 255 letters, numbers, hyphens and underscores, not starting with 'aws', 'ecs' or 'fargate'.",
    );
  }
  if ((config === undefined) === (input.autoScalingGroupProvider === undefined)) {
    throw invalidParameter('Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified.');
  }
  if (!config) throw new ApiError('UnsupportedFeatureException', 'Auto Scaling groups are not emulated.');
  if (input.cluster === undefined)
    throw invalidParameter('The cluster provided is invalid: Managed Instances need one.');
  const cluster = region.cluster(input.cluster);
  if (cluster.managed.has(name)) throw invalidParameter(`The specified capacity provider already exists: ${name}.`);
  if (cluster.managed.size >= world.quotas.capacityProviders) {
    throw new ApiError(
      'LimitExceededException',
      `A cluster can have at most ${world.quotas.capacityProviders} capacity providers.`,
    );
  }
  const tags = checkTags(input.tags);
  checkConfig(config, config.instanceLaunchTemplate);
  const provider: ManagedProvider = {
    name,
    arn: region.arn(`capacity-provider/${name}`),
    cluster,
    spot: config.instanceLaunchTemplate.capacityOptionType === 'SPOT',
    config,
    types: typesFor(config.instanceLaunchTemplate.instanceRequirements),
    status: 'PROVISIONING',
    updateStatus: 'CREATE_IN_PROGRESS',
    tags,
    waiting: new Set(),
    decision: null,
  };
  cluster.managed.set(name, provider);
  // Its creation associates it with its cluster.
  cluster.providers.push(name);
  world.scheduler.after(world.scaled(world.delays.providerReady), () => {
    if (provider.status !== 'PROVISIONING') return;
    provider.status = 'ACTIVE';
    provider.updateStatus = 'CREATE_COMPLETE';
  });
  return { capacityProvider: view(provider, true) };
};

/** What goes beyond the model. `template` is complete, `config` may be an update. @throws ApiError */
function checkConfig(config: ManagedInstancesProviderInput, template: InstanceLaunchTemplate): void {
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/.+/.test(config.infrastructureRoleArn)) {
    throw invalidParameter('The infrastructureRoleArn is not the ARN of a role.');
  }
  if (!/^arn:aws[\w-]*:iam::\d{12}:instance-profile\/.+/.test(template.ec2InstanceProfileArn ?? '')) {
    throw invalidParameter('The ec2InstanceProfileArn is not the ARN of an instance profile.');
  }
  const { subnets = [], securityGroups = [] } = template.networkConfiguration ?? {};
  if (subnets.length === 0) throw invalidParameter('The network configuration must have at least one subnet.');
  checkNetworkIds(subnets, securityGroups);
  const gib = template.storageConfiguration?.storageSizeGiB;
  if (gib !== undefined && (gib < 30 || gib > 16_384))
    throw invalidParameter('storageSizeGiB must be between 30 and 16384.');
  if (template.nitroEnclavesEnabled && template.localStorageConfiguration?.useLocalStorage) {
    throw invalidParameter('nitroEnclavesEnabled and useLocalStorage exclude each other.');
  }
  if (template.capacityReservations && template.capacityOptionType !== 'RESERVED') {
    throw invalidParameter('capacityReservations need the capacityOptionType RESERVED.');
  }
  const after = config.infrastructureOptimization?.scaleInAfter;
  if (after !== undefined && (after < -1 || after > 3_600))
    throw invalidParameter('scaleInAfter must be between -1 and 3600.');
  const { instanceRequirements: requirements } = template;
  if (!requirements) return;
  for (const [what, range] of Object.entries(requirements)) {
    const { min, max } = range as { min?: number; max?: number };
    if (min !== undefined && max !== undefined && min > max)
      throw invalidParameter(`${what}: min must not be above max.`);
  }
  if (requirements.allowedInstanceTypes && requirements.excludedInstanceTypes) {
    throw invalidParameter('allowedInstanceTypes and excludedInstanceTypes exclude each other.');
  }
  for (const name of requirements.allowedInstanceTypes ?? []) {
    const type = instanceTypeNamed(name);
    if (type && !fits(type, requirements)) {
      throw invalidParameter(`The allowed instance type ${name} does not meet the other instance requirements.`);
    }
  }
}

/** Only their shape: what is not made here can't be looked up here. @throws ApiError */
export function checkNetworkIds(subnets: readonly string[], groups: readonly string[]): void {
  const wrongSubnet = subnets.find((id) => !/^subnet-[0-9a-z]+$/.test(id));
  if (wrongSubnet !== undefined) throw invalidParameter(`The subnet ID '${wrongSubnet}' is not valid.`);
  const wrongGroup = groups.find((id) => !/^sg-[0-9a-z]+$/.test(id));
  if (wrongGroup !== undefined) throw invalidParameter(`The security group ID '${wrongGroup}' is not valid.`);
}

const update: Operation<CreateInput> = (input, { region, world }) => {
  const { name, managedInstancesProvider: change } = input;
  if (!change) throw invalidParameter('Only capacity providers of Managed Instances are emulated.');
  const provider = region.cluster(input.cluster).managed.get(name);
  if (!provider || provider.status !== 'ACTIVE') {
    throw invalidParameter('The specified capacity provider does not exist or is not ACTIVE.');
  }
  // Not in the update: capacityOptionType stays what it was. Running instances keep the old template.
  const template = { ...provider.config.instanceLaunchTemplate, ...change.instanceLaunchTemplate };
  checkConfig(change, template);
  provider.config = { ...provider.config, ...change, instanceLaunchTemplate: template };
  provider.types = typesFor(template.instanceRequirements);
  provider.updateStatus = 'UPDATE_COMPLETE';
  world.placement.place(provider);
  return { capacityProvider: view(provider, true) };
};

const remove: Operation<{ capacityProvider: string; cluster?: string }> = (input, { region, world }) => {
  const name = input.capacityProvider.split('/').at(-1) ?? '';
  if (name === 'FARGATE' || name === 'FARGATE_SPOT')
    throw invalidParameter(`The capacity provider ${name} cannot be deleted.`);
  const provider = region.cluster(input.cluster).managed.get(name);
  if (!provider) throw invalidParameter('The specified capacity provider does not exist.');
  if (provider.status !== 'DEPROVISIONING') {
    provider.status = 'DEPROVISIONING';
    provider.updateStatus = 'DELETE_IN_PROGRESS';
    world.placement.retire(provider);
  }
  return { capacityProvider: view(provider, true) };
};

interface DescribeInput {
  capacityProviders?: string[];
  cluster?: string;
  include?: string[];
  maxResults?: number;
  nextToken?: string;
}

const describe: Operation<DescribeInput> = (input, call) => {
  const { region } = call;
  const { capacityProviders: names } = input;
  if (names && names.length > 100) throw invalidParameter('capacityProviders cannot have more than 100 elements.');
  const tags = input.include?.includes('TAGS') ?? false;
  // Managed Instances are seen through their cluster only.
  const cluster = input.cluster === undefined ? undefined : region.cluster(input.cluster);
  const known = new Map<string, object>();
  for (const name of ['FARGATE', 'FARGATE_SPOT']) known.set(name, fargateView(name, call));
  for (const provider of cluster?.managed.values() ?? []) known.set(provider.name, view(provider, tags));
  const wanted = names?.map((each) => each.split('/').at(-1) ?? each) ?? namesIn(cluster, [...known.keys()]);
  const found = wanted.flatMap((name) => known.get(name) ?? []);
  const failures = wanted
    .filter((name) => !known.has(name))
    .map((name) => missing(region.arn(`capacity-provider/${name}`)));
  const { items, ...next } = pageOf(found, input, 10);
  return { capacityProviders: items, failures, ...next };
};

const namesIn = (cluster: Cluster | undefined, all: string[]): string[] =>
  cluster ? all.filter((name) => cluster.managed.has(name) || cluster.providers.includes(name)) : all;

const fargateView = (name: string, { region }: CallContext): object => ({
  capacityProviderArn: region.arn(`capacity-provider/${name}`),
  name,
  status: 'ACTIVE',
  type: name,
  tags: [],
});

function view(provider: ManagedProvider, tags: boolean): object {
  const { config } = provider;
  return {
    capacityProviderArn: provider.arn,
    name: provider.name,
    cluster: provider.cluster.arn,
    status: provider.status,
    type: 'MANAGED_INSTANCES',
    updateStatus: provider.updateStatus,
    managedInstancesProvider: {
      ...config,
      instanceLaunchTemplate: {
        capacityOptionType: 'ON_DEMAND',
        monitoring: 'BASIC',
        storageConfiguration: { storageSizeGiB: 80 },
        ...config.instanceLaunchTemplate,
      },
    },
    ...(tags && { tags: provider.tags }),
  };
}

export const providerOperations: Readonly<Record<string, AnyOperation>> = {
  CreateCapacityProvider: create,
  UpdateCapacityProvider: update,
  DeleteCapacityProvider: remove,
  DescribeCapacityProviders: describe,
};
