// SPDX-License-Identifier: Apache-2.0
export * from './commands.ts';
export { exitCodeOfError, exitCodeOfRun } from './exit-codes.ts';
export { generate } from './generate.ts';
export { cancel, exportDataset, resume, status } from './job-commands.ts';
