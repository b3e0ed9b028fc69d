// SPDX-License-Identifier: Apache-2.0
import { isAppError } from '@stint/core';

/** One thing that is not as it was committed. */
export interface Damage {
  /** What was checked: files, inputs, checkpoint, batch, record, rejects, log, manifest. */
  check: string;
  /** Relative to the job's folder. */
  file: string;
  message: string;
}

const MAX_LISTED = 100;

/** What one run of `verify` looked at and what it found. */
export class Findings {
  readonly damage: Damage[] = [];
  readonly checked = { shards: 0, batches: 0, records: 0, prompts: 0, rejects: 0, exports: 0 };
  count = 0;
  private readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  add(check: string, file: string, message: string): void {
    this.count++;
    const shown = file.startsWith(`${this.dir}/`) ? file.slice(this.dir.length + 1) : file;
    if (this.damage.length < MAX_LISTED) this.damage.push({ check, file: shown, message });
  }

  /** What a check throws as damage, or as a missing file, is a finding; anything else ends the command. */
  async guard<T>(check: string, file: string, run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (e) {
      if (isAppError(e) && (e.reason === 'DAMAGED' || (e.code === 'NOT_FOUND' && e.reason !== 'NOT_A_JOB'))) {
        const named = e.info.details?.['file'];
        this.add(check, typeof named === 'string' ? named : file, e.message);
        return undefined;
      }
      throw e;
    }
  }
}
