// SPDX-License-Identifier: Apache-2.0
import type { Wants } from './wants.ts';

/** One container command of a task (TES executor). */
export interface ExecutorSpec {
  image: string;
  /** Arguments, no shell; empty = the image's own. */
  command: readonly string[];
  /** null = the image's own. */
  entryPoint: readonly string[] | null;
  env: Readonly<Record<string, string>>;
  /** Variables whose values the backend fetches from where its secrets are: name → ARN. Absent = none. */
  secrets?: Readonly<Record<string, string>>;
  workdir: string | null;
}

/** A file that a task needs or makes. In the model, and refused in this version. */
export interface TaskFile {
  url: string | null;
  path: string;
  content: string | null;
  type: 'FILE' | 'DIRECTORY' | null;
}

/** What is to run, checked and complete. */
export interface TaskSpec {
  name: string | null;
  description: string | null;
  executors: readonly ExecutorSpec[];
  inputs: readonly TaskFile[];
  outputs: readonly TaskFile[];
  wants: Wants;
  /** Tags of a TES task. */
  labels: Readonly<Record<string, string>>;
  /** Of an attempt, from its start, ms; null = none. */
  timeLimitMs: number | null;
  /** SIGTERM to SIGKILL, s; null = the backend's. */
  stopTimeoutS: number | null;
}
