// SPDX-License-Identifier: Apache-2.0
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VolumeFolders } from './volume-folders.ts';

let root: string;
let folders: VolumeFolders;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stint-volumes-'));
  folders = new VolumeFolders(() => join(root, 'data'), join(root, 'scratch'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

test('each task has folders of its own, which go with it', async () => {
  const [one, two] = [folders.folderOf('a', 'v'), folders.folderOf('b', 'v')];
  expect(new Set([one, two]).size).toBe(2);
  await folders.remove('a');
  expect([existsSync(one), existsSync(two)]).toEqual([false, true]);
});

test('without mounts a path is made where it harms nobody', () => {
  expect(folders.openPath(join(root, 'data', 'x'))).toBe(true);
  expect(existsSync(join(root, 'data', 'x'))).toBe(true);
  expect(folders.openPath(join(tmpdir(), 'stint-volumes-none'))).toBe(true);
  rmSync(join(tmpdir(), 'stint-volumes-none'), { recursive: true });
  for (const path of ['/mnt/stint-none', `${root}/data/../../../mnt/stint-none`, `${tmpdir()}-stint-none`]) {
    expect(folders.openPath(path), path).toBe(false);
    expect(existsSync(path), path).toBe(false);
  }
});

test('scratch is a link into the data folder, taken away at the end', () => {
  const scratch = join(root, 'scratch');
  expect(folders.openPath(scratch)).toBe(true);
  expect(readlinkSync(scratch)).toBe(join(root, 'data', 'scratch'));
  writeFileSync(join(scratch, 'x'), '');
  expect(folders.openPath(scratch)).toBe(true);
  folders.close();
  expect(lstatSync(scratch, { throwIfNoEntry: false })).toBeUndefined();
});

test('a scratch of the machine is used as it is, and a link to nowhere is replaced', () => {
  const scratch = join(root, 'scratch');
  mkdirSync(scratch);
  expect(folders.openPath(scratch)).toBe(true);
  folders.close();
  expect(lstatSync(scratch).isDirectory()).toBe(true);
  rmSync(scratch, { recursive: true });
  symlinkSync(join(root, 'gone'), scratch);
  expect(folders.openPath(scratch)).toBe(true);
  expect(readlinkSync(scratch)).toBe(join(root, 'data', 'scratch'));
});
