// SPDX-License-Identifier: Apache-2.0
import type { TaskSize } from '../ecs/sizes.ts';
import { hostIsLost } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import { randomHex } from '../world/ids.ts';
import type { World } from '../world/world.ts';
import { gpusOf, usableMemoryMib } from './instance-types.ts';
import type { InstanceType } from './instance-types.ts';
import type { Instance } from './instance.ts';
import type { ManagedProvider } from './provider.ts';

/** Why a task can't be placed, in ECS's words. */
export const UNPLACEABLE = {
  cpu: 'TaskFailedToStart: RESOURCE:CPU',
  memory: 'TaskFailedToStart: RESOURCE:MEMORY',
  gpu: 'TaskFailedToStart: RESOURCE:GPU',
  arch: 'TaskFailedToStart: ATTRIBUTE',
  constraint: 'TaskFailedToStart: MemberOf placement constraint unsatisfied',
} as const;

/** What placement tells the life cycle of a task. */
export interface Placed {
  placed(task: Task, instance: Instance): void;
  unplaceable(task: Task, stoppedReason: string): void;
}

/**
 * Buys Managed Instances and packs tasks on them. A constraint steers what is bought as well as where a task goes; AWS
 * does not say whether its constraints do.
 */
export class Placement {
  readonly #world: World;
  readonly #told: Placed;

  constructor(world: World, told: Placed) {
    this.#world = world;
    this.#told = told;
  }

  /** Takes a task of PROVISIONING in: it is placed now, or when there is room or an instance for it. */
  enqueue(task: Task, provider: ManagedProvider): void {
    provider.waiting.add(task);
    this.place(provider);
  }

  /** A task that has ended, or that need not be placed any more. */
  release(task: Task, provider: ManagedProvider): void {
    provider.waiting.delete(task);
    const { instance } = task;
    if (!instance?.tasks.delete(task)) return;
    give(instance, task.size, -1);
    instance.version++;
    if (provider.waiting.size > 0) this.place(provider);
    this.#idle(instance);
  }

