// SPDX-License-Identifier: Apache-2.0
// The task metadata endpoint, version 4, as containers find it at ${ECS_CONTAINER_METADATA_URI_V4}.
import { runtimeIdOf } from '../tasks/container-spec.ts';
import { addressOf, containerArnOf } from '../tasks/task-view.ts';
import type { Task, TaskContainer } from '../tasks/task.ts';
import type { HttpAnswer } from '../wire/http-server.ts';

/** Dummy credentials live for as long as a task's do; no SDK fetches them twice a second. */
const CREDENTIALS_LIFE_MS = 6 * 3_600_000;

/** @returns null where the path is not of this endpoint. */
export function answerMetadata(path: string, tasks: ReadonlyMap<string, Task>, now: number): HttpAnswer | null {
  const [, id = '', digits = '', rest = ''] = /^\/v4\/([0-9a-f]{32})-(\d{10})(\/[^?]*)?(?:\?.*)?$/.exec(path) ?? [];
  if (id === '') return null;
  const task = tasks.get(id);
  const container = task?.containers[Number(digits) - 1_000_000_000];
  if (!task || !container) return json(404, { error: `No container ${id}-${digits}.` });
  switch (rest) {
    case '':
    case '/':
      return json(200, containerView(task, container));
    case '/task':
      return json(200, taskMetadata(task, false));
    case '/taskWithTags':
      return json(200, taskMetadata(task, true));
    case '/stats':
      return json(200, {});
    case '/task/stats':
      return json(200, Object.fromEntries(task.containers.map((each) => [runtimeIdOf(task, each), {}])));
    case '/credentials':
      return json(200, credentials(task, now));
    default:
      return json(404, { error: `No ${rest} here.` });
  }
}

const json = (status: number, value: object): HttpAnswer => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify(value),
});
const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

function containerView(task: Task, container: TaskContainer): object {
  const { definition, override } = container;
  const { logConfiguration: log } = definition;
  const id = runtimeIdOf(task, container);
  return {
    DockerId: id,
    Name: definition.name,
    DockerName: definition.name,
    Image: definition.image,
    ImageID: definition.image.split('@')[1] ?? '',
    Labels: {
      'com.amazonaws.ecs.cluster': task.cluster.arn,
      'com.amazonaws.ecs.container-name': definition.name,
      'com.amazonaws.ecs.task-arn': task.arn,
      'com.amazonaws.ecs.task-definition-family': task.definition.family,
      'com.amazonaws.ecs.task-definition-version': String(task.definition.revision),
    },
    DesiredStatus: task.desired,
    KnownStatus: container.status,
    ...(container.exitCode !== null && { ExitCode: container.exitCode }),
    Limits: { CPU: override?.cpu ?? definition.cpu ?? 0, Memory: override?.memory ?? definition.memory ?? 0 },
    CreatedAt: iso(task.times.createdAt),
    StartedAt: iso(task.times.startedAt ?? task.times.pullStoppedAt),
    Type: 'NORMAL',
    ContainerARN: containerArnOf(task, container),
    ...(log && { LogDriver: log.logDriver, LogOptions: logOptions(task, container) }),
    Networks: [
      {
        NetworkMode: task.definition.input.networkMode ?? 'awsvpc',
        ...(task.subnet !== null && { IPv4Addresses: [addressOf(task)] }),
      },
    ],
  };
}

function logOptions(task: Task, { definition }: TaskContainer): Record<string, string> {
  const options = definition.logConfiguration?.options ?? {};
  const prefix = options['awslogs-stream-prefix'];
  if (definition.logConfiguration?.logDriver !== 'awslogs') return options;
  const { 'awslogs-stream-prefix': _, ...rest } = options;
  return { ...rest, 'awslogs-stream': prefix ? `${prefix}/${definition.name}/${task.id}` : task.id };
}

function taskMetadata(task: Task, tags: boolean): object {
  const { times, capacity, size } = task;
  return {
    Cluster: task.cluster.arn,
    TaskARN: task.arn,
    Family: task.definition.family,
    Revision: String(task.definition.revision),
    DesiredStatus: task.desired,
    KnownStatus: task.status,
    Limits: { CPU: size.cpuUnits / 1_024, Memory: size.memoryMib },
    PullStartedAt: iso(times.pullStartedAt),
    PullStoppedAt: iso(times.pullStoppedAt),
    AvailabilityZone: task.availabilityZone ?? '',
    LaunchType: capacity.kind === 'fargate' ? 'FARGATE' : 'MANAGED_INSTANCES',
    Containers: task.containers.map((container) => containerView(task, container)),
    ...(tags && { TaskTags: Object.fromEntries(task.tags.map(({ key, value }) => [key, value ?? ''])) }),
  };
}

/** Of no account: they are for endpoints that accept any, and open nothing at AWS. */
function credentials(task: Task, now: number): object {
  const role = task.overrides.taskRoleArn ?? task.definition.input.taskRoleArn ?? '';
  return {
    RoleArn: role,
    AccessKeyId: 'ASIAEMULATED00000000',
    SecretAccessKey: 'emulated',
    Token: 'emulated',
    Expiration: iso(now + CREDENTIALS_LIFE_MS),
  };
}
