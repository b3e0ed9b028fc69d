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
