// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LeaseOwner } from '@stint/core';
import { temporaryFolder } from './object-keys.ts';
import { ownerIsAlive } from './process-identity.ts';
import { errnoOf } from './storage-errors.ts';

/** What another machine or an earlier boot left is removed after a day: no write takes that long. */
const foreignAfterMs = 24 * 3_600_000;

export interface TemporaryFiles {
  /** A path for a file or folder that nobody else uses; the folder above it exists. */
  next(): string;
}

const place = (o: LeaseOwner): string =>
  createHash('sha256').update(`${o.host}\n${o.bootId}\n${o.pidNamespace}`).digest('hex').slice(0, 12);

/** `<where>-<pid>-<start of the process>-<count>`: enough to know whether its writer still lives. */
const pattern = /^([0-9a-f]{12})-(\d+)-([0-9a-f]*)-\d+$/;

let count = 0;

/** The folder for what is half-written below `dir`; removes what dead processes left there. */
export function temporaryFiles(dir: string, self: LeaseOwner): TemporaryFiles {
  const folder = join(dir, temporaryFolder);
  const prefix = `${place(self)}-${self.pid}-${Buffer.from(self.startTime).toString('hex')}`;
  removeLeftovers(folder, self);
  return {
    next() {
      try {
        // Not recursive: where the store's own folder vanished, nothing may be written into a new one.
        mkdirSync(folder);
      } catch (e) {
        if (errnoOf(e) !== 'EEXIST') throw e;
      }
      return join(folder, `${prefix}-${++count}`);
    },
  };
}

/** A folder that may only be read keeps its leftovers: they do no harm. */
function removeLeftovers(folder: string, self: LeaseOwner): void {
  try {
    remove(folder, self);
  } catch (e) {
    if (!['ENOENT', 'EROFS', 'EACCES', 'EPERM'].includes(errnoOf(e))) throw e;
  }
}

function remove(folder: string, self: LeaseOwner): void {
  for (const name of readdirSync(folder)) {
    const [, where, pid, start] = pattern.exec(name) ?? [];
    if (where === undefined) continue;
    const path = join(folder, name);
    if (where === place(self)) {
      const owner = { ...self, pid: Number(pid), startTime: Buffer.from(start ?? '', 'hex').toString() };
      if (ownerIsAlive(owner, self) === 'dead') rmSync(path, { recursive: true, force: true });
    } else {
      const seen = statSync(path, { throwIfNoEntry: false });
      if (seen && Date.now() - seen.mtimeMs > foreignAfterMs) rmSync(path, { recursive: true, force: true });
    }
  }
}
