// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli, workbench } from '../testing/workbench.ts';
import type { Workbench } from '../testing/workbench.ts';

const BIN = fileURLToPath(new URL('../bin/stint.js', import.meta.url));

let bench: Workbench;
let child: ChildProcess | null = null;
beforeEach(() => {
  bench = workbench();
});
afterEach(() => {
  child?.kill('SIGKILL');
  child = null;
  bench.dispose();
});

/** Of an answer, what these tests look at. */
interface SeenTask {
  taskArn: string;
  lastStatus: string;
  stopCode?: string;
  stoppedReason?: string;
  containers: { exitCode?: number }[];
}
interface Answer {
  tasks: SeenTask[];
}

interface Running {
  endpoint: string;
  lines: string[];
  errors: () => string;
  end: (signal: NodeJS.Signals) => Promise<number | null>;
}

async function start(args: string[], env: Record<string, string> = {}): Promise<Running> {
  const process_ = spawn(process.execPath, [BIN, 'emulator', ...args], {
    cwd: bench.dir,
    env: { PATH: process.env['PATH'], HOME: bench.dir, TMPDIR: bench.dir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = process_;
  let errors = '';
  process_.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const lines: string[] = [];
  const exited = new Promise<number | null>((resolve) => process_.once('exit', resolve));
  const ready = await new Promise<string>((resolve, reject) => {
    createInterface(process_.stdout).on('line', (line) => {
      lines.push(line);
      resolve(line);
    });
    void exited.then((code) => {
      reject(new Error(`it ended with ${code}: ${errors}`));
    });
  });
  return {
    endpoint: (JSON.parse(ready) as { endpoint: string }).endpoint,
    lines,
    errors: () => errors,
    end: (signal) => {
      process_.kill(signal);
      return exited;
    },
  };
}

async function call(endpoint: string, operation: string, body: object): Promise<Answer> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': `AmazonEC2ContainerServiceV20141113.${operation}` },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Answer;
}

async function runOn(endpoint: string, command: string[], environment: object[] = []): Promise<SeenTask> {
  await call(endpoint, 'CreateCluster', { clusterName: 'c' });
  await call(endpoint, 'RegisterTaskDefinition', {
    family: 'f',
    requiresCompatibilities: ['FARGATE'],
    networkMode: 'awsvpc',
    cpu: '256',
    memory: '512',
    containerDefinitions: [{ name: 'main', image: 'none', command, environment }],
  });
  const { tasks } = await call(endpoint, 'RunTask', {
    cluster: 'c',
    taskDefinition: 'f',
    launchType: 'FARGATE',
    networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
  });
  for (;;) {
    const seen = await call(endpoint, 'DescribeTasks', { cluster: 'c', tasks: [tasks[0]?.taskArn] });
    const [task] = seen.tasks;
    if (task?.lastStatus === 'STOPPED') return task;
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'it says where it serves in one line, runs a task, and ends cleanly on %s',
  async (signal) => {
    const args = ['--compute', 'process', '--log', 'calls.jsonl', '--time-scale', '500', '--account', '123456789012'];
    const emulator = await start(args);
    expect(emulator.lines).toEqual([JSON.stringify({ ready: true, endpoint: emulator.endpoint })]);
    expect(emulator.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const task = await runOn(emulator.endpoint, ['/bin/sh', '-c', 'exit 7']);
    expect(task).toMatchObject({ stopCode: 'EssentialContainerExited', containers: [{ exitCode: 7 }] });
    expect(task.taskArn).toContain(':123456789012:task/c/');
    expect(await emulator.end(signal)).toBe(0);
    expect(emulator.lines).toHaveLength(1);
    const actions = readFileSync(bench.path('calls.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { action: string }).action);
    expect(actions.slice(0, 3)).toEqual(['CreateCluster', 'RegisterTaskDefinition', 'RunTask']);
    // Its temporary folder went with it.
    expect(readdirSync(bench.dir).filter((name) => name.startsWith('stint-ecs-'))).toEqual([]);
  },
);

test('noop takes what it does from the container’s environment, else from its own', async () => {
  const emulator = await start(['--compute', 'noop', '--time-scale', '500'], { STINT_NOOP_EXIT: '4' });
  expect((await runOn(emulator.endpoint, ['x'])).containers[0]?.exitCode).toBe(4);
  const own = [{ name: 'STINT_NOOP_EXIT', value: '9' }];
  expect((await runOn(emulator.endpoint, ['x'], own)).containers[0]?.exitCode).toBe(9);
  expect(await emulator.end('SIGTERM')).toBe(0);
});

test('--data keeps what is asked for, and --faults acts', async () => {
  bench.write(
    'faults.json',
    JSON.stringify({ rules: [{ task: {}, at: 'PENDING', event: 'pullError', kind: 'denied' }] }),
  );
  const emulator = await start([
    '--compute',
    'process',
    '--time-scale',
    '500',
    '--data',
    'data',
    '--faults',
    'faults.json',
  ]);
  const task = await runOn(emulator.endpoint, ['true']);
  expect(task).toMatchObject({
    stopCode: 'TaskFailedToStart',
    stoppedReason: expect.stringMatching(/pull access denied/),
  });
  expect(await emulator.end('SIGTERM')).toBe(0);
  expect(existsSync(bench.path('data'))).toBe(true);
});

test('a running compute on all addresses is warned of, noop is not', async () => {
  const open = await start(['--compute', 'process', '--host', '0.0.0.0']);
  expect(await open.end('SIGTERM')).toBe(0);
  expect(open.errors()).toMatch(/can run commands on this machine/);
  const harmless = await start(['--compute', 'noop', '--host', '0.0.0.0']);
  expect(await harmless.end('SIGTERM')).toBe(0);
  expect(harmless.errors()).toBe('');
});

test.each<[string[], RegExp]>([
  [['--port', '70000'], /--port/],
  [['--compute', 'cloud'], /--compute/],
  [['--time-scale', '0'], /--time-scale/],
  [['--compute', 'noop', '--account', '12'], /account/],
  [['--compute', 'noop', '--faults', 'none.json'], /none\.json/],
  [['--compute', 'noop', '--log', 'no/such/folder.jsonl'], /folder\.jsonl/],
  [['--compute', 'noop', '--host', '192.0.2.1'], /192\.0\.2\.1/],
  [['--compute', 'noop', '--host', ''], /--host "": not an address/],
  [['--compute', 'noop', '--data', ''], /--data "": not a folder/],
  [['--compute', 'noop', '--log', ''], /--log "": not a file/],
])('%j is refused with exit code 2', async (args, message) => {
  const ran = await runCli(['emulator', ...args], { cwd: bench.dir });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toMatch(message);
  expect(ran.stdout).toBe('');
});
