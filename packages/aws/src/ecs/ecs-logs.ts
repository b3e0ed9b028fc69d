// SPDX-License-Identifier: Apache-2.0
import { AppError, toAppError } from '@stint/core/base';
import type { TaskLogPage } from '@stint/core';
import type { EcsClients } from './ecs-clients.ts';
import { nameOfError } from './ecs-errors.ts';

/** The log group that tasks write to, with its retention; what may not be made is left to whoever may. */
export async function ensureLogGroup(clients: EcsClients, group: string, days: number): Promise<void> {
  const { CreateLogGroupCommand, PutRetentionPolicyCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  try {
    await clients.call('cluster', 'CreateLogGroup', () =>
      clients.logs.send(new CreateLogGroupCommand({ logGroupName: group })),
    );
  } catch (e) {
    // It exists: its retention is whoever's made it. Or it can't be made by us: a task that finds none will say so.
    if (nameOfError(toAppError(e)) === 'ResourceAlreadyExistsException' || isDenied(e)) return;
    throw e;
  }
  try {
    await clients.call('cluster', 'PutRetentionPolicy', () =>
      clients.logs.send(new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays: days })),
    );
  } catch (e) {
    if (!isDenied(e) && nameOfError(toAppError(e)) !== 'OperationAbortedException') throw e;
  }
}

const isDenied = (e: unknown): boolean => toAppError(e).code === 'PERMISSION_DENIED';

/** One page of a stream. A stream that is not there yet is empty: it is made with the first line. */
export async function readStream(
  clients: EcsClients,
  group: string,
  stream: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<TaskLogPage> {
  const { GetLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const input = {
    logGroupName: group,
    logStreamName: stream,
    startFromHead: true,
    ...(cursor !== null && { nextToken: cursor }),
  };
  try {
    const page = await clients.call(
      'logs',
      'GetLogEvents',
      () => clients.logs.send(new GetLogEventsCommand(input), { abortSignal: signal }),
      signal,
    );
    // It has one at the end of a stream, too: without it the page would be read again, and again.
    if (page.nextForwardToken === undefined)
      throw new AppError('UNAVAILABLE', 'UNREADABLE', 'GetLogEvents: its answer has no nextForwardToken');
    const lines = (page.events ?? []).map((e) => ({
      stream: 'stdout' as const,
      text: e.message ?? '',
      atMs: e.timestamp ?? null,
    }));
    return { lines, cursor: page.nextForwardToken, end: false };
  } catch (e) {
    if (toAppError(e).code === 'NOT_FOUND') return { lines: [], cursor, end: false };
    throw e;
  }
}
