// SPDX-License-Identifier: Apache-2.0
export { createBedrockProvider } from './bedrock.ts';
export type { BedrockOptions } from './bedrock.ts';
export { createEcsCompute } from './ecs/ecs-compute.ts';
export type { EcsComputeOptions } from './ecs/ecs-compute.ts';
export { ecsConfigSchema, readEcsConfig } from './ecs/ecs-config.ts';
export type { EcsConfig } from './ecs/ecs-config.ts';
export { createCapacity, listCapacity, planCapacity } from './ecs/capacity.ts';
export type { CapacityPlan, CreatedCapacity } from './ecs/capacity.ts';
export type { CapacityView } from './ecs/capacity-view.ts';
export { checkEcs } from './ecs/check-ecs.ts';
export type { Check } from './ecs/checks.ts';
