// SPDX-License-Identifier: Apache-2.0
// The supervisor of detached tasks on a bad day: who cannot be reached for a moment is not forgotten, and holds up nobody.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNoopEngine } from '@stint/local/tasks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emulatedCluster } from '../../../aws/testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../../aws/testing/emulated-cluster.ts';
import { composeTasks } from './compose-tasks.ts';
import { submitTask } from './open-tasks.ts';
import { supervise } from './supervisor.ts';
import type { TaskSettingsInput } from './settings-file.ts';

let dir: string;
let cluster: EmulatedCluster | undefined;
const stop = new AbortController();
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-supervisor-'));
});
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

const ecs: TaskSettingsInput = {
  compute: 'ecs',
  aws: {
    region: 'eu-west-1',
    ecs: { cluster: 'c', executionRole: 'arn:aws:iam::123456789012:role/exec', pollInterval: '1s' },
  },
};
const composed = (settings: TaskSettingsInput) =>
  composeTasks({ env: { PATH: process.env['PATH'], STINT_HOME: join(dir, 'home') }, cwd: dir, settings });

async function leave(settings: TaskSettingsInput): Promise<string> {
  const runtime = await composed(settings);
  const { task } = await submitTask(runtime, { image: 'none', command: ['true'] }, { owned: false });
  await runtime.close();
  return task.id;
}

async function stateOf(id: string): Promise<string> {
  const runtime = await composed({ compute: 'process' });
  const { state } = await runtime.engine.read(id);
  await runtime.close();
  return state;
}

const supervised = (settings: TaskSettingsInput, signal: AbortSignal): Promise<void> =>
  supervise({ env: { PATH: process.env['PATH'], STINT_HOME: join(dir, 'home') }, cwd: dir, settings }, signal);

test('a service that fails for a moment is asked again, and that is in the log', async () => {
  const error = { name: 'ServerException', message: 'not now' };
  const rules = [{ on: 'DescribeClusters', nth: [2, 3, 4], error }];
  cluster = await emulatedCluster({ engineOf: () => createNoopEngine(), faults: { seed: 1, rules } as never });
  const id = await leave(ecs);
  await supervised(ecs, stop.signal);
  expect(await stateOf(id)).toBe('COMPLETE');
  expect(readFileSync(join(dir, 'home', 'supervisor.log'), 'utf8')).toContain('not now');
});

test('tasks of a backend that can not be reached keep nobody from those of another', async () => {
  cluster = await emulatedCluster({ engineOf: () => createNoopEngine() });
  const there = await leave(ecs);
  const here = await leave({ compute: 'process' });
  process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:9';
  const enough = new AbortController();
  const supervising = supervised(ecs, enough.signal);
  await expect.poll(() => stateOf(here), { timeout: 10_000 }).toBe('COMPLETE');
  enough.abort();
  await supervising;
  expect(await stateOf(there)).toBe('QUEUED');
});
