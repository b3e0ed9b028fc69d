// SPDX-License-Identifier: Apache-2.0
export { callLogContract } from './call-log-contract.ts';
export { contractSuite } from './contract-suite.ts';
export type { Skips } from './contract-suite.ts';
export { jobStoreContract } from './job-store-contract.ts';
export { objectStoreContract } from './object-store-contract.ts';
export type { ObjectStoreHarness } from './object-store-contract.ts';
export type { StateHarness } from './state-harness.ts';
export { taskStoreContract } from './task-store-contract.ts';
export { containerEngineContract } from './container-engine-contract.ts';
export { computeContract } from './compute-contract.ts';
export type { ComputeHarness } from './compute-contract.ts';
export { containerSpec, taskSpec } from './specimens.ts';
export { startsContainers, testImage } from './real-containers.ts';
export { seededRandom } from './task-harness.ts';
