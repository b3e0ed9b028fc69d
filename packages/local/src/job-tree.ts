// SPDX-License-Identifier: Apache-2.0
import { lstatSync, readdirSync } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@stint/core/base';
import { errnoOf, toFileError } from './storage-errors.ts';

/** What stint reads and writes in a job's folder; other names in it are not its business. */
const ownNames = [
  'job.json',
  'checkpoint.json',
  'state.sqlite',
  'state.sqlite-wal',
  'state.sqlite-shm',
  'state.sqlite-journal',
  'inputs',
  'shards',
  'outputs',
  'rejects',
  'exports',
  '.tmp',
];

/**
 * Looks through a job's folder, which may come from somebody else: a link in it could have us read or overwrite files
 * elsewhere, a pipe or device would hold us up for ever. The folder itself may be a link.
 * @throws AppError FAILED_PRECONDITION/DAMAGED naming the first entry that is neither file nor folder
 */
export function requirePlainFiles(dir: string): void {
  try {
    for (const name of ownNames) {
      const found = lstatSync(join(dir, name), { throwIfNoEntry: false });
      if (!found) continue;
      requirePlain(name, found);
      if (found.isDirectory()) walk(dir, name);
    }
  } catch (e) {
    // A folder that is no folder has no entries either.
    if (errnoOf(e) !== 'ENOTDIR') throw toFileError(e, `read ${dir}`);
  }
}

function walk(dir: string, folder: string): void {
  for (const entry of readdirSync(join(dir, folder), { withFileTypes: true })) {
    const name = `${folder}/${entry.name}`;
    requirePlain(name, entry);
    if (entry.isDirectory()) walk(dir, name);
  }
}

function requirePlain(name: string, entry: Dirent | Stats): void {
  if (entry.isFile() || entry.isDirectory()) return;
  const kind = entry.isSymbolicLink() ? 'a link' : 'neither a file nor a folder';
  throw new AppError('FAILED_PRECONDITION', 'DAMAGED', `${name} is ${kind}: a job folder has none`, {
    hint: 'Put the file itself in its place, if you trust where the folder comes from. Nothing was read or changed.',
    details: { file: name },
  });
}
