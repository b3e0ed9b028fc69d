// SPDX-License-Identifier: Apache-2.0
// Real processes, real time: a task's own seconds are short, and the emulated ones pass 500 times as fast.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchLogsClient, CreateLogGroupCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { StopTaskCommand } from '@aws-sdk/client-ecs';
import type { ContainerDefinition, RegisterTaskDefinitionCommandInput, Task } from '@aws-sdk/client-ecs';
import { systemClock } from '@stint/local';
import { createProcessEngine } from '@stint/local/tasks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  clientConfig,
  fargateDefinition,
  fitsTheServiceModels,
  onFargate,
  managedDefinition,
  onManaged,
  register,
  run,
  see,
  served,
} from '../testing/emulated.ts';
import { realCluster } from '../testing/real.ts';
import type { Served } from '../testing/emulated.ts';
import type { EmulatorOptions } from './index.ts';

let e: Served;
let data: string;
let logs: CloudWatchLogsClient;
async function start(options: Partial<EmulatorOptions> = {}): Promise<void> {
  const engine = createProcessEngine({ dir: join(data, 'containers'), clock: systemClock() });
  e = await served({ engine, timeScale: 500, dataDir: data, ...options });
  logs = new CloudWatchLogsClient(clientConfig(e.endpoint));
  await realCluster(e);
}
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'stint-data-'));
  await start();
});
afterEach(async () => {
  logs.destroy();
  await e.stop();
  // Nothing runs on, and nothing of a container is left.
  expect(existsSync(join(data, 'containers')) ? readdirSync(join(data, 'containers')) : []).toEqual([]);
  rmSync(data, { recursive: true, force: true });
});

const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 20));
async function until(task: Task, status: string): Promise<Task> {
  for (;;) {
    const [now] = await see(e, task);
    if (now?.lastStatus === status) return now;
    if (now?.lastStatus === 'STOPPED') throw new Error(`it ended: ${now.stopCode} ${now.stoppedReason}`);
    await pause();
  }
}
const awslogs = (options: Record<string, string> = {}): ContainerDefinition['logConfiguration'] => ({
  logDriver: 'awslogs',
  options: { 'awslogs-group': '/ecs/x', 'awslogs-region': 'eu-west-1', 'awslogs-stream-prefix': 'p', ...options },
});
const sh = (script: string, change: Partial<ContainerDefinition> = {}): ContainerDefinition => ({
  name: 'main',
  image: 'none',
  command: ['/bin/sh', '-c', script],
  ...change,
});
const start1 = async (
  container: ContainerDefinition,
  change: Partial<RegisterTaskDefinitionCommandInput> = {},
): Promise<Task> => {
  await register(e, managedDefinition({ containerDefinitions: [container], ...change }));
  return await run(e, onManaged());
};
const ended = async (
  container: ContainerDefinition,
  change: Partial<RegisterTaskDefinitionCommandInput> = {},
): Promise<Task> => await until(await start1(container, change), 'STOPPED');
const streamOf = (task: Task, container = 'main'): string => `p/${container}/${task.taskArn?.split('/').at(-1)}`;
async function output(logStreamName: string, atLeast: number): Promise<(string | undefined)[]> {
  for (;;) {
    const page = await logs
      .send(new GetLogEventsCommand({ logGroupName: '/ecs/x', logStreamName, startFromHead: true }))
      .catch((error: Error) => {
        expect(error.name).toBe('ResourceNotFoundException');
        return { events: [] };
      });
    const texts = (page.events ?? []).map(({ message }) => message);
    if (texts.length >= atLeast) return texts;
    await pause();
  }
}

test('a command runs, its exit code is the task’s, and its output is in its log stream', async () => {
  await logs.send(new CreateLogGroupCommand({ logGroupName: '/ecs/x' }));
  const task = await ended(sh('echo one; echo; echo two >&2; printf three; exit 7', { logConfiguration: awslogs() }));
  expect(task).toMatchObject({
    stopCode: 'EssentialContainerExited',
    containers: [{ exitCode: 7, runtimeId: expect.stringMatching(/^[0-9a-f]{32}-\d{10}$/) }],
  });
  expect((await output(streamOf(task), 3)).toSorted()).toEqual(['one', 'three', 'two']);
});

test('output is there while the task runs', async () => {
  await logs.send(new CreateLogGroupCommand({ logGroupName: '/ecs/x' }));
  const task = await start1(sh('echo early; exec sleep 600', { logConfiguration: awslogs() }));
  expect(await output(streamOf(task), 1)).toEqual(['early']);
  expect((await see(e, task))[0]?.stoppedAt).toBeUndefined();
});

