// SPDX-License-Identifier: Apache-2.0
import { taskView } from '../tasks/task-view.ts';
import type { Task } from '../tasks/task.ts';
import { invalidParameter } from '../wire/api-error.ts';
import type { AnyOperation, Operation, World } from '../world/world.ts';
import type { Cluster } from './cluster.ts';
import { missing } from './names.ts';
import { runTask } from './run-task.ts';

/** What a caller may see: not what the fault script still hides. */
const isVisible = (task: Task, world: World): boolean =>
  task.hiddenUntil === 0 || task.hiddenUntil <= world.clock.monotonic();

/**
 * The id in an ARN, or the id itself.
 * @throws ApiError InvalidParameterException where it is none, or of another cluster.
 */
function taskId(reference: string, cluster: Cluster): string {
  const [name, id] = /:task\/(?:([^/]+)\/)?([^/]+)$/.exec(reference)?.slice(1) ?? [];
  if (id !== undefined) {
    if (name !== undefined && name !== cluster.name) {
      throw invalidParameter(`Invalid identifier: Identifier is for cluster ${name}. Your cluster is ${cluster.name}`);
    }
    if (name !== undefined && reference !== cluster.region.arn(`task/${name}/${id}`))
      throw invalidParameter('Invalid identifier: the ARN is of another Region or account.');
    return id;
  }
  if (reference.startsWith('arn:')) throw invalidParameter('Invalid identifier: the ARN is not of a task.');
  if (reference.length !== 32 && reference.length !== 36)
    throw invalidParameter('taskId length should be one of [32,36]');
  return reference;
}

const describe: Operation<{ cluster?: string; tasks: string[]; include?: string[] }> = (input, { region, world }) => {
  const cluster = region.cluster(input.cluster);
  const { tasks: references, include } = input;
  if (references.length === 0) throw invalidParameter('Tasks cannot be empty.');
  if (references.length > 100) throw invalidParameter('Tasks cannot have more than 100 elements.');
  const tags = include?.includes('TAGS') ?? false;
  const [tasks, failures]: [object[], object[]] = [[], []];
  for (const reference of new Set(references)) {
    const id = taskId(reference, cluster);
    const task = cluster.tasks.get(id);
    if (task && isVisible(task, world)) tasks.push(taskView(task, tags));
    else failures.push(missing(region.arn(`task/${cluster.name}/${id}`)));
  }
  return { tasks, failures };
};

interface ListInput {
  cluster?: string;
  containerInstance?: string;
  family?: string;
  nextToken?: string;
  maxResults?: number;
  startedBy?: string;
  serviceName?: string;
  desiredStatus?: 'RUNNING' | 'PENDING' | 'STOPPED';
  launchType?: string;
  daemonName?: string;
}

const list: Operation<ListInput> = (input, { region, world }) => {
  const cluster = region.cluster(input.cluster);
  const {
    containerInstance,
    family,
    startedBy,
    serviceName,
    desiredStatus = 'RUNNING',
    launchType,
    maxResults = 100,
  } = input;
  const others = [containerInstance, family, serviceName, input.desiredStatus, launchType, input.daemonName];
  if (startedBy !== undefined && others.some((filter) => filter !== undefined)) {
    throw invalidParameter('startedBy must be the only filter.');
  }
  if (maxResults < 1 || maxResults > 100) throw invalidParameter('maxResults must be between 1 and 100.');
  const after = afterToken(input.nextToken);
  const instanceId = containerInstance?.split('/').at(-1);
  const taskArns: string[] = [];
  let last = -1;
  // In order of creation, so a page goes on where the last one ended, whatever came or went in between.
  for (const task of cluster.tasks.values()) {
    if (task.ordinal <= after || !isVisible(task, world)) continue;
    // The service never sets a desired status of PENDING, as its reference says.
    if (task.desired !== desiredStatus) continue;
    if (startedBy !== undefined && task.startedBy !== startedBy) continue;
    if (family !== undefined && task.definition.family !== family) continue;
    if (instanceId !== undefined && task.instance?.id !== instanceId) continue;
    if (launchType !== undefined && launchType !== (task.capacity.kind === 'fargate' ? 'FARGATE' : 'MANAGED_INSTANCES'))
      continue;
    // Services and daemons start no tasks here.
    if (serviceName !== undefined || input.daemonName !== undefined) continue;
    if (taskArns.length === maxResults) return { taskArns, nextToken: `after-${last}` };
    taskArns.push(task.arn);
    last = task.ordinal;
  }
  return { taskArns };
};

function afterToken(token: string | undefined): number {
  if (token === undefined) return -1;
  const found = /^after-(\d{1,15})$/.exec(token)?.[1];
  if (found === undefined) throw invalidParameter('Invalid token: nextToken was not given by this operation.');
  return Number(found);
}

const stop: Operation<{ cluster?: string; task: string; reason?: string }> = (input, { region, world }) => {
  const cluster = region.cluster(input.cluster);
  const task = cluster.tasks.get(taskId(input.task, cluster));
  if (!task || !isVisible(task, world)) throw invalidParameter('The referenced task was not found.');
  task.tags = [];
  world.lifeCycle.stop(task, 'UserInitiated', input.reason ?? 'Task stopped by user');
  return { task: taskView(task, true) };
};

export const taskOperations: Readonly<Record<string, AnyOperation>> = {
  RunTask: runTask,
  DescribeTasks: describe,
  ListTasks: list,
  StopTask: stop,
};
