// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';

const mostRounds = 10;

/**
 * Kills what is left of a session. Some of it may be in process groups of their own (`timeout`, shells with job control);
 * where there is no /proc to find those, the group of its leader has to do.
 */
export function killMembers(session: number): void {
  kill(-session);
  // What is found may have forked meanwhile.
  for (let round = 0; round < mostRounds; round++) {
    const members = membersOf(session);
    if (members.length === 0) return;
    for (const pid of members) kill(pid);
  }
}

/** Living processes of a session; a zombie is none. */
function membersOf(session: number): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && sessionOf(pid) === session);
}

/** `pid (name) state ppid pgrp session …`; the name may hold spaces and parentheses. */
function sessionOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZXx'.includes(state) ? null : Number(session);
  } catch {
    // It has ended meanwhile.
    return null;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