test('a container has its environment and nothing of the emulator’s', async () => {
  process.env['STINT_SECRET_OF_THE_EMULATOR'] = 'x';
  const task = await ended(
    sh('env', {
      environment: [{ name: 'A', value: '1' }],
      logConfiguration: awslogs({ 'awslogs-create-group': 'true' }),
    }),
    { taskRoleArn: 'arn:aws:iam::123456789012:role/task' },
  );
  delete process.env['STINT_SECRET_OF_THE_EMULATOR'];
  const env = await output(streamOf(task), 5);
  expect(env).toContain('A=1');
  expect(env).toContain('AWS_EXECUTION_ENV=AWS_ECS_MANAGED_INSTANCES');
  const names = env.map((line) => line?.split('=')[0] ?? '').filter((name) => !/^(_|PWD|OLDPWD|SHLVL)$/.test(name));
  expect(
    names.filter(
      (name) => !/^(A|PATH|HOME|LANG|TMPDIR|ECS_\w+|AWS_EXECUTION_ENV|AWS_CONTAINER_CREDENTIALS_FULL_URI)$/.test(name),
    ),
  ).toEqual([]);
});

test('a container reads its task at the metadata endpoint, and credentials of its role', async () => {
  const script = `
    const base = process.env.ECS_CONTAINER_METADATA_URI_V4;
    const read = async (path) => (await fetch(base + path)).json();
    const [container, task] = [await read(''), await read('/task')];
    const role = await (await fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI)).json();
    console.log(JSON.stringify([container.Name, container.KnownStatus, task.TaskARN, task.Family, task.Limits, task.LaunchType, role.RoleArn]));
    console.log(String((await fetch(base + '0/task')).status));`;
  const role = 'arn:aws:iam::123456789012:role/task';
  const task = await ended(
    {
      ...sh(''),
      command: [process.execPath, '-e', script],
      logConfiguration: awslogs({ 'awslogs-create-group': 'true' }),
    },
    { taskRoleArn: role },
  );
  const [line, missing] = await output(streamOf(task), 2);
  expect(JSON.parse(line ?? '')).toEqual([
    'main',
    'RUNNING',
    task.taskArn,
    'm',
    { CPU: 1, Memory: 2048 },
    'MANAGED_INSTANCES',
    role,
  ]);
  expect(missing).toBe('400');
});

test('StopTask sends SIGTERM, and a trap’s exit code is kept', async () => {
  const trap = sh('trap "exit 9" TERM; echo up; while :; do sleep 0.02; done', {
    logConfiguration: awslogs({ 'awslogs-create-group': 'true' }),
  });
  const task = await start1(trap);
  await output(streamOf(task), 1);
  await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: task.taskArn, reason: 'enough' }));
  expect(await until(task, 'STOPPED')).toMatchObject({ stopCode: 'UserInitiated', containers: [{ exitCode: 9 }] });
});

test('after a Spot warning SIGKILL comes with the scaled two minutes, before a longer stop time-out', async () => {
  await e.stop();
  await start({ faults: { rules: [{ task: {}, at: 'RUNNING', afterMs: 300, event: 'spotReclaim' }] } });
  const deaf = sh('trap "" TERM; while :; do sleep 0.02; done', { stopTimeout: 120 });
  await register(e, fargateDefinition({ containerDefinitions: [deaf] }));
  const strategy = {
    launchType: undefined,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
  };
  const task = await run(e, onFargate(strategy));
  for (let warned = false; !warned; await pause()) {
    const [now] = await see(e, task);
    warned = now?.stopCode === 'TerminationNotice';
    if (warned) expect(now).toMatchObject({ lastStatus: 'RUNNING', desiredStatus: 'STOPPED' });
  }
  expect(await until(task, 'STOPPED')).toMatchObject({ stopCode: 'SpotInterruption', containers: [{ exitCode: 137 }] });
});

test.each<[string, ContainerDefinition, RegExp, number | undefined]>([
  [
    'an unknown program',
    { name: 'main', image: 'none', command: ['no-such-program'] },
    /^CannotStartContainerError: .*exec: "no-such-program": executable file not found/,
    127,
  ],
  ['no command', { name: 'main', image: 'none' }, /^CannotStartContainerError/, 127],
  [
    'secrets',
    sh('true', { secrets: [{ name: 'S', valueFrom: 'arn:aws:ssm:eu-west-1:123456789012:parameter/s' }] }),
    /^ResourceInitializationError: unable to pull secrets/,
    undefined,
  ],
  [
    'a log group that is not there',
    sh('true', { logConfiguration: awslogs() }),
    /^ResourceInitializationError: failed to validate logger args: .*The specified log group does not exist/,
    undefined,
  ],
])('does not start with %s', async (_, container, reason, exitCode) => {
  const task = await ended(container);
  expect(task).toMatchObject({ stopCode: 'TaskFailedToStart', stoppedReason: expect.stringMatching(reason) });
  expect(task.containers?.[0]?.exitCode).toBe(exitCode);
});

