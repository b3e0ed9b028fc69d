// SPDX-License-Identifier: Apache-2.0
import type { AppError, JobProgress, JobReason, JobStatus, StopSignal } from '@stint/core';

/** `stint.generate/1`: what a run that held the lease prints; the same object answers `status`. */
export interface JobSummary {
  schema: 'stint.generate/1';
  job_id: string;
  status: JobStatus;
  reason: JobReason | null;
  /** The job's folder, as given. */
  out: string;
  records: { target: number; ok: number; failed: number; rejected: number };
  /** USD; cap null = no cap. */
  cost_usd: { cap: number | null; settled: number; unknown: number; held: number };
  usage: { calls: number; input_tokens: number; output_tokens: number };
  exports: { format: string; path: string; rows: number; bytes: number; sha256: string }[];
  elapsed_s: number;
}

/** What a command gives back: one JSON body for stdout, and the exit code of the contract. */
export interface CommandResult<T> {
  exitCode: number;
  body: T | { error: ErrorBody };
}

export interface ErrorBody {
  code: string;
  reason: string;
  message: string;
  hint: string | null;
  details: Record<string, unknown> | null;
}

/** What a command may tell while it works. */
export interface CommandEvents {
  /** Once, when the job is at work: how to watch and stop it. */
  started?: (job: StartedJob) => void;
  /** One plain sentence for people, never a secret. */
  notice?: (message: string) => void;
  /** Generation is over, exports are being written. */
  exporting?: () => void;
}

export interface StartedJob {
  jobId: string;
  name: string;
  dir: string;
  progress: () => JobProgress | null;
  /** First call: stop cleanly; resolves nothing, `done` of the command does. */
  stop: (signal: StopSignal) => void;
}

export interface RunOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  events?: CommandEvents;
}

export interface GenerateOptions extends RunOptions {
  jobPath: string;
  out?: string | undefined;
  numRecords?: number | undefined;
  /** Decimal text, USD. */
  budgetLimit?: string | undefined;
  jobSeed?: number | undefined;
  concurrency?: number | 'auto' | undefined;
  baseUrl?: string | undefined;
}

export interface ResumeOptions extends RunOptions {
  dir: string;
  retryFailed?: boolean | undefined;
  numRecords?: number | undefined;
  budgetLimit?: string | undefined;
  concurrency?: number | 'auto' | undefined;
  baseUrl?: string | undefined;
}

/** The body of an error, for `{ "error": … }`. */
export function errorBody(e: AppError): ErrorBody {
  return {
    code: e.code,
    reason: e.reason,
    message: e.message,
    hint: e.info.hint ?? null,
    details: e.info.details ?? null,
  };
}
