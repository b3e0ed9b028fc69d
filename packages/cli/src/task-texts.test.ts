// SPDX-License-Identifier: Apache-2.0
import type { TaskView } from '@stint/runtime/tasks';
import { expect, test } from 'vitest';
import { taskText } from './task-texts.ts';

test('task get prints the command that opens a shell in a running attempt', () => {
  const attempt = {
    attempt: 1,
    start_time: null,
    end_time: null,
    logs: [{ start_time: null, end_time: null, exit_code: null }],
    metadata: { capacity: 'mi', market: 'onDemand', exec_command: 'aws ecs execute-command --task arn' },
    system_logs: [],
    outcome: null,
  };
  const view: TaskView = {
    id: '01J',
    state: 'RUNNING',
    creation_time: '',
    executors: [],
    resources: { cpu_cores: 1, ram_gb: 2 },
    tags: {},
    logs: [attempt],
    waiting_for: null,
    outcome: null,
  };
  expect(taskText(view)).toBe(
    [
      'task 01J: RUNNING',
      '  attempt 1 on mi, onDemand: not ended',
      '  a shell in it: aws ecs execute-command --task arn',
      '',
    ].join('\n'),
  );
});

const ended = (code: string, raw: Record<string, unknown>): TaskView => ({
  id: '01J',
  state: 'SYSTEM_ERROR',
  creation_time: '',
  executors: [],
  resources: { cpu_cores: 1, ram_gb: 2 },
  tags: {},
  logs: [],
  waiting_for: null,
  outcome: { code: code, sentence: 'It ended.', hint: null, retry: false, raw },
});

test.each<[string, Record<string, unknown>, string | null]>([
  ['a reason', { reason: 'no such program' }, 'no such program'],
  [
    'ECS of the task',
    { stoppedReason: 'CannotPullContainerError: denied', containerReason: null },
    'CannotPullContainerError: denied',
  ],
  [
    'ECS of the container',
    { stoppedReason: 'Task failed to start', containerReason: 'OutOfMemoryError: x' },
    'OutOfMemoryError: x',
  ],
  ['what every command ends with', { stoppedReason: 'Essential container in task exited', exitCode: 3 }, null],
  ['what we said ourselves', { stoppedReason: 'stint: time limit reached' }, null],
  ['nothing', { stoppedReason: null }, null],
])('what the backend said is told: %s', (_what, raw, said) => {
  const lines = taskText(ended('UNKNOWN', raw)).split('\n');
  expect(lines.filter((line) => line.startsWith('  It said: '))).toEqual(said === null ? [] : [`  It said: ${said}`]);
});
