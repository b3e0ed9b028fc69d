// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes a file apart, synced, then moves it into place: there it is whole or not at all. */
export async function writeDurably(
  path: string,
  fill: (write: (text: string) => void) => Promise<void>,
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.tmp-${process.pid}-${randomBytes(4).toString('hex')}`);
  const fd = openSync(temporary, 'wx');
  try {
    await fill((text) => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    });
    fsyncSync(fd);
    renameSync(temporary, path);
  } catch (e) {
    rmSync(temporary, { force: true });
    throw e;
  } finally {
    closeSync(fd);
  }
}

export function writeTextDurably(path: string, text: string): Promise<void> {
  return writeDurably(path, (write) => {
    write(text);
    return Promise.resolve();
  });
}
