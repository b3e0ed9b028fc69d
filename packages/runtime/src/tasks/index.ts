// SPDX-License-Identifier: Apache-2.0
export { supervise } from './supervisor.ts';
export * from './task-commands.ts';
export type { TaskRequest } from './task-request.ts';
export type { TaskView } from '@stint/core';
