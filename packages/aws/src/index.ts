// SPDX-License-Identifier: Apache-2.0
export { createBedrockProvider } from './bedrock.ts';
export type { BedrockOptions } from './bedrock.ts';
export { createEcsCompute } from './ecs/ecs-compute.ts';
export type { EcsComputeOptions } from './ecs/ecs-compute.ts';
export { ecsConfigSchema, readEcsConfig } from './ecs/ecs-config.ts';
export type { EcsConfig } from './ecs/ecs-config.ts';
