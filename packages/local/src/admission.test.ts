// SPDX-License-Identifier: Apache-2.0
import { createHash, randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTaskEngine } from '@stint/core/tasks';
import type { ComputeTarget, TaskEngine } from '@stint/core';
import { taskSpec } from '@stint/contracts/suites';
import { createProcessEngine } from './containers/process-engine.ts';
import { createLocalCompute } from './local-compute.ts';
import { describeThisProcess } from './process-identity.ts';
import { openSqliteTaskStore } from './sqlite-task-store.ts';
import { systemClock } from './system-clock.ts';

const clock = systemClock();
const target: ComputeTarget = { compute: 'process' };

/** As another process on the same state folder would have it. */
function engineOn(dir: string, id: string): { engine: TaskEngine; close: () => Promise<void> } {
  const store = openSqliteTaskStore(dir);
  const engine = createTaskEngine({
    store,
    computeFor: async () =>
      createLocalCompute({
        engine: createProcessEngine({ dir: join(dir, 'processes'), clock }),
        target,
        clock,
        dir,
        cpus: 2,
        memoryMib: 8192,
        arch: 'X86_64',
        gpus: { count: 0, types: [], hint: null },
      }),
    clock,
    random: () => randomInt(2 ** 32) / 2 ** 32,
    sha256: (data) => createHash('sha256').update(data).digest('hex'),
    self: { ...describeThisProcess(), id },
    isDead: () => false,
  });
  return {
    engine,
    close: async () => {
      await engine.stop();
      await store.close();
    },
  };
}

test('several processes on one state folder never give the same room away twice', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-admission-'));
  const file = join(dir, 'moves');
  const processes = ['a', 'b', 'c', 'd'].map((id) => engineOn(dir, id));
  const executor = { image: 'none', entryPoint: null, env: {}, workdir: null };
  const command = ['/bin/sh', '-c', `echo + >>${file}; sleep 0.3; echo - >>${file}`];
  const spec = taskSpec({ executors: [{ ...executor, command }] });
  await Promise.all(
    processes.map(async ({ engine }) => {
      const made = await Promise.all([1, 2].map(() => engine.submit(spec, target)));
      for (const { task } of made) expect(await engine.wait(task.id)).toMatchObject({ state: 'COMPLETE' });
    }),
  );
  let now = 0;
  const loads = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((move) => (now += move === '+' ? 1 : -1));
  expect(loads).toHaveLength(16);
  expect(Math.max(...loads)).toBeLessThanOrEqual(2);
  for (const { close } of processes) await close();
  rmSync(dir, { recursive: true, force: true });
});
