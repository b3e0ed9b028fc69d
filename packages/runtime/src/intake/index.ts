// SPDX-License-Identifier: Apache-2.0
export { compareWithFrozen, withRunSettings } from './compare.ts';
export type { WhatRan } from './compare.ts';
export { freezeInputs, frozenInputsMissing, readFrozen } from './freeze.ts';
export { loadJob, samplesDir } from './load-job.ts';
export type { LoadedJob, LoadOptions } from './load-job.ts';
export { badInput, problemText } from './problems.ts';
export { readTemplate } from './read-template.ts';
export type { LoadedTemplate } from './read-template.ts';
export { checkSeeds, resolveSeedPath, seedRows } from './read-seeds.ts';
export type { RawRow, SeedSummary } from './read-seeds.ts';
export { readText, readYamlFile } from './yaml-file.ts';
