// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Compute, TaskLogPage } from '@stint/core';
import { containerSpec, taskSpec } from '@stint/contracts/specimens';
import { computeContract } from '@stint/contracts/suites';
import { engineLogs, keepLogs, keptLogs } from './containers/attempt-logs.ts';
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

test('a very long line is whole again from its parts, while its container is there and after it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'stint-lines-'));
  const engine = createProcessEngine({ dir: join(dir, 'containers'), clock });
  // 3-byte characters: a part of a page would end in the middle of one. Then bytes that are no UTF-8, three times as long.
  const script = `yes '€€€€€€€€€€' | head -n 80000 | tr -d '\\n'; echo; head -c 1500000 /dev/zero | tr '\\0' '\\377'; echo; echo end`;
  const expected = `${'€'.repeat(800_000)}\n${'\ufffd'.repeat(1_500_000)}\nend\n`;
  await engine.start(containerSpec({ name: 'one', command: ['/bin/sh', '-c', script] }));
  await engine.wait('one');
  const file = join(dir, 'kept');
  const all = async (page: (cursor: string | null) => Promise<TaskLogPage>, cursor: string | null = null) => {
    for (let text = ''; ;) {
      const { lines, cursor: next, end } = await page(cursor);
      for (const line of lines) text += line.partial === true ? line.text : `${line.text}\n`;
      if (end) return text;
      cursor = next;
    }
  };
  const first = await engineLogs(engine, 'one', null);
  // Not toBe: a failure would print megabytes.
  expect((await all((cursor) => engineLogs(engine, 'one', cursor))) === expected).toBe(true);
  await keepLogs(engine, 'one', file);
  const kept = async (cursor: string | null) => keptLogs(file, cursor);
  expect((await all(kept)) === expected).toBe(true);
  const rest = await all(kept, first.cursor);
  expect(first.lines.map((l) => l.text).join('') + rest === expected).toBe(true);
  rmSync(dir, { recursive: true, force: true });
});

test('a task waits while others have the room, and says so', async () => {
  const compute = open('/nowhere');
  const wants = { ...taskSpec().wants, cpus: 3, memoryMib: 1024 };
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
