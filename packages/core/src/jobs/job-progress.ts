// SPDX-License-Identifier: Apache-2.0

/** Where a job at work stands, for people who watch it. Money in nano-dollars. */
export interface JobProgress {
  target: number;
  ok: number;
  failed: number;
  rejected: number;
  inFlight: number;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  capNanoUsd: number | null;
  settledNanoUsd: number;
  unknownNanoUsd: number;
  heldNanoUsd: number;
  stopping: boolean;
}