test('a volume is a path of the machine where that harms nobody; elsewhere the container is not created', async () => {
  const mount = (containerPath: string, script: string) =>
    ended(sh(script, { mountPoints: [{ sourceVolume: 'v', containerPath }] }), { volumes: [{ name: 'v', host: {} }] });
  const path = join(data, 'work');
  expect(await mount(path, `echo x > ${path}/y`)).toMatchObject({ containers: [{ exitCode: 0 }] });
  const refused = await mount('/mnt/stint-nowhere', 'true');
  expect(refused).toMatchObject({
    stopCode: 'TaskFailedToStart',
    stoppedReason: expect.stringMatching(/^CannotCreateContainerError: .*\/mnt\/stint-nowhere/),
  });
});

test('containers of a task stop in the reverse order of their dependencies', async () => {
  const order = join(data, 'order');
  const container = (
    name: string,
    essential: boolean,
    dependsOn: ContainerDefinition['dependsOn'] = [],
  ): ContainerDefinition => ({
    ...sh(`trap 'echo ${name} >> ${order}; exit 0' TERM; while :; do sleep 0.02; done`),
    name,
    essential,
    dependsOn,
  });
  await register(e, {
    ...managedDefinition(),
    containerDefinitions: [
      container('base', true),
      container('top', false, [{ containerName: 'middle', condition: 'START' }]),
      container('middle', false, [{ containerName: 'base', condition: 'START' }]),
    ],
  });
  const task = await run(e, onManaged());
  await until(task, 'RUNNING');
  await new Promise((resolve) => void setTimeout(resolve, 200));
  await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: task.taskArn }));
  await until(task, 'STOPPED');
  expect(readFileSync(order, 'utf8').trim().split('\n')).toEqual(['top', 'middle', 'base']);
});

test('with a logs endpoint in its environment, output is written there, signed, with a retry', async () => {
  const calls: { target: string; authorization: string; body: Record<string, unknown> }[] = [];
  const streams = new Set<unknown>();
  let failures = 1;
  const elsewhere = createServer((request: IncomingMessage, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
      const target = String(request.headers['x-amz-target']);
      calls.push({ target, authorization: String(request.headers.authorization), body });
      const known = streams.has(body['logStreamName']);
      const down = target.endsWith('PutLogEvents') && known && failures-- > 0;
      if (target.endsWith('CreateLogStream')) streams.add(body['logStreamName']);
      if (target.endsWith('PutLogEvents') && (!known || down)) {
        response.statusCode = down ? 503 : 400;
        response.end(
          JSON.stringify({ __type: down ? 'ServiceUnavailableException' : 'ResourceNotFoundException', message: '' }),
        );
      } else {
        response.end(target.endsWith('DescribeLogGroups') ? '{"logGroups":[{"logGroupName":"/ecs/x"}]}' : '{}');
      }
    })();
  });
  await new Promise<void>((resolve) => void elsewhere.listen(0, '127.0.0.1', resolve));
  const { port } = elsewhere.address() as AddressInfo;
  await e.stop();
  await start({ env: { AWS_ENDPOINT_URL_LOGS: `http://127.0.0.1:${port}` } });
  const task = await ended(sh('echo far away', { logConfiguration: awslogs() }));
  while (
    !calls.some(
      ({ target, body }) =>
        target === 'Logs_20140328.PutLogEvents' && streams.has(body['logStreamName']) && failures < 0,
    )
  )
    await pause();
  elsewhere.close();
  const last = calls.at(-1);
  expect(last).toMatchObject({
    target: 'Logs_20140328.PutLogEvents',
    body: { logGroupName: '/ecs/x', logStreamName: streamOf(task), logEvents: [{ message: 'far away' }] },
  });
  expect(last?.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=emulated\/\d{8}\/eu-west-1\/logs\/aws4_request, /);
});

test('what still runs at the end is ended', async () => {
  const task = await start1(sh('exec sleep 600'));
  await until(task, 'RUNNING');
  expect(readdirSync(join(data, 'containers'))).toHaveLength(1);
});

fitsTheServiceModels();
