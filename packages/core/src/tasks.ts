// SPDX-License-Identifier: Apache-2.0
// Container tasks, without the jobs that generate datasets and their template language.
export * from './base.ts';
export * from './ports/compute.ts';
export * from './ports/task-store.ts';
export * from './task/offers.ts';
export * from './task/outcome-codes.ts';
export * from './task/states.ts';
export * from './task/task-document.ts';
export * from './task/task-spec.ts';
export * from './task/wants.ts';
export * from './task/after-attempt.ts';
export * from './task/task-machine.ts';
export * from './task/token-bucket.ts';
export * from './task/ulid.ts';
export * from './task/task-engine.ts';
export * from './task/choose-offer.ts';
export * from './task/tes-view.ts';
export * from './task/quantities.ts';
