// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Task } from '@aws-sdk/client-ecs';
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
  { what: 'nothing said', task: main(undefined), code: 'UNKNOWN', exitCode: null },
];

test.each(rows)('$what → $code, exit code $exitCode', ({ task, spot = false, code, exitCode }) => {
  expect(endOfTask({ lastStatus: 'STOPPED', ...task } as Task, { spot })).toMatchObject({ code, exitCode });
});

test('past seven days the hint names instance retirement', () => {
  const startedAt = new Date(0);
  const stoppedAt = new Date(8 * 86_400_000);
  const task = { stopCode: 'TerminationNotice', startedAt, stoppedAt, ...main(undefined) } as Task;
  expect(endOfTask(task, { spot: false }).hint).toMatch(/replaced after 14 to 21 days/);
});
