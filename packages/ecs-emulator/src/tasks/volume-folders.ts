// SPDX-License-Identifier: Apache-2.0
import { lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';

/** Where an executor mounts the disk of a task, by convention. */
const SCRATCH = '/scratch';

/** Folders on this machine that stand for the volumes of tasks, below the emulator's data folder. */
export class VolumeFolders {
  readonly #dataDir: () => string;

  constructor(dataDir: () => string) {
    this.#dataDir = dataDir;
  }

  folderOf(taskId: string, volume: string): string {
    const path = join(this.#dataDir(), 'volumes', taskId, volume);
    mkdirSync(path, { recursive: true });
    return path;
  }

  async remove(taskId: string): Promise<void> {
    await rm(join(this.#dataDir(), 'volumes', taskId), { recursive: true, force: true });
  }

  /**
   * For an engine without mounts: makes the path itself, where that harms nobody.
   * @returns false where it may not or can't be made.
   */
  openPath(path: string): boolean {
    const full = resolve(path);
    const allowed = [this.#dataDir(), tmpdir()].some(
      (base) => full === resolve(base) || full.startsWith(resolve(base) + sep),
    );
    try {
      if (allowed) mkdirSync(full, { recursive: true });
      else if (full === SCRATCH) this.#linkScratch();
      else return false;
      return true;
    } catch {
      return false;
    }
  }

  /** A link into the data folder, or what is there already. */
  #linkScratch(): void {
    if (lstatSync(SCRATCH, { throwIfNoEntry: false })) return;
    const target = join(this.#dataDir(), 'scratch');
    mkdirSync(target, { recursive: true });
    symlinkSync(target, SCRATCH);
  }
}
