// SPDX-License-Identifier: Apache-2.0
import { seconds } from '../world/world.ts';
import { runtimeIdOf } from './container-spec.ts';
import { providerNameOf } from './task.ts';
import type { Task, TaskContainer, TaskStatus } from './task.ts';

/** A task as DescribeTasks gives it. Members that it has no value for are left out, as ECS does. */
export function taskView(task: Task, tags: boolean): object {
  const { capacity, definition, times, size, instance } = task;
  const provider = providerNameOf(capacity);
  const fargate = capacity.kind === 'fargate';
  const disk = (task.overrides.ephemeralStorage ?? definition.input.ephemeralStorage)?.sizeInGiB ?? 20;
  return {
    attachments: attachmentsOf(task),
    attributes: [{ name: 'ecs.cpu-architecture', value: archOf(task) }],
    ...(task.availabilityZone !== null && { availabilityZone: task.availabilityZone }),
    ...(provider !== null && { capacityProviderName: provider }),
    clusterArn: task.cluster.arn,
    ...(times.connectivityAt !== undefined && { connectivity: 'CONNECTED' }),
    ...(instance?.registeredAt && { containerInstanceArn: instance.arn }),
    containers: task.containers.map((container) => containerView(task, container)),
    cpu: String(size.cpuUnits),
    desiredStatus: task.desired,
    enableExecuteCommand: task.enableExecuteCommand,
    ...(fargate && { ephemeralStorage: { sizeInGiB: disk }, fargateEphemeralStorage: { sizeInGiB: disk } }),
    group: task.group,
    healthStatus: healthOf(task.containers),
    inferenceAccelerators: [],
    lastStatus: task.status,
    launchType: fargate ? 'FARGATE' : 'MANAGED_INSTANCES',
    memory: String(size.memoryMib),
    overrides: overridesView(task),
    ...(fargate && { platformVersion: capacity.platformVersion, platformFamily: 'Linux' }),
    ...(task.startedBy !== undefined && { startedBy: task.startedBy }),
    ...(task.stopCode !== null && { stopCode: task.stopCode }),
    ...(task.stoppedReason !== null && { stoppedReason: task.stoppedReason }),
    tags: tags ? task.tags : [],
    taskArn: task.arn,
    taskDefinitionArn: definition.arn,
    version: task.version,
    ...timesView(task),
  };
}

function timesView({ times }: Task): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [key, ms] of Object.entries(times) as [string, number | undefined][]) {
    if (ms !== undefined) out[key] = seconds(ms);
  }
  return out;
}

function containerView(task: Task, container: TaskContainer): object {
  const { definition, override } = container;
  const { cpu, memory, memoryReservation } = { ...definition, ...override };
  const digest = definition.image.split('@')[1];
  const gpus = gpuCount(container);
  return {
    containerArn: containerArnOf(task, container),
    taskArn: task.arn,
    name: definition.name,
    image: definition.image,
    ...(digest !== undefined && container.started && { imageDigest: digest }),
    ...(container.started && { runtimeId: runtimeIdOf(task, container) }),
    lastStatus: container.status === 'PENDING' && task.status === 'STOPPED' ? 'STOPPED' : container.status,
    ...(container.exitCode !== null && { exitCode: container.exitCode }),
    ...(container.reason !== null && { reason: container.reason.slice(0, 1_024) }),
    networkBindings: [],
    networkInterfaces: task.subnet === null ? [] : [{ attachmentId: eniId(task), privateIpv4Address: addressOf(task) }],
    healthStatus: containerHealth(container),
    cpu: String(cpu ?? 0),
    ...(memory !== undefined && { memory: String(memory) }),
    ...(memoryReservation !== undefined && { memoryReservation: String(memoryReservation) }),
    ...(gpus > 0 && task.instance && { gpuIds: gpuIds(task, gpus) }),
  };
}

export const containerArnOf = (task: Task, container: TaskContainer): string =>
  task.cluster.region.arn(`container/${task.cluster.name}/${task.id}/${uuid(turned(task, container.index + 1))}`);

