// SPDX-License-Identifier: Apache-2.0
// `stint task` on ECS: real processes against the emulator over HTTP.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TaskView } from '@stint/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emulatedCluster } from '../../aws/testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../aws/testing/emulated-cluster.ts';

const BIN = fileURLToPath(new URL('../bin/stint.js', import.meta.url));
let dir: string;
let cluster: EmulatedCluster;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'stint-task-ecs-'));
  cluster = await emulatedCluster();
  write({
    cluster: 'c',
    executionRole: 'arn:aws:iam::123456789012:role/exec',
    pollInterval: '1s',
    spotPolicy: 'onDemand',
  });
});
afterEach(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});
function write(ecs: Record<string, unknown>): void {
  writeFileSync(join(dir, 'stint.config.yaml'), JSON.stringify({ compute: 'ecs', aws: { region: 'eu-west-1', ecs } }));
}

function start(...args: string[]) {
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    STINT_HOME: join(dir, 'home'),
    AWS_ENDPOINT_URL: cluster.endpoint,
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
  };
  const child = spawn(process.execPath, [BIN, 'task', ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const done = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, stdout, stderr }));
  return { child, done };
}
const stint = (...args: string[]) => start(...args).done;

test('a task runs on ECS, with its exit code, its output, and where it ran', async () => {
  const r = await stint('run', '--json', 'busybox', '--', 'sh', '-c', 'echo hello; exit 3');
  expect(r.code).toBe(3);
  expect(r.stderr).toContain('hello');
  expect(JSON.parse(r.stdout)).toMatchObject({
    state: 'EXECUTOR_ERROR',
    logs: [{ metadata: { capacity: 'mi', instance_id: expect.stringMatching(/^i-/) }, logs: [{ exit_code: 3 }] }],
  });
  // The cluster is looked at once, not once to find it and once to use it.
  expect(cluster.calls().filter((c) => c.action === 'DescribeClusters')).toHaveLength(1);
});

test('a stop time-out that Fargate shortens is told, and kept in the task', async () => {
  const r = await stint('run', '--json', '--capacity', 'fargate', '--stop-timeout', '10m', 'busybox', '--', 'true');
  const says = '--stop-timeout: 600 s were asked, Fargate gives 120 s at most before SIGKILL';
  expect(r.stderr).toContain(says);
  expect(JSON.parse(r.stdout)).toMatchObject({ state: 'COMPLETE', logs: [{ system_logs: [says] }] });
});

test('kill -9 in the middle: wait, logs and cancel need no configuration, and nothing runs twice', async () => {
  const key = ['--idempotency-key', 'k'];
  const r = start('run', ...key, 'busybox', '--', 'sh', '-c', 'echo out; sleep 2; exit 5');
  await expect.poll(() => cluster.calls().filter((c) => c.action === 'RunTask').length).toBe(1);
  r.child.kill('SIGKILL');
  await r.done;
  rmSync(join(dir, 'stint.config.yaml'));
  const { tasks } = JSON.parse((await stint('ls', '--json')).stdout) as { tasks: { id: string }[] };
  const id = tasks[0]?.id ?? '';
  expect(await stint('wait', id)).toMatchObject({ code: 5 });
  expect((await stint('logs', id)).stdout).toBe('out\n');
  const started = new Set(
    cluster
      .calls()
      .filter((c) => c.action === 'RunTask')
      .map((c) => c.request['clientToken']),
  );
  expect(started.size).toBe(1);
});

test('ls without AWS answers from the store, and says of when that is', async () => {
  const r = start('run', 'busybox', '--', 'sleep', '600');
  const running = async () => (JSON.parse((await stint('ls', '--json')).stdout) as { tasks: TaskView[] }).tasks[0];
  await expect.poll(async () => (await running())?.state).toBe('RUNNING');
  r.child.kill('SIGKILL');
  await r.done;
  const { port } = new URL(cluster.endpoint);
  await cluster.stop();
  const listed = await stint('ls', '--json');
  expect(listed.code).toBe(0);
  const [task] = (JSON.parse(listed.stdout) as { tasks: TaskView[] }).tasks;
  expect(task?.state).toBe('RUNNING');
  expect(listed.stderr).toMatch(
    new RegExp(`^as it was stored, last changed at ${task?.logs[0]?.start_time}: .*ECONNREFUSED.*:${port}`, 'm'),
  );
  cluster = await emulatedCluster();
});

test('cancel stops it on ECS', async () => {
  const { stdout } = await stint('run', '--detach', 'busybox', '--', 'sleep', '600');
  const id = stdout.trim();
  await expect.poll(() => cluster.calls().map((c) => c.action)).toContain('RunTask');
  expect((await stint('cancel', id)).code).toBe(0);
  expect(cluster.calls().map((c) => c.action)).toContain('StopTask');
});

test.each([
  [{ executionRole: 'nope' }, /yaml:1: aws\.ecs\.executionRole: must be an ARN like .*, not "nope"/],
  [{ cluster: 'nope' }, /no cluster nope[^]*create-cluster/],
  [{ capacity: ['nope'] }, /capacity: nope is not there/],
])('a wrong setting %j exits 2 and says what was found', async (change, says) => {
  write({ cluster: 'c', executionRole: 'arn:aws:iam::123456789012:role/exec', ...change });
  const r = await stint('run', 'busybox', '--', 'true');
  expect(r).toMatchObject({ code: 2, stdout: '' });
  expect(r.stderr).toMatch(says);
});

test('17 CPUs on Fargate and a disk of 29 GiB are refused before anything is sent', async () => {
  const tooBig = await stint('run', '--capacity', 'fargate', '--cpus', '17', 'busybox', '--', 'true');
  expect(tooBig).toMatchObject({ code: 2 });
  expect(tooBig.stderr).toContain('17 CPUs were asked, aws.ecs.limits.maxCpus is 16');
  expect((await stint('run', '--capacity', 'fargate', '--gpu', '1', 'busybox', '--', 'true')).code).toBe(2);
  expect(cluster.calls().map((c) => c.action)).not.toContain('RunTask');
});
