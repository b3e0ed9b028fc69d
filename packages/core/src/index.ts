// SPDX-License-Identifier: Apache-2.0
export * from './errors.ts';
export * from './json.ts';
export * from './ports/clock.ts';
export * from './ports/model-provider.ts';
export * from './ports/object-store.ts';
export * from './formats/common.ts';
export * from './formats/job.ts';
export * from './formats/job-checkpoint.ts';
export * from './formats/manifest.ts';
export * from './formats/record.ts';
export * from './formats/report-data.ts';
export * from './formats/shard-checkpoint.ts';
export * from './ports/call-log.ts';
export * from './ports/call-log-rules.ts';
export * from './ports/job-store.ts';
export * from './ports/seed-source.ts';
