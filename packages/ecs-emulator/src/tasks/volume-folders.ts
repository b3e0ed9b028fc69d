// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';

/** Folders on this machine that stand for the volumes of tasks, below the emulator's data folder. */
export class VolumeFolders {
  readonly #dataDir: () => string;
  readonly #scratch: string;
  #linked = false;

  /** @param scratch - where an executor mounts the disk of a task, by convention. */
  constructor(dataDir: () => string, scratch = '/scratch') {
    this.#dataDir = dataDir;
    this.#scratch = scratch;
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
      if (full === this.#scratch) this.#linkScratch();
      else if (allowed) mkdirSync(full, { recursive: true });
      else return false;
      return true;
    } catch {
      return false;
    }
  }

  /** A link into the data folder, unless there is something that can be used already. */
  #linkScratch(): void {
    if (existsSync(this.#scratch)) return;
    // A link to nowhere is what an emulator left that was killed.
    rmSync(this.#scratch, { force: true });
    const target = join(this.#dataDir(), 'scratch');
    mkdirSync(target, { recursive: true });
    symlinkSync(target, this.#scratch);
    this.#linked = true;
  }

  /** Takes the link away that was made. */
  close(): void {
    if (this.#linked) rmSync(this.#scratch, { force: true });
    this.#linked = false;
  }
}
