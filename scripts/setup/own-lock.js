// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

const BEAT_MS = 5_000;
const DEAD_AFTER_MS = 60_000;
const POLL_MS = 100;

/**
 * Runs `work` while no other process does so for the same `lockDir`; waits for its turn.
 * The owner's process id is in the folder: a dead owner's lock is taken over at once, one of another machine or container
 * after a minute without a sign of life.
 */
export async function whileAlone(lockDir, onWait, work) {
  mkdirSync(dirname(lockDir), { recursive: true });
  let told = false;
  while (!tryTake(lockDir)) {
    const owner = readOwner(lockDir);
    if (isDead(lockDir, owner)) {
      takeAway(lockDir, owner);
      continue;
    }
    if (!told) onWait(owner?.pid);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const beat = setInterval(() => touch(lockDir), BEAT_MS);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(lockDir, { recursive: true, force: true });
  }
}

// A folder that already holds its owner is put in place by one rename: there is no lock without an owner, ever.
// (Renaming onto a folder that is not empty is refused by the file system.)
function tryTake(lockDir) {
  const own = `${lockDir}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  mkdirSync(own);
  writeFileSync(join(own, 'owner.json'), JSON.stringify({ pid: process.pid, host: hostname() }));
  try {
    renameSync(own, lockDir);
    return true;
  } catch {
    rmSync(own, { recursive: true, force: true });
    return false;
  }
}

function readOwner(lockDir) {
  try {
    return JSON.parse(readFileSync(join(lockDir, 'owner.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

function isDead(lockDir, owner) {
  try {
    if (Date.now() - statSync(lockDir).mtimeMs > DEAD_AFTER_MS) return true;
  } catch {
    return false;
  }
  if (owner === undefined || owner.host !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

// Two waiters may both see a dead owner. The second must not remove the lock that the first has taken since, so the
// folder is moved first and put back when it turns out to be somebody else's.
function takeAway(lockDir, deadOwner) {
  const aside = `${lockDir}.dead.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    renameSync(lockDir, aside);
  } catch {
    return;
  }
  if (JSON.stringify(readOwner(aside)) !== JSON.stringify(deadOwner)) {
    try {
      renameSync(aside, lockDir);
      return;
    } catch {
      // Somebody took it meanwhile; both hold it now for a moment, and npm itself is the last guard.
    }
  }
  rmSync(aside, { recursive: true, force: true });
}

function touch(lockDir) {
  try {
    const now = new Date();
    utimesSync(lockDir, now, now);
  } catch {
    // The folder was taken away: nothing left to keep alive.
  }
}
