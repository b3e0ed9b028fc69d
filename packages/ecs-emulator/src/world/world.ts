// SPDX-License-Identifier: Apache-2.0
import type { Clock, ContainerEngine } from '@stint/core';
import type { CallFault, FaultRunner } from '../faults/fault-runner.ts';
import type { Task } from '../tasks/task.ts';
import type { LifeCycle } from '../tasks/life-cycle.ts';
import type { Placement } from '../capacity/placement.ts';
import type { Region } from './region.ts';
import type { Rates } from './rates.ts';
import type { Scheduler } from './scheduler.ts';
import type { Delays, Quotas } from './settings.ts';

/** What all parts of one emulator share. */
export interface World {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly account: string;
  readonly engine: ContainerEngine;
  readonly delays: Delays;
  readonly quotas: Quotas;
  readonly rates: Rates;
  readonly faults: FaultRunner;
  readonly lifeCycle: LifeCycle;
  readonly placement: Placement;
  /** All tasks of all Regions by id, for as long as they are described. */
  readonly tasks: Map<string, Task>;
  /** Tasks made so far. */
  taskCount: number;
  /** Where container folders and logs are; made at the first call. */
  dataDir(): string;
  /** Emulated seconds as real milliseconds. */
  scaled(seconds: number): number;
  /** Says something once that a user should know. */
  warn(text: string): void;
}

/** What one call is told beside its input. */
export interface CallContext {
  readonly world: World;
  readonly region: Region;
  /** What the fault script adds to this call. */
  readonly fault: CallFault | null;
}

/** An operation: a cleaned input to the members of its answer. @throws ApiError */
export type Operation<I> = (input: I, call: CallContext) => object | Promise<object>;

/** An operation with its input's type forgotten; what calls it has checked the input against the service's model. */
export type AnyOperation = Operation<never>;

/** A number of seconds since 1970, as the JSON protocol has timestamps. */
export const seconds = (ms: number): number => Math.round(ms) / 1_000;
