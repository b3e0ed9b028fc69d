// SPDX-License-Identifier: Apache-2.0
export * from './openai.ts';
export * from './rehearsal.ts';
export * from './replay.ts';
