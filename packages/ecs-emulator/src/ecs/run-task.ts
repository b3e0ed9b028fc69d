// SPDX-License-Identifier: Apache-2.0
import { parseConstraint } from '../capacity/constraint.ts';
import { FARGATE_VCPU_QUOTA } from '../faults/stop-reasons.ts';
import { taskView } from '../tasks/task-view.ts';
import type { Capacity, Task, TaskContainer } from '../tasks/task.ts';
import { clientException } from '../wire/api-error.ts';
import { randomHex } from '../world/ids.ts';
import type { CallContext, Operation } from '../world/world.ts';
import { checkRunTask } from './check-run-task.ts';
import { sizeOf } from './sizes.ts';
import { spread } from './strategy.ts';
import type { Cluster } from './cluster.ts';
import type { TaskDefinition } from './task-definition.ts';
import { checkTags, mergeTags } from './tags.ts';
import type { Failure, RunTaskInput, StrategyItem, Tag } from './types.ts';

/** A request that passed every check, resolved. */
export interface TaskOrder {
  cluster: Cluster;
  definition: TaskDefinition;
  strategy: readonly StrategyItem[];
  count: number;
}

export const runTask: Operation<RunTaskInput> = (input, call) => {
  const { region, world, fault } = call;
  const cluster = region.cluster(input.cluster);
  const before = region.tokens.find(cluster.arn, input);
  // The same tasks as they are now, and the same failures.
  if (before) return answer(before.tasks, before.failures);
  const order = checkRunTask(input, cluster);
  checkProvisioning(order, call);
  let [tasks, failures]: [Task[], readonly Failure[]] = [[], fault?.failures ?? []];
  if (failures.length === 0) [tasks, failures] = makeTasks(order, input, call);
  region.tokens.remember(cluster.arn, input, tasks, failures);
  for (const task of tasks) world.lifeCycle.launch(task);
  return answer(tasks, failures);
};

const answer = (tasks: readonly Task[], failures: readonly Failure[]): object => ({
  tasks: tasks.map((task) => taskView(task, true)),
  failures,
});

function checkProvisioning({ cluster, count }: TaskOrder, { world }: CallContext): void {
  if (cluster.provisioning + count <= world.quotas.provisioningTasks) return;
  throw clientException(
    `The quota of ${world.quotas.provisioningTasks} tasks in the PROVISIONING state has been reached for the cluster. Wait until tasks have been placed and try again.`,
  );
}

function makeTasks(order: TaskOrder, input: RunTaskInput, { region, world, fault }: CallContext): [Task[], Failure[]] {
  const [tasks, failures]: [Task[], Failure[]] = [[], []];
  const size = sizeOf(order.definition.input, input.overrides);
  const capacities = capacitiesOf(order, input);
  for (const spot of [true, false]) {
    const launches = capacities.filter((c) => c.kind === 'fargate' && c.spot === spot).length;
    if (launches > 0) region.throttle.launch(spot ? 'spot' : 'onDemand', launches);
  }
  const hiddenUntil = fault?.hideMs === undefined ? 0 : world.clock.monotonic() + fault.hideMs;
  for (const capacity of capacities) {
    if (capacity.kind === 'fargate') {
      const market = capacity.spot ? 'spot' : 'onDemand';
      const limit = capacity.spot ? world.quotas.fargateSpotVcpus : world.quotas.fargateVcpus;
      if (region.fargateVcpus[market] + size.cpuUnits / 1_024 > limit) {
        failures.push({ reason: FARGATE_VCPU_QUOTA });
        continue;
      }
      region.fargateVcpus[market] += size.cpuUnits / 1_024;
    }
    tasks.push(makeTask(order, input, capacity, size, hiddenUntil));
  }
  return [tasks, failures];
}

function capacitiesOf({ cluster, strategy, count }: TaskOrder, input: RunTaskInput): Capacity[] {
  const platformVersion =
    input.platformVersion === undefined || input.platformVersion === 'LATEST' ? '1.4.0' : input.platformVersion;
  if (strategy.length === 0) {
    return Array.from({ length: count }, () => ({ kind: 'fargate', spot: false, providerName: null, platformVersion }));
  }
  return spread(strategy, count).map((name): Capacity => {
    const provider = cluster.managed.get(name);
    if (provider) return { kind: 'managed', spot: provider.spot, provider };
    return { kind: 'fargate', spot: name === 'FARGATE_SPOT', providerName: name, platformVersion };
  });
}

function makeTask(
  { cluster, definition }: TaskOrder,
  input: RunTaskInput,
  capacity: Capacity,
  size: Task['size'],
  hiddenUntil: number,
): Task {
  const { region } = cluster;
  const { world } = region;
  const id = randomHex(32);
  const { overrides = {} } = input;
  const network = input.networkConfiguration?.awsvpcConfiguration;
  const subnet = network ? (network.subnets[world.taskCount % network.subnets.length] ?? null) : null;
  const constraints = [...(definition.input.placementConstraints ?? []), ...(input.placementConstraints ?? [])];
  const containers = definition.input.containerDefinitions.map((each, index): TaskContainer => {
    const override = overrides.containerOverrides?.find(({ name }) => name === each.name);
    return {
      index,
      definition: each,
      override,
      status: 'PENDING',
      handle: null,
      asked: false,
      started: false,
      healthy: false,
      exitCode: null,
      reason: null,
      heldExit: null,
    };
  });
  const volume = input.volumeConfigurations?.[0];
  const task: Task = {
    id,
    arn: region.arn(`task/${cluster.name}/${id}`),
    ordinal: world.taskCount++,
    cluster,
    definition,
    capacity,
    size,
    overrides,
    constraints: constraints.flatMap(({ type, expression = '' }) =>
      type === 'memberOf' ? [parseConstraint(expression)] : [],
    ),
    distinctInstance: constraints.some(({ type }) => type === 'distinctInstance'),
    group: input.group ?? `family:${definition.family}`,
    startedBy: input.startedBy,
    enableExecuteCommand: input.enableExecuteCommand ?? false,
    subnet,
    ebs: volume?.managedEBSVolume
      ? { volumeName: volume.name, id: `vol-0${randomHex(16)}`, volume: volume.managedEBSVolume }
      : null,
    event: world.faults.eventFor({
      family: definition.family,
      provider: capacity.kind === 'managed' ? capacity.provider.name : (capacity.providerName ?? 'FARGATE'),
      spot: capacity.spot,
    }),
    containers,
    times: { createdAt: world.clock.now() },
    availabilityZone: capacity.kind === 'fargate' && subnet !== null ? region.zoneOf(subnet) : null,
    tags: tagsOf(input, definition, cluster),
    status: 'PROVISIONING',
    desired: 'RUNNING',
    version: 1,
    stopCode: null,
    stoppedReason: null,
    instance: null,
    hiddenUntil,
    cancelStep: null,
    stuck: false,
  };
  cluster.tasks.set(id, task);
  world.tasks.set(id, task);
  definition.tasks++;
  return task;
}

function tagsOf(input: RunTaskInput, definition: TaskDefinition, cluster: Cluster): Tag[] {
  const inherited = input.propagateTags === 'TASK_DEFINITION' ? definition.tags : [];
  const tags = mergeTags(inherited, checkTags(input.tags));
  return input.enableECSManagedTags ? [...tags, { key: 'aws:ecs:clusterName', value: cluster.name }] : tags;
}