function gpuCount({ definition, override }: TaskContainer): number {
  const needs = override?.resourceRequirements ?? definition.resourceRequirements ?? [];
  const value = needs.find(({ type }) => type === 'GPU')?.value;
  return value === undefined || value === 'ALL' ? 0 : Number(value);
}
const gpuIds = (task: Task, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `GPU-${uuid(turned(task, 20 + i))}`);

const containerHealth = (container: TaskContainer): string =>
  container.definition.healthCheck === undefined || !container.healthy ? 'UNKNOWN' : 'HEALTHY';
function healthOf(containers: readonly TaskContainer[]): string {
  const checked = containers.filter((c) => c.definition.healthCheck && c.definition.essential !== false);
  return checked.length > 0 && checked.every((c) => c.healthy) ? 'HEALTHY' : 'UNKNOWN';
}

/** Every container is listed, with what was overridden. */
function overridesView({ overrides, containers }: Task): object {
  return {
    ...overrides,
    containerOverrides: containers.map(({ definition, override }) => ({ ...override, name: definition.name })),
    inferenceAcceleratorOverrides: [],
  };
}

const ENI_STATUS: Readonly<Record<TaskStatus, string>> = {
  PROVISIONING: 'PRECREATED',
  PENDING: 'ATTACHING',
  ACTIVATING: 'ATTACHED',
  RUNNING: 'ATTACHED',
  DEACTIVATING: 'ATTACHED',
  STOPPING: 'ATTACHED',
  DEPROVISIONING: 'DETACHING',
  STOPPED: 'DELETED',
};

function attachmentsOf(task: Task): object[] {
  const { subnet, ebs } = task;
  const attachments: object[] = [];
  if (subnet !== null) {
    attachments.push({
      id: eniId(task),
      type: 'ElasticNetworkInterface',
      status: ENI_STATUS[task.status],
      details: [
        { name: 'subnetId', value: subnet },
        ...(task.status === 'PROVISIONING'
          ? []
          : [
              { name: 'networkInterfaceId', value: `eni-0${turned(task, 12).slice(0, 16)}` },
              { name: 'macAddress', value: macOf(task) },
              { name: 'privateDnsName', value: `ip-${addressOf(task).replaceAll('.', '-')}.ec2.internal` },
              { name: 'privateIPv4Address', value: addressOf(task) },
            ]),
      ],
    });
  }
  if (ebs) {
    attachments.push({
      id: uuid(turned(task, 13)),
      type: 'AmazonElasticBlockStorage',
      status: ENI_STATUS[task.status] === 'PRECREATED' ? 'ATTACHING' : ENI_STATUS[task.status],
      details: [
        { name: 'roleArn', value: ebs.volume.roleArn },
        { name: 'volumeName', value: ebs.volumeName },
        { name: 'filesystemType', value: ebs.volume.filesystemType ?? 'xfs' },
        { name: 'volumeId', value: ebs.id },
        { name: 'deleteOnTermination', value: 'true' },
      ],
    });
  }
  return attachments;
}

const eniId = (task: Task): string => uuid(turned(task, 14));
/** In 172.31.0.0/16, as in a default VPC. */
export function addressOf(task: Task): string {
  const digits = task.id.slice(0, 4);
  return `172.31.${parseInt(digits.slice(0, 2), 16)}.${parseInt(digits.slice(2), 16)}`;
}
const macOf = (task: Task): string => `0a:${(task.id.slice(0, 10).match(/../g) ?? []).join(':')}`;
/** Ids of a task's parts: the digits of its own, turned; a hash for each would cost more than the rest of a view. */
const turned = ({ id }: Task, by: number): string => id.slice(by) + id.slice(0, by);
const uuid = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;

function archOf({ instance, definition }: Task): string {
  if (instance) return instance.type.arch;
  return definition.input.runtimePlatform?.cpuArchitecture === 'ARM64' ? 'arm64' : 'x86_64';
}
