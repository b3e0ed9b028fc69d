// SPDX-License-Identifier: Apache-2.0
import type { Task } from '@aws-sdk/client-ecs';
import type { AttemptEnd, OutcomeCode } from '@stint/core';

/** What the table needs to know of where a task ran. */
export interface RanOn {
  /** It ran on Spot capacity. */
  spot: boolean;
}

/**
 * ECS has text only for why a task did not start. Each pattern: from which text, and the outcome.
 * Sources: Amazon ECS developer guide, "Stopped tasks error codes" and "API failure reasons".
 */
const reasons: readonly [pattern: RegExp, code: OutcomeCode][] = [
  [/no space left on device/i, 'IMAGE_NO_SPACE'],
  [/does not contain descriptor matching platform|no matching manifest|exec format error/i, 'IMAGE_WRONG_ARCHITECTURE'],
  [/CannotPull.*(?:toomanyrequests|rate limit|429 too many)/is, 'IMAGE_RATE_LIMITED'],
  // Whole numbers only: a digest has any digits.
  [/CannotPull.*(?:denied|unauthorized|no basic auth|forbidden|\b403\b)/is, 'IMAGE_ACCESS_DENIED'],
  [/CannotPull.*(?:not found|manifest unknown|does not exist|\b404\b)/is, 'IMAGE_NOT_FOUND'],
  [/CannotPull/i, 'IMAGE_PULL_FAILED'],
  [/limit on the number of vCPUs|VcpuLimitExceeded|MaxSpotInstanceCountExceeded/i, 'QUOTA_EXCEEDED'],
  [
    /RESOURCE:|Capacity is unavailable|InsufficientInstanceCapacity|UnfulfillableCapacity|timed out waiting for capacity|EMPTY CAPACITY PROVIDER|NO ACTIVE INSTANCES|: AGENT/i,
    'CAPACITY_UNAVAILABLE',
  ],
  [/UnauthorizedOperation/i, 'ACCESS_DENIED'],
  [/MemberOf placement constraint unsatisfied|ATTRIBUTE/i, 'REFUSED'],
  [
    /ResourceInitializationError|Timeout waiting for|Rate limit exceeded while preparing network interface|unable to attach EBS/i,
    'RESOURCE_INITIALIZATION',
  ],
  [/CannotStartContainer|CannotCreateContainer|ContainerRuntime|executable file not found|OCI runtime/i, 'BAD_COMMAND'],
];

const sevenDaysMs = 7 * 86_400_000;
const retired = 'Managed instances are replaced after 14 to 21 days: split the task, or let it save its progress.';

/** The outcome of a STOPPED task from its real shape. Exit code null stays null. */
export function endOfTask(task: Task, { spot }: RanOn): AttemptEnd {
  const container = (task.containers ?? []).find((c) => c.name === 'main') ?? task.containers?.[0];
  const exitCode = container?.exitCode ?? null;
  const stopped = task.stoppedReason ?? '';
  const said = container?.reason ?? '';
  const raw = {
    stopCode: task.stopCode ?? null,
    stoppedReason: task.stoppedReason ?? null,
    containerReason: container?.reason ?? null,
    exitCode,
    lastStatus: task.lastStatus ?? null,
  };
  const end = (code: OutcomeCode, hint?: string): AttemptEnd => ({
    code,
    exitCode,
    raw,
    ...(hint !== undefined && { hint }),
  });

  // What StopTask was told is the reason then, whatever it reads like.
  if (task.stopCode === 'UserInitiated') return end('STOPPED_BY_OTHER');
  // Before the exit code: a task that traps SIGTERM may exit with 0 when it is taken back.
  const hostGone =
    /^Host EC2 \(instance .*\) (?:terminated|stopped)|deregistered|maintenance on the underlying infrastructure/i.test(
      stopped,
    );
  if (task.stopCode === 'SpotInterruption' || /^Your Spot Task was interrupted/i.test(stopped))
    return end('SPOT_RECLAIM');
  if (task.stopCode === 'TerminationNotice' || hostGone || (task.stopCode as string) === 'InfrastructureHealth') {
    if (spot) return end('SPOT_RECLAIM');
    const ranMs = (task.stoppedAt?.getTime() ?? 0) - (task.startedAt?.getTime() ?? Infinity);
    const managed = !/^FARGATE/.test(task.capacityProviderName ?? task.launchType ?? '');
    return managed && ranMs > sevenDaysMs ? end('HOST_LOST', retired) : end('HOST_LOST');
  }
  if (/OutOfMemory/i.test(said) || /OutOfMemory/i.test(stopped)) return end('OUT_OF_MEMORY');
  if (task.stopCode !== 'TaskFailedToStart' && exitCode !== null) {
    const started =
      /CannotStartContainer|executable file not found|OCI runtime/i.test(said) && exitCode >= 126 && exitCode <= 128;
    if (started) return end('BAD_COMMAND');
    return end(exitCode === 0 ? 'COMPLETED' : 'NONZERO_EXIT');
  }
  const text = `${said}\n${stopped}`;
  const known = reasons.find(([pattern]) => pattern.test(text));
  if (known) return end(known[1]);
  return end(exitCode === null ? 'UNKNOWN' : exitCode === 0 ? 'COMPLETED' : 'NONZERO_EXIT');
}
