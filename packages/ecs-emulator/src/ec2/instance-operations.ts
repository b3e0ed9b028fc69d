// SPDX-License-Identifier: Apache-2.0
import { INSTANCE_TYPES } from '../capacity/instance-types.ts';
import type { InstanceType } from '../capacity/instance-types.ts';
import type { Instance } from '../capacity/instance.ts';
import { ApiError } from '../wire/api-error.ts';
import type { Region } from '../world/region.ts';
import type { AnyOperation, Operation } from '../world/world.ts';
import { filtered, page } from './filters.ts';
import type { Filter, FilterFields } from './filters.ts';

const TYPE_FIELDS: FilterFields<InstanceType> = {
  'instance-type': ({ name }) => name,
  'current-generation': () => true,
  'processor-info.supported-architecture': ({ arch }) => arch,
  'vcpu-info.default-vcpus': ({ vcpus }) => vcpus,
  'memory-info.size-in-mib': ({ memoryMib }) => memoryMib,
  'bare-metal': () => false,
  'burstable-performance-supported': ({ burstable }) => burstable,
  'instance-storage-supported': ({ localStorageGb }) => localStorageGb > 0,
  'supported-usage-class': () => ['on-demand', 'spot'],
};

const types: Operation<{ InstanceType?: string[]; Filter?: Filter[]; NextToken?: string; MaxResults?: number }> = (
  input,
) => {
  const { InstanceType: names } = input;
  const unknown = (names ?? []).filter((name) => !INSTANCE_TYPES.some((type) => type.name === name));
  if (unknown.length > 0) {
    throw new ApiError(
      'InvalidInstanceType',
      `The following supplied instance types do not exist: [${unknown.join(', ')}]`,
    );
  }
  const known = names?.length ? INSTANCE_TYPES.filter(({ name }) => names.includes(name)) : INSTANCE_TYPES;
  const { items, ...next } = page(filtered(known, input.Filter, TYPE_FIELDS), input, 100);
  return { instanceTypeSet: items.map(typeView), ...next };
};

const MAKERS = { intel: 'Intel', amd: 'AMD', 'amazon-web-services': 'AWS' } as const;

function typeView(type: InstanceType): object {
  const { accelerator, vcpus } = type;
  const device = accelerator && {
    name: accelerator.ec2Name,
    manufacturer: { nvidia: 'NVIDIA', amd: 'AMD', 'amazon-web-services': 'AWS' }[accelerator.manufacturer],
    count: accelerator.count,
    memoryInfo: { sizeInMiB: accelerator.memoryMib },
  };
  const total = accelerator ? accelerator.count * accelerator.memoryMib : 0;
  return {
    instanceType: type.name,
    currentGeneration: true,
    freeTierEligible: false,
    supportedUsageClasses: ['on-demand', 'spot'],
    supportedRootDeviceTypes: ['ebs'],
    supportedVirtualizationTypes: ['hvm'],
    bareMetal: false,
    hypervisor: 'nitro',
    processorInfo: { supportedArchitectures: [type.arch], manufacturer: MAKERS[type.cpuManufacturer] },
    vCpuInfo: { defaultVCpus: vcpus, defaultCores: Math.ceil(vcpus / 2), defaultThreadsPerCore: vcpus > 1 ? 2 : 1 },
    memoryInfo: { sizeInMiB: type.memoryMib },
    instanceStorageSupported: type.localStorageGb > 0,
    ...(type.localStorageGb > 0 && {
      instanceStorageInfo: {
        totalSizeInGB: type.localStorageGb,
        disks: [{ sizeInGB: type.localStorageGb, count: 1, type: 'ssd' }],
        nvmeSupport: 'required',
      },
    }),
    ...(device && accelerator.kind === 'gpu' && { gpuInfo: { gpus: [device], totalGpuMemoryInMiB: total } }),
    ...(device &&
      accelerator.kind === 'inference' && {
        neuronInfo: { neuronDevices: [device], totalNeuronDeviceMemoryInMiB: total },
      }),
    burstablePerformanceSupported: type.burstable,
    hibernationSupported: false,
    dedicatedHostsSupported: true,
    autoRecoverySupported: true,
  };
}

function allInstances(region: Region): Instance[] {
  return [...region.clusters.values()].flatMap(({ instances }) => [...instances.values()]);
}

const INSTANCE_FIELDS: FilterFields<Instance> = {
  'instance-id': ({ ec2Id }) => ec2Id,
  'instance-type': ({ type }) => type.name,
  'availability-zone': ({ availabilityZone }) => availabilityZone,
  'instance-state-name': (instance) => stateOf(instance).name,
  'instance-lifecycle': ({ provider }) => (provider.spot ? 'spot' : []),
  'subnet-id': ({ subnet }) => subnet,
};

interface DescribeInstances {
  InstanceId?: string[];
  IncludeManagedResources?: boolean;
  Filter?: Filter[];
  NextToken?: string;
  MaxResults?: number;
}

/** Managed Instances are hidden: they are found by id, or when managed resources are asked for. */
const instances: Operation<DescribeInstances> = (input, { region, world }) => {
  const { InstanceId: ids = [] } = input;
  const all = allInstances(region);
  const missing = ids.filter((id) => !all.some(({ ec2Id }) => ec2Id === id));
  if (missing.length > 0) {
    throw new ApiError('InvalidInstanceID.NotFound', `The instance ID '${missing.join(', ')}' does not exist`);
  }
  const visible = all.filter(({ ec2Id }) => ids.includes(ec2Id) || (ids.length === 0 && input.IncludeManagedResources));
  const { items, ...next } = page(filtered(visible, input.Filter, INSTANCE_FIELDS), input, 1_000);
  const reservationSet = items.map((instance) => ({
    reservationId: `r-${instance.ec2Id.slice(2)}`,
    ownerId: world.account,
    groupSet: [],
    instancesSet: [instanceView(instance)],
  }));
  return { reservationSet, ...next };
};

const stateOf = ({ status }: Instance): { code: number; name: string } =>
  status === 'INACTIVE'
    ? { code: 48, name: 'terminated' }
    : status === 'BUYING'
      ? { code: 0, name: 'pending' }
      : { code: 16, name: 'running' };

const REASONS = {
  spot: {
    code: 'Server.SpotInstanceTermination',
    message: 'Server.SpotInstanceTermination: Spot instance termination',
  },
  host: { code: 'Server.InternalError', message: 'Server.InternalError: Internal error on launch' },
  user: { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown: User initiated shutdown' },
} as const;

function instanceView(instance: Instance): object {
  const { provider, type, endedBy, ec2Id } = instance;
  return {
    instanceId: ec2Id,
    instanceType: type.name,
    architecture: type.arch,
    instanceState: stateOf(instance),
    launchTime: new Date(instance.launchedAt),
    placement: { availabilityZone: instance.availabilityZone, tenancy: 'default' },
    subnetId: instance.subnet,
    vpcId: provider.cluster.region.defaultVpc,
    ...(provider.spot && { instanceLifecycle: 'spot' }),
    ...(endedBy && { stateReason: REASONS[endedBy] }),
    tagSet: [
      { key: 'AmazonECSManaged', value: 'true' },
      { key: 'aws:ecs:clusterName', value: provider.cluster.name },
    ],
  };
}

export const ec2InstanceOperations: Readonly<Record<string, AnyOperation>> = {
  DescribeInstanceTypes: types,
  DescribeInstances: instances,
};
