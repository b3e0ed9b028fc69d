// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Task } from '@aws-sdk/client-ecs';
import { describeEnd, outcomeTable } from '@stint/core/tasks';
import { endOfTask } from './outcomes.ts';

interface Row {
  what: string;
  task: Partial<Omit<Task, 'stopCode'>> & { stopCode?: string };
  spot?: boolean;
  code: string;
  exitCode: number | null;
}
const main = (exitCode: number | undefined, reason?: string) => ({
  containers: [{ name: 'main', ...(exitCode !== undefined && { exitCode }), ...(reason !== undefined && { reason }) }],
});
const exited = { stopCode: 'EssentialContainerExited', stoppedReason: 'Essential container in task exited' };
const failed = (stoppedReason: string) => ({ stopCode: 'TaskFailedToStart', stoppedReason, ...main(undefined) });

const rows: Row[] = [
  { what: 'exit 0', task: { ...exited, ...main(0) }, code: 'COMPLETED', exitCode: 0 },
  { what: 'exit 3', task: { ...exited, ...main(3) }, code: 'NONZERO_EXIT', exitCode: 3 },
  { what: 'a SIGKILL without a reason', task: { ...exited, ...main(137) }, code: 'NONZERO_EXIT', exitCode: 137 },
  {
    what: 'out of memory',
    task: { ...exited, ...main(137, 'OutOfMemoryError: Container killed due to memory usage') },
    code: 'OUT_OF_MEMORY',
    exitCode: 137,
  },
  {
    what: 'Fargate Spot, exit 0',
    task: { stopCode: 'SpotInterruption', stoppedReason: 'Your Spot Task was interrupted.', ...main(0) },
    spot: true,
    code: 'SPOT_RECLAIM',
    exitCode: 0,
  },
  {
    what: 'Fargate Spot without a stop code',
    task: { stoppedReason: 'Your Spot Task was interrupted.', ...main(143) },
    spot: true,
    code: 'SPOT_RECLAIM',
    exitCode: 143,
  },
  {
    what: 'no Spot capacity at the start',
    task: { stopCode: 'SpotInterruption', ...main(undefined) },
    spot: true,
    code: 'SPOT_RECLAIM',
    exitCode: null,
  },
  {
    what: 'host lost on Spot',
    task: { stoppedReason: 'Host EC2 (instance i-0123) terminated.', ...main(undefined) },
    spot: true,
    code: 'SPOT_RECLAIM',
    exitCode: null,
  },
  {
    what: 'host lost on-demand',
    task: { stoppedReason: 'Host EC2 (instance i-0123) terminated.', ...main(undefined) },
    code: 'HOST_LOST',
    exitCode: null,
  },
  {
    what: 'auto repair',
    task: { stopCode: 'InfrastructureHealth', ...main(undefined) },
    code: 'HOST_LOST',
    exitCode: null,
  },
  {
    what: 'StopTask',
    task: { stopCode: 'UserInitiated', stoppedReason: 'enough', ...main(0) },
    code: 'STOPPED_BY_OTHER',
    exitCode: 0,
  },
  {
    what: 'image not found',
    task: failed(
      'CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/x: not found',
    ),
    code: 'IMAGE_NOT_FOUND',
    exitCode: null,
  },
  {
    what: 'image denied',
    task: failed('CannotPullContainerError: pull access denied for x, repository does not exist'),
    code: 'IMAGE_ACCESS_DENIED',
    exitCode: null,
  },
  {
    what: 'pull rate limit',
    task: failed('CannotPullContainerError: 429 Too Many Requests - toomanyrequests'),
    code: 'IMAGE_RATE_LIMITED',
    exitCode: null,
  },
  {
    what: 'wrong architecture',
    task: failed(
      "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
    ),
    code: 'IMAGE_WRONG_ARCHITECTURE',
    exitCode: null,
  },
  {
    what: 'no space',
    task: failed('CannotPullContainerError: failed to extract layer: no space left on device'),
    code: 'IMAGE_NO_SPACE',
    exitCode: null,
  },
  {
    what: 'pull time-out',
    task: failed('CannotPullContainerError: dial tcp: i/o timeout'),
    code: 'IMAGE_PULL_FAILED',
    exitCode: null,
  },
  {
    what: 'secrets',
    task: failed('ResourceInitializationError: unable to pull secrets or registry auth'),
    code: 'RESOURCE_INITIALIZATION',
    exitCode: null,
  },
  {
    what: 'network interface',
    task: failed('Timeout waiting for network interface provisioning to complete.'),
    code: 'RESOURCE_INITIALIZATION',
    exitCode: null,
  },
  {
    what: 'bad command',
    task: failed('CannotStartContainerError: OCI runtime create failed: executable file not found in $PATH'),
    code: 'BAD_COMMAND',
    exitCode: null,
  },
  {
    what: 'bad command with a code',
    task: { ...exited, ...main(127, 'OCI runtime create failed: executable file not found') },
    code: 'BAD_COMMAND',
    exitCode: 127,
  },
  {
    what: 'no resources',
    task: failed('TaskFailedToStart: RESOURCE:MEMORY'),
    code: 'CAPACITY_UNAVAILABLE',
    exitCode: null,
  },
  {
    what: 'no instances',
    task: failed('TaskFailedToStart: InsufficientInstanceCapacity: request id 1'),
    code: 'CAPACITY_UNAVAILABLE',
    exitCode: null,
  },
  {
    what: 'vCPU quota, typographic apostrophe',
    task: failed('You’ve reached the limit on the number of vCPUs you can run concurrently'),
    code: 'QUOTA_EXCEEDED',
    exitCode: null,
  },
  {
    what: 'EC2 quota',
    task: failed('VcpuLimitExceeded: You have requested more vCPU capacity'),
    code: 'QUOTA_EXCEEDED',
    exitCode: null,
  },
  {
    what: 'constraint',
    task: failed('TaskFailedToStart: MemberOf placement constraint unsatisfied'),
    code: 'REFUSED',
    exitCode: null,
  },
  {
    what: 'EC2 Spot quota',
    task: failed('MaxSpotInstanceCountExceeded: You have requested more vCPU capacity than your current vCPU limit'),
    spot: true,
    code: 'QUOTA_EXCEEDED',
    exitCode: null,
  },
  { what: 'nothing said', task: main(undefined), code: 'UNKNOWN', exitCode: null },
  { what: 'no containers told', task: { ...exited }, code: 'UNKNOWN', exitCode: null },
  {
    what: 'a reclaim of Managed Instances told as a notice, exit 0',
    task: { stopCode: 'TerminationNotice', stoppedReason: 'Host EC2 (instance i-0123) stopped.', ...main(0) },
    spot: true,
    code: 'SPOT_RECLAIM',
    exitCode: 0,
  },
  {
    what: 'a host lost on-demand, exit 0 of a trapped SIGTERM',
    task: { stopCode: 'TerminationNotice', stoppedReason: 'Host EC2 (instance i-0123) terminated.', ...main(0) },
    code: 'HOST_LOST',
    exitCode: 0,
  },
  {
    what: 'a host lost before the start',
    task: failed('Host EC2 (instance i-0123) terminated.'),
    code: 'HOST_LOST',
    exitCode: null,
  },
  {
    what: 'Fargate maintenance without a stop code',
    task: {
      stoppedReason: 'ECS is performing maintenance on the underlying infrastructure hosting the task.',
      ...main(143),
    },
    code: 'HOST_LOST',
    exitCode: 143,
  },
  {
    what: 'StopTask with a reason that reads like a reclaim',
    task: { stopCode: 'UserInitiated', stoppedReason: 'instance deregistered', ...main(143) },
    spot: true,
    code: 'STOPPED_BY_OTHER',
    exitCode: 143,
  },
  {
    what: 'StopTask before the start',
    task: { stopCode: 'UserInitiated', stoppedReason: 'enough', ...main(undefined) },
    code: 'STOPPED_BY_OTHER',
    exitCode: null,
  },
  {
    what: 'out of memory told of the task only',
    task: { stopCode: 'EssentialContainerExited', stoppedReason: 'OutOfMemoryError: Container killed', ...main(137) },
    code: 'OUT_OF_MEMORY',
    exitCode: 137,
  },
  ...[126, 127, 128].map((exitCode) => ({
    what: `could not be started, ${exitCode}`,
    task: { ...exited, ...main(exitCode, 'CannotStartContainerError: exec: "nope": executable file not found') },
    code: 'BAD_COMMAND',
    exitCode,
  })),
  { what: 'a shell that found no program', task: { ...exited, ...main(127) }, code: 'NONZERO_EXIT', exitCode: 127 },
  {
    what: 'a missing device',
    task: failed('CannotCreateContainerError: error gathering device information while adding device "/dev/fuse"'),
    code: 'BAD_COMMAND',
    exitCode: null,
  },
  {
    what: 'a runtime that hangs',
    task: failed('ContainerRuntimeTimeoutError: Could not transition to started; timed out after waiting 3m0s'),
    code: 'BAD_COMMAND',
    exitCode: null,
  },
  {
    what: 'a pull that failed, of an image whose digest has 403 and 404 in it',
    task: failed('CannotPullContainerError: failed to resolve ref x@sha256:a403b404c: dial tcp: i/o timeout'),
    code: 'IMAGE_PULL_FAILED',
    exitCode: null,
  },
  {
    what: 'a pull with 403',
    task: failed('CannotPullContainerError: unexpected status from HEAD request: 403 Forbidden'),
    code: 'IMAGE_ACCESS_DENIED',
    exitCode: null,
  },
  {
    what: 'a pull that was given up',
    task: failed('CannotPullContainerError: ref pull has been retried 5 time(s): context canceled'),
    code: 'IMAGE_PULL_FAILED',
    exitCode: null,
  },
  {
    what: 'a log group that is not there',
    task: failed('ResourceInitializationError: failed to validate logger args: The task cannot find the log group'),
    code: 'RESOURCE_INITIALIZATION',
    exitCode: null,
  },
  {
    what: 'a volume',
    task: failed('ResourceInitializationError: unable to attach EBS volume'),
    code: 'RESOURCE_INITIALIZATION',
    exitCode: null,
  },
  {
    what: 'ephemeral storage',
    task: failed('Timeout waiting for EphemeralStorage provisioning to complete.'),
    code: 'RESOURCE_INITIALIZATION',
    exitCode: null,
  },
  ...[
    'RESOURCE:CPU',
    'RESOURCE:GPU',
    'RESOURCE:ENI',
    'TaskFailedToStart: AGENT',
    'TaskFailedToStart: NO ACTIVE INSTANCES',
    'TaskFailedToStart: EMPTY CAPACITY PROVIDER',
    'TaskFailedToStart: timed out waiting for capacity',
    'UnfulfillableCapacity: Unable to fulfill capacity',
    'Capacity is unavailable at this time. Please try again later or in a different availability zone',
  ].map((reason) => ({ what: reason, task: failed(reason), code: 'CAPACITY_UNAVAILABLE', exitCode: null })),
  { what: 'attribute', task: failed('TaskFailedToStart: ATTRIBUTE'), code: 'REFUSED', exitCode: null },
  {
    what: 'an infrastructure role without rights',
    task: failed('UnauthorizedOperation: You are not authorized to perform this operation. Request ID: 1'),
    code: 'ACCESS_DENIED',
    exitCode: null,
  },
];

