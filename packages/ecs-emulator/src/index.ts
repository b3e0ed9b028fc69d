// SPDX-License-Identifier: Apache-2.0
export { createEmulator } from './emulator.ts';
export type { Emulator, EmulatorOptions } from './options.ts';
export { checkFaultScript, faultScriptSchema, readFaultScript } from './faults/fault-script.ts';
export type { FaultScript, FaultScriptFile } from './faults/fault-script.ts';
export { AWS_RATES } from './world/rates.ts';
export type { Rate, RateName } from './world/rates.ts';
export { DELAYS, QUOTAS } from './world/settings.ts';
export type { Delays, Quotas } from './world/settings.ts';
