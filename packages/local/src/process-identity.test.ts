// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeThisProcess, ownerIsAlive, parseStat } from './process-identity.ts';

const self = describeThisProcess();

it('this process is alive, and named the same each time', () => {
  expect(ownerIsAlive(describeThisProcess(), self)).toBe('alive');
  expect(describeThisProcess()).toEqual(self);
  expect(self.startTime).not.toBe('');
  expect(self.bootId).not.toBe('');
});

it('a process that ended is dead, one that runs is alive', async () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000); console.log("up")']);
  await once(child.stdout, 'data');
  const stat = process.platform === 'linux' ? readFileSync(`/proc/${child.pid}/stat`, 'latin1') : null;
  const startTime = stat === null ? '' : parseStat(stat).startTime;
  const owner = { ...self, pid: child.pid ?? 0, startTime };
  expect(ownerIsAlive(owner, self)).toBe(stat === null ? 'unknown' : 'alive');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(ownerIsAlive(owner, self)).toBe('dead');
});

it('another process with a used pid does not count', () => {
  expect(ownerIsAlive({ ...self, startTime: '1' }, self)).toBe('dead');
});

it('nobody is judged from another host, boot or pid namespace, or without knowing its start', () => {
  for (const field of ['host', 'bootId', 'pidNamespace'] as const)
    expect(ownerIsAlive({ ...self, [field]: 'other' }, self)).toBe('unknown');
  expect(ownerIsAlive({ ...self, bootId: '' }, { ...self, bootId: '' })).toBe('unknown');
  expect(ownerIsAlive({ ...self, startTime: '' }, self)).toBe('unknown');
  expect(ownerIsAlive({ ...self, pid: -1 }, self)).toBe('unknown');
});

it('a zombie is dead, and a name with blanks and parentheses does not shift the fields', () => {
  const rest = Array.from({ length: 18 }, (_, i) => i).join(' ');
  expect(parseStat(`12 (a) (b c)) S ${rest} 777 9`)).toEqual({ state: 'alive', startTime: '777' });
  expect(parseStat(`12 (node) Z ${rest} 777 9`).state).toBe('dead');
});
