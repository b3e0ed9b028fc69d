// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '@stint/core';
import { hashFile } from './hashed-file.ts';

/** One way in which the files are not what the manifest says. */
export interface ManifestProblem {
  /** Relative to the job's folder. */
  file: string;
  message: string;
}

/** Compares every file that a manifest names with its length and sha256. @param dir - the job's folder */
export async function checkManifest(dir: string, manifest: Manifest, signal?: AbortSignal): Promise<ManifestProblem[]> {
  const problems: ManifestProblem[] = [];
  for (const file of manifest.files) {
    const bad = (message: string): void => void problems.push({ file: file.path, message });
    const path = join(dir, file.path);
    const found = await stat(path).catch(() => null);
    if (!found?.isFile()) bad('is missing');
    else if (found.size !== file.bytes) bad(`has ${found.size} bytes, the manifest says ${file.bytes}`);
    else if ((await hashFile(path, signal)).sha256 !== file.sha256)
      bad('was changed: its sha256 is not the manifest’s');
  }
  return problems;
}
