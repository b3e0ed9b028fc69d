// SPDX-License-Identifier: Apache-2.0
export { openTasks } from './open-tasks.ts';
export type { NewTask, OpenTasksOptions, TaskOutputLine, Tasks } from './open-tasks.ts';
export { supervise } from './supervisor.ts';
export * from './task-commands.ts';
export type { TaskRequest } from './task-request.ts';
export type { TaskSettingsInput } from './settings-file.ts';
export { isAppError } from '@stint/core/base';
export type { TaskView } from '@stint/core';
export * from './capacity-commands.ts';
export * from './doctor.ts';
