// SPDX-License-Identifier: Apache-2.0
// What every adapter needs: errors, JSON, numbers, time, engines. No library is loaded for it.
export * from './digits.ts';
export * from './errors.ts';
export * from './json.ts';
export * from './lines.ts';
export * from './pause.ts';
export * from './ports/clock.ts';
export * from './ports/container-engine.ts';
