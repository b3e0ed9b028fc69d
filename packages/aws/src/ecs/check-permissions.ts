// SPDX-License-Identifier: Apache-2.0
import { toAppError } from '@stint/core/base';
import { failed, ok } from './checks.ts';
import type { AskedFor, Check } from './checks.ts';
import type { EcsClients } from './ecs-clients.ts';
import type { EcsConfig } from './ecs-config.ts';

/** Nothing has these names: what is asked of them tells only whether it may be asked. */
const nobody = { task: '0'.repeat(32), startedBy: 'stint/doctor/0', family: 'stint-doctor' };

/** The reads that following a task takes. What changes something can't be tried without doing it. */
export async function checkPermissions(
  clients: EcsClients,
  { cluster, logsGroup }: EcsConfig,
  asked: Omit<AskedFor, 'action'>,
): Promise<Check[]> {
  const [ecs, logs] = await Promise.all([import('@aws-sdk/client-ecs'), import('@aws-sdk/client-cloudwatch-logs')]);
  const reads: [action: string, send: () => Promise<unknown>][] = [
    ['ecs:DescribeTasks', () => clients.ecs.send(new ecs.DescribeTasksCommand({ cluster, tasks: [nobody.task] }))],
    ['ecs:ListTasks', () => clients.ecs.send(new ecs.ListTasksCommand({ cluster, startedBy: nobody.startedBy }))],
    [
      'ecs:DescribeTaskDefinition',
      () => clients.ecs.send(new ecs.DescribeTaskDefinitionCommand({ taskDefinition: nobody.family })),
    ],
    [
      'logs:GetLogEvents',
      () => clients.logs.send(new logs.GetLogEventsCommand({ logGroupName: logsGroup, logStreamName: nobody.family })),
    ],
  ];
  const checks = await Promise.all(
    reads.map(async ([action, send]): Promise<Check | []> => {
      try {
        await clients.call('describe', action.split(':')[1] ?? action, send);
        return [];
      } catch (e) {
        return toAppError(e).code === 'PERMISSION_DENIED' ? failed('permissions', e, { ...asked, action }) : [];
      }
    }),
  );
  const denied = checks.flat();
  const untried = 'ecs:RunTask, ecs:StopTask, ecs:RegisterTaskDefinition and iam:PassRole can only be tried by a task';
  return denied.length > 0 ? denied : [ok('permissions', `tasks and their output may be read; ${untried}`)];
}
