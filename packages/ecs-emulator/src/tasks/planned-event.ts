// SPDX-License-Identifier: Apache-2.0
import * as words from '../faults/stop-reasons.ts';
import type { NoCapacity, PullError, TaskEvent } from '../faults/task-event.ts';
import type { LifeCycle } from './life-cycle.ts';
import type { Task } from './task.ts';

/** Lets what the fault script planned for a task come about. */
export function happen(lifeCycle: LifeCycle, task: Task, event: TaskEvent): void {
  const first = task.containers[0];
  switch (event.event) {
    case 'stuck':
      task.stuck = true;
      return;
    case 'vanish':
      lifeCycle.vanish(task);
      return;
    case 'spotReclaim':
      lifeCycle.reclaim(task);
      return;
    case 'hostLost':
      lifeCycle.hostLost(task);
      return;
    case 'outOfMemory':
      lifeCycle.outOfMemory(task);
      return;
    case 'noCapacity':
      noCapacity(lifeCycle, task, (event.kind ?? 'insufficient') as NoCapacity);
      return;
    case 'pullError':
      if (first) {
        first.reason = words.pullErrorReason((event.kind ?? 'notFound') as PullError, first.definition.image);
        lifeCycle.stop(task, 'TaskFailedToStart', first.reason);
      }
      return;
    case 'resourceInit':
      lifeCycle.stop(task, 'TaskFailedToStart', words.resourceInitReason(words.SECRETS_UNREACHABLE));
      return;
    case 'badCommand':
      if (first) {
        const { command, entryPoint } = first.definition;
        const program = (entryPoint ?? first.override?.command ?? command)?.[0] ?? 'sh';
        first.reason = words.badCommandReason(program);
        first.exitCode = event.exitCode;
        lifeCycle.stop(task, 'TaskFailedToStart', first.reason);
      }
      return;
    default:
      event.event satisfies never;
  }
}

function noCapacity(lifeCycle: LifeCycle, task: Task, kind: NoCapacity): void {
  const { capacity } = task;
  if (capacity.kind === 'managed') {
    const type = capacity.provider.types[0]?.name ?? 'm7i.large';
    lifeCycle.stop(task, 'TaskFailedToStart', words.noInstanceReason(kind, type));
  } else if (capacity.spot && kind === 'insufficient') {
    // Documented so: no Spot capacity at the start looks like an interruption.
    lifeCycle.stop(task, 'SpotInterruption', words.SPOT_INTERRUPTED);
  } else if (kind === 'vcpuQuota') {
    lifeCycle.stop(task, 'TaskFailedToStart', words.FARGATE_VCPU_QUOTA);
  } else if (kind === 'timeout') {
    lifeCycle.stop(task, 'TaskFailedToStart', 'Timeout waiting for network interface provisioning to complete.');
  } else {
    lifeCycle.stop(task, 'TaskFailedToStart', words.FARGATE_NO_CAPACITY);
  }
}
