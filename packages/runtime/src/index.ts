// SPDX-License-Identifier: Apache-2.0
export * from './commands.ts';
export { exitCodeOfError, exitCodeOfRun } from './exit-codes.ts';
export { generate } from './generate.ts';
export { cancel, exportDataset, resume, status } from './job-commands.ts';
export { plan } from './plan.ts';
export type { Pilot, Plan } from './plan.ts';
export { checkTemplate, renderTemplate } from './template-commands.ts';
export type { TemplateCheck, TemplateRender } from './template-commands.ts';
export type { Damage } from './verify/findings.ts';
export { verify } from './verify/verify.ts';
export type { VerifyResult } from './verify/verify.ts';
export { modelsAdd, modelsList, modelsPull } from './models-commands.ts';
export type { ModelHere, ModelList } from './models-commands.ts';
