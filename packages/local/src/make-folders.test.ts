// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolders } from './make-folders.ts';

test('folders are made with their mode, and what is there is left; where none can be, that is said', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-folders-'));
  try {
    makeFolders(join(dir, 'a/b'), 0o700);
    makeFolders(join(dir, 'a/b'));
    expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o700);
    writeFileSync(join(dir, 'file'), '');
    expect(() => {
      makeFolders(join(dir, 'file/x'));
    }).toThrow(/ENOTDIR|EEXIST/);
    // Node's recursive mkdir runs for ever here.
    expect(() => {
      makeFolders('/proc/stint-nowhere/x');
    }).toThrow(/ENOENT|EPERM|EACCES|ENOTDIR/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
