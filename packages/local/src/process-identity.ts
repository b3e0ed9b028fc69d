// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { LeaseOwner } from '@stint/core';

/** What tells this process from every other, on this machine and elsewhere. Asked for once. */
export function describeThisProcess(): LeaseOwner {
  return { ...(known ??= describe()) };
}

let known: LeaseOwner | undefined;

function describe(): LeaseOwner {
  return {
    id: `${process.pid}-${randomBytes(8).toString('hex')}`,
    host: hostname(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTime: lookUp(process.pid).startTime,
  };
}

/**
 * Whether the process that `owner` names still runs. Judged only where host, boot and pid namespace are ours and known;
 * a zombie is dead, and so is an owner whose pid now belongs to another process.
 */
export function ownerIsAlive(owner: LeaseOwner, self: LeaseOwner): 'alive' | 'dead' | 'unknown' {
  const samePlace =
    owner.host === self.host && owner.bootId === self.bootId && owner.pidNamespace === self.pidNamespace;
  if (!samePlace || owner.bootId === '' || !Number.isSafeInteger(owner.pid) || owner.pid <= 0) return 'unknown';
  const found = lookUp(owner.pid);
  if (found.state !== 'alive') return found.state;
  if (owner.startTime === '' || found.startTime === '') return 'unknown';
  return found.startTime === owner.startTime ? 'alive' : 'dead';
}

/** Start of a living process in the platform's own words; '' where there is none, or it is a zombie. */
export function startTimeOf(pid: number): string {
  const found = lookUp(pid);
  return found.state === 'dead' ? '' : found.startTime;
}

interface Found {
  state: 'alive' | 'dead' | 'unknown';
  /** '' where it cannot be learned. */
  startTime: string;
}

function lookUp(pid: number): Found {
  return process.platform === 'linux' ? lookUpInProc(pid) : lookUpWithPs(pid);
}

function lookUpInProc(pid: number): Found {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (e) {
    const gone = e instanceof Error && 'code' in e && (e.code === 'ENOENT' || e.code === 'ESRCH');
    return { state: gone ? 'dead' : 'unknown', startTime: '' };
  }
  return parseStat(stat);
}

/** `pid (name) state … starttime …`: the name may hold spaces and parentheses, so fields are counted after its end. */
export function parseStat(stat: string): Found {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  // Field 3 is the state, field 22 the start in clock ticks since boot (proc_pid_stat(5)).
  const startTime = fields[19] ?? '';
  return { state: state === 'Z' || state === 'X' || state === 'x' ? 'dead' : 'alive', startTime };
}

function lookUpWithPs(pid: number): Found {
  try {
    const line = run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
    const [, stat = '', startTime = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return { state: stat.startsWith('Z') ? 'dead' : 'alive', startTime };
  } catch {
    // ps ends with 1 where there is no such process, and also where it may not look.
    try {
      process.kill(pid, 0);
      return { state: 'unknown', startTime: '' };
    } catch (e) {
      const gone = e instanceof Error && 'code' in e && e.code === 'ESRCH';
      return { state: gone ? 'dead' : 'unknown', startTime: '' };
    }
  }
}

/** '' where it cannot be learned: then nobody is judged. */
function bootId(): string {
  try {
    if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return run('sysctl', ['-n', 'kern.boottime']);
  } catch {
    return '';
  }
}

function pidNamespace(): string {
  if (process.platform !== 'linux') return '';
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function run(command: string, args: string[]): string {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return execFileSync(command, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}