  /** Puts waiting tasks where there is room, and decides a little later, for all that then wait, what to buy. */
  place(provider: ManagedProvider): void {
    const open = openInstances(provider);
    for (const task of provider.waiting) {
      const instance = open.find((each) => holds(each, task));
      if (instance) this.#put(task, instance);
    }
    if (provider.waiting.size === 0 || provider.decision) return;
    provider.decision = this.#world.scheduler.after(this.#world.scaled(this.#world.delays.decide), () => {
      provider.decision = null;
      this.#buyFor(provider);
    });
  }

  #buyFor(provider: ManagedProvider): void {
    const bought: Instance[] = [];
    for (const task of provider.waiting) {
      const instance = bought.find((each) => holds(each, task)) ?? this.#buy(provider, task);
      if (typeof instance === 'string') {
        provider.waiting.delete(task);
        this.#told.unplaceable(task, instance);
      } else {
        bought.push(instance);
        this.#put(task, instance);
      }
    }
  }

  /** No new tasks; instances go when their last task has ended, and then the provider. */
  retire(provider: ManagedProvider): void {
    for (const task of [...provider.waiting]) {
      provider.waiting.delete(task);
      this.#told.unplaceable(task, 'TaskFailedToStart: EMPTY CAPACITY PROVIDER');
    }
    for (const instance of provider.cluster.instances.values()) {
      if (instance.provider !== provider || instance.status === 'INACTIVE') continue;
      if (instance.status === 'ACTIVE') instance.status = 'DRAINING';
      this.#idle(instance);
    }
    this.#forgetRetired(provider);
  }

  /** The EC2 instance is gone, whatever ran on it. */
  lose(instance: Instance, by: 'spot' | 'host' | 'user'): void {
    if (instance.status === 'INACTIVE') return;
    instance.status = 'INACTIVE';
    instance.endedBy = by;
    instance.version++;
    instance.cancelScaleIn?.();
    const { cluster } = instance.provider;
    this.#world.scheduler.after(this.#world.scaled(this.#world.delays.stoppedVisible), () => {
      cluster.instances.delete(instance.id);
    });
    this.#forgetRetired(instance.provider);
  }

  #put(task: Task, instance: Instance): void {
    const { provider } = instance;
    provider.waiting.delete(task);
    instance.cancelScaleIn?.();
    instance.cancelScaleIn = null;
    instance.tasks.add(task);
    instance.exclusive ||= hostIsLost(task) || task.size.allGpus;
    give(instance, task.size, 1);
    instance.version++;
    task.instance = instance;
    if (instance.status === 'ACTIVE') this.#told.placed(task, instance);
  }

  /** @returns why not, where the task can't have an instance. */
  #buy(provider: ManagedProvider, task: Task): Instance | string {
    const choice = choose(provider, task);
    if (typeof choice === 'string') return choice;
    const over = this.#overQuota(provider, choice.type);
    if (over !== null) return over;
    const instance = makeInstance(provider, choice, this.#world.clock.now());
    provider.cluster.instances.set(instance.id, instance);
    this.#world.scheduler.after(this.#world.scaled(this.#world.delays.instanceLaunch), () => {
      if (instance.status !== 'BUYING') return;
      instance.status = provider.status === 'DEPROVISIONING' ? 'DRAINING' : 'ACTIVE';
      instance.registeredAt = this.#world.clock.now();
      for (const each of instance.tasks) this.#told.placed(each, instance);
      this.#idle(instance);
    });
    return instance;
  }

  #overQuota(provider: ManagedProvider, type: InstanceType): string | null {
    const gpu = type.accelerator !== null;
    const { quotas } = this.#world;
    const limit = gpu
      ? provider.spot
        ? quotas.gpuSpotInstanceVcpus
        : quotas.gpuInstanceVcpus
      : provider.spot
        ? quotas.spotInstanceVcpus
        : quotas.instanceVcpus;
    let used = type.vcpus;
    for (const cluster of provider.cluster.region.clusters.values()) {
      for (const each of cluster.instances.values()) {
        const same = (each.type.accelerator !== null) === gpu && each.provider.spot === provider.spot;
        if (same && each.status !== 'INACTIVE') used += each.type.vcpus;
      }
    }
    if (used <= limit) return null;
    const name = provider.spot ? 'MaxSpotInstanceCountExceeded' : 'VcpuLimitExceeded';
    return `${name}: You have requested more vCPU capacity than your current vCPU limit of ${limit} allows for the instance bucket that the specified instance type belongs to. (Service: Ec2, Status Code: 400, Request ID: ${randomHex(8)}-${randomHex(4)}-${randomHex(4)}-${randomHex(4)}-${randomHex(12)})`;
  }

  /** Nothing runs on it: it goes, at once where it drains. */
  #idle(instance: Instance): void {
    if (instance.tasks.size > 0 || instance.status === 'INACTIVE' || instance.status === 'BUYING') return;
    // An instance for one task alone is of no use to others.
    if (instance.status === 'DRAINING' || instance.exclusive) {
      this.lose(instance, 'user');
      return;
    }
    const after = instance.provider.config.infrastructureOptimization?.scaleInAfter ?? this.#world.delays.scaleIn;
    if (after < 0) return;
    instance.cancelScaleIn?.();
    instance.cancelScaleIn = this.#world.scheduler.after(this.#world.scaled(after), () => {
      if (instance.tasks.size === 0) this.lose(instance, 'user');
    });
  }

  #forgetRetired(provider: ManagedProvider): void {
    const { cluster } = provider;
    const left = [...cluster.instances.values()].some((i) => i.provider === provider && i.status !== 'INACTIVE');
    if (provider.status !== 'DEPROVISIONING' || left) return;
    provider.status = 'INACTIVE';
    provider.updateStatus = 'DELETE_COMPLETE';
    cluster.managed.delete(provider.name);
    cluster.providers = cluster.providers.filter((name) => name !== provider.name);
    cluster.defaultStrategy = cluster.defaultStrategy.filter((item) => item.capacityProvider !== provider.name);
  }
}

const openInstances = (provider: ManagedProvider): Instance[] =>
  [...provider.cluster.instances.values()].filter(
    (each) => each.provider === provider && (each.status === 'ACTIVE' || each.status === 'BUYING') && !each.exclusive,
  );

function give(instance: Instance, size: TaskSize, sign: 1 | -1): void {
  instance.cpuLeft -= sign * size.cpuUnits;
  instance.memoryLeft -= sign * size.memoryMib;
  instance.gpusLeft -= sign * size.gpus;
}

