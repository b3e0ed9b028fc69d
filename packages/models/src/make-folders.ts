// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** `mkdir -p`. Node's own recursive way never ends where a folder can be made nowhere, as below /proc. */
export function makeFolders(dir: string, mode?: number): void {
  if (isFolder(dir)) return;
  if (dirname(dir) !== dir) makeFolders(dirname(dir), mode);
  try {
    mkdirSync(dir, { mode });
  } catch (e) {
    // Another process may have been faster.
    if (!isFolder(dir)) throw e;
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