test.each(rows)('$what → $code, exit code $exitCode', ({ task, spot = false, code, exitCode }) => {
  const end = endOfTask({ lastStatus: 'STOPPED', ...task } as Task, { spot });
  expect(end).toMatchObject({ code, exitCode, raw: { stopCode: task.stopCode ?? null, exitCode } });
  const { sentence, hint, retry } = describeEnd(end);
  expect(sentence).toMatch(/^[A-Z].*\.$/);
  expect(hint).toEqual(code === 'COMPLETED' ? null : expect.stringMatching(/^[A-Z].*\.$/));
  expect(retry).toBe(retried.includes(code));
});

/** Codes with which the same request may well succeed when it is sent again. */
const retried = [
  'SPOT_RECLAIM',
  'HOST_LOST',
  'CAPACITY_UNAVAILABLE',
  'QUOTA_EXCEEDED',
  'IMAGE_RATE_LIMITED',
  'IMAGE_PULL_FAILED',
  'STOPPED_BY_OTHER',
];

test('every outcome that ECS can tell of has a row; the others are made by the engine', () => {
  const made = ['SPOT_ATTEMPTS_EXHAUSTED', 'START_DEADLINE', 'TIME_LIMIT', 'CANCELED'];
  expect(new Set([...rows.map((r) => r.code), ...made])).toEqual(new Set(Object.keys(outcomeTable)));
});

test.each([
  [8, 'mi', /replaced after 14 to 21 days/],
  [6, 'mi', /^Send it again/],
  [8, 'FARGATE', /^Send it again/],
])('a host lost after %i days on %s', (days, capacityProviderName, says) => {
  const [startedAt, stoppedAt] = [new Date(0), new Date(days * 86_400_000)];
  const task = {
    stopCode: 'TerminationNotice',
    capacityProviderName,
    startedAt,
    stoppedAt,
    ...main(undefined),
  } as Task;
  expect(describeEnd(endOfTask(task, { spot: false })).hint).toMatch(says);
});
