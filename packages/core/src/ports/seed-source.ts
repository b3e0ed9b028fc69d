// SPDX-License-Identifier: Apache-2.0

/** A seed row as template data: a mapping in the order of its file (plain object or Map; numbers as @stint/jinja's parseData gives them). */
export type SeedRow = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;

/** Random access to the frozen seed rows, with memory independent of their size. */
export interface SeedSource {
  readonly rows: number;
  /** Row 0 .. rows-1. Synchronous where it is at hand. @throws AppError FAILED_PRECONDITION/DAMAGED */
  row(index: number): SeedRow;
  close(): void;
}
