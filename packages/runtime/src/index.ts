// SPDX-License-Identifier: Apache-2.0
// Every command, each loaded when it is called: what a program loads is most of the time that it takes to start.
import type * as Generating from './generate.ts';
import type * as Jobs from './job-commands.ts';
import type * as Models from './models-commands.ts';
import type * as Planning from './plan.ts';
import type * as Resuming from './resume.ts';
import type * as Templates from './template-commands.ts';
import type * as Verifying from './verify/verify.ts';

export * from './commands.ts';
export { exitCodeOfError, exitCodeOfRun } from './exit-codes.ts';
export type { ModelHere, ModelList } from './models-commands.ts';
export type { Pilot, Plan } from './plan.ts';
export type { TemplateCheck, TemplateRender } from './template-commands.ts';
export type { Damage } from './verify/findings.ts';
export type { VerifyResult } from './verify/verify.ts';

export const generate: typeof Generating.generate = async (o) => (await import('./generate.ts')).generate(o);
export const resume: typeof Resuming.resume = async (o) => (await import('./resume.ts')).resume(o);
export const plan: typeof Planning.plan = async (o) => (await import('./plan.ts')).plan(o);
export const verify: typeof Verifying.verify = async (o) => (await import('./verify/verify.ts')).verify(o);

const jobs = () => import('./job-commands.ts');
export const cancel: typeof Jobs.cancel = async (o) => (await jobs()).cancel(o);
export const exportDataset: typeof Jobs.exportDataset = async (o) => (await jobs()).exportDataset(o);
export const status: typeof Jobs.status = async (o) => (await jobs()).status(o);

const templates = () => import('./template-commands.ts');
export const checkTemplate: typeof Templates.checkTemplate = async (o) => (await templates()).checkTemplate(o);
export const renderTemplate: typeof Templates.renderTemplate = async (o) => (await templates()).renderTemplate(o);

const models = () => import('./models-commands.ts');
export const modelsAdd: typeof Models.modelsAdd = async (o) => (await models()).modelsAdd(o);
export const modelsList: typeof Models.modelsList = async (o) => (await models()).modelsList(o);
export const modelsPull: typeof Models.modelsPull = async (o) => (await models()).modelsPull(o);