/** Room, and all conditions of the task. */
function holds(instance: Instance, task: Task): boolean {
  const { size } = task;
  return (
    !instance.exclusive &&
    instance.cpuLeft >= size.cpuUnits &&
    instance.memoryLeft >= size.memoryMib &&
    instance.gpusLeft >= size.gpus &&
    (instance.tasks.size === 0 || !(hostIsLost(task) || size.allGpus)) &&
    (!task.distinctInstance || ![...instance.tasks].some((other) => other.group === task.group)) &&
    archFits(instance.type, task) &&
    task.constraints.every((satisfied) => satisfied(instance.attributes))
  );
}

function archFits(type: InstanceType, task: Task): boolean {
  const wanted = task.definition.input.runtimePlatform?.cpuArchitecture;
  return wanted === undefined || (wanted === 'ARM64') === (type.arch === 'arm64');
}

interface Choice {
  type: InstanceType;
  subnet: string;
}

/**
 * The type on which this task's like costs least, as many as wait: one task gets a small instance, a thousand get a few
 * large ones.
 */
function choose(provider: ManagedProvider, task: Task): Choice | string {
  const { size } = task;
  const subnets = provider.config.instanceLaunchTemplate.networkConfiguration?.subnets ?? [];
  const subnetsFor = (type: InstanceType): string[] =>
    subnets.filter((subnet) => task.constraints.every((ok) => ok(attributesOf(provider, type, subnet))));
  const steps: [keyof typeof UNPLACEABLE, (type: InstanceType) => boolean][] = [
    ['arch', (type) => archFits(type, task)],
    ['gpu', (type) => gpusOf(type) >= size.gpus],
    ['constraint', (type) => subnetsFor(type).length > 0],
    ['cpu', (type) => type.vcpus * 1_024 >= size.cpuUnits],
    ['memory', (type) => usableMemoryMib(type) >= size.memoryMib],
  ];
  let left = provider.types;
  for (const [why, fits] of steps) {
    left = left.filter(fits);
    if (left.length === 0) return UNPLACEABLE[why];
  }
  const alone = hostIsLost(task) || task.distinctInstance || size.allGpus;
  const most = alone ? 1 : provider.waiting.size;
  const costOf = (type: InstanceType): number => type.relativeCost / Math.min(most, roomFor(type, size));
  // Of two that cost the same for each task the larger one is taken.
  const type = left.reduce((best, each) => {
    const difference = costOf(each) / costOf(best) - 1;
    return difference < -1e-9 || (difference < 1e-9 && each.vcpus > best.vcpus) ? each : best;
  });
  const fitting = subnetsFor(type);
  return { type, subnet: fitting[provider.cluster.instances.size % fitting.length] ?? '' };
}

const roomFor = (type: InstanceType, size: TaskSize): number =>
  Math.floor(
    Math.min(
      (type.vcpus * 1_024) / size.cpuUnits,
      usableMemoryMib(type) / size.memoryMib,
      size.gpus === 0 ? Infinity : gpusOf(type) / size.gpus,
    ),
  );

function attributesOf(provider: ManagedProvider, type: InstanceType, subnet: string): Record<string, string> {
  return {
    'ecs.instance-type': type.name,
    'ecs.availability-zone': provider.cluster.region.zoneOf(subnet),
    'ecs.cpu-architecture': type.arch === 'arm64' ? 'arm64' : 'x86_64',
    'ecs.os-type': 'linux',
    'ecs.subnet-id': subnet,
    'ecs.vpc-id': provider.cluster.region.defaultVpc,
  };
}

function makeInstance(provider: ManagedProvider, { type, subnet }: Choice, now: number): Instance {
  const id = randomHex(32);
  const { region, name: cluster } = provider.cluster;
  return {
    ec2Id: `i-0${randomHex(16)}`,
    id,
    arn: region.arn(`container-instance/${cluster}/${id}`),
    provider,
    type,
    availabilityZone: region.zoneOf(subnet),
    subnet,
    attributes: attributesOf(provider, type, subnet),
    launchedAt: now,
    registeredAt: null,
    status: 'BUYING',
    exclusive: false,
    cpuLeft: type.vcpus * 1_024,
    memoryLeft: usableMemoryMib(type),
    gpusLeft: gpusOf(type),
    tasks: new Set(),
    version: 1,
    cancelScaleIn: null,
    endedBy: null,
  };
}
