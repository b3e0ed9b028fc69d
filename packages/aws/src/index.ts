// SPDX-License-Identifier: Apache-2.0
export { createBedrockProvider } from './bedrock.ts';
export type { BedrockOptions } from './bedrock.ts';
