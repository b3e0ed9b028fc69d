// SPDX-License-Identifier: Apache-2.0
import type { Clock, ContainerEngine } from '@stint/core';
import type { FaultScript, FaultScriptFile } from './faults/fault-script.ts';
import type { Rate, RateName } from './world/rates.ts';
import type { Delays, Quotas } from './world/settings.ts';

export interface EmulatorOptions {
  /** Runs the containers; closed by whoever made it. */
  engine: ContainerEngine;
  /** Default 127.0.0.1. Elsewhere anyone who reaches the port can run commands through a running compute. */
  host?: string | undefined;
  /** 0 = any free one. */
  port?: number | undefined;
  /** Emulated seconds per real second, more than 0; default 20. Never of the containers' own time. */
  timeScale?: number | undefined;
  faults?: FaultScript | FaultScriptFile | undefined;
  /** Every call as a line of JSON. */
  logFile?: string | undefined;
  /** Container folders and logs; default: a temporary folder that is removed at the end. */
  dataDir?: string | undefined;
  /** Twelve digits; default 000000000000. */
  account?: string | undefined;
  /** Request rates instead of AWS's: single rows, or `unlimited`. */
  rates?: Partial<Record<RateName, Rate>> | 'unlimited' | undefined;
  quotas?: Partial<Quotas> | undefined;
  /** Delays in emulated seconds instead of the usual ones. */
  delays?: Partial<Delays> | undefined;
  /**
   * Default: the environment of this process. Read: AWS_ENDPOINT_URL_LOGS, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS and
   * credentials for it, AWS_REGION (of calls without a signature).
   */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  clock?: Clock | undefined;
  /** Told once each: what is not as it would be on AWS. */
  onWarning?: ((text: string) => void) | undefined;
}

export interface Emulator {
  /** Serves from its return on. @returns the endpoint, as `http://127.0.0.1:4000`. */
  start(): Promise<{ endpoint: string }>;
  /** Ends all containers and forgets everything. Idempotent, and safe before `start`. */
  stop(): Promise<void>;
}
