// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Compute } from '@stint/core';
import { computeContract } from '@stint/contracts/suites';
import { createProcessEngine } from './containers/process-engine.ts';
import { createLocalCompute } from './local-compute.ts';
import { systemClock } from './system-clock.ts';

const clock = systemClock();
const none = { count: 0, types: [], hint: null };
const open = (dir: string): Compute =>
  createLocalCompute({
    engine: createProcessEngine({ dir: join(dir, 'containers'), clock }),
    target: { compute: 'process' },
    clock,
    dir,
    cpus: 4,
    memoryMib: 8192,
    arch: 'X86_64',
    gpus: none,
  });

computeContract('local processes', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-compute-'));
  return {
    image: 'none',
    open: async () => open(dir),
    close: async () => {
      const engine = createProcessEngine({ dir: join(dir, 'containers'), clock });
      for (const { handle } of await engine.find({})) await engine.remove(handle);
      rmSync(dir, { recursive: true, force: true });
    },
  };
});

test('a task waits while others have the room, and says so', async () => {
  const compute = open('/nowhere');
  const wants = {
    cpus: 3,
    memoryMib: 1024,
    accelerator: null,
    disk: null,
    machineTypes: null,
    arch: 'X86_64',
    fusion: false,
    spotPolicy: null,
    capacity: null,
  } as const;
  const place = (cpus: number, memoryMib: number) =>
    compute.place(wants, 'onDemand', { spotReclaims: 0, exhausted: [], inUse: { cpus, memoryMib } });
  expect(await place(2, 0)).toEqual({ kind: 'wait', waitingFor: 'CPUs of this machine: 3 asked, 2 of 4 free' });
  expect(await place(0, 8_000)).toMatchObject({
    kind: 'wait',
    waitingFor: expect.stringContaining('192 of 8192 free'),
  });
  expect(await place(1, 0)).toMatchObject({
    kind: 'placed',
    placement: { warnings: [expect.stringContaining('not enforced'), expect.any(String)] },
  });
});
