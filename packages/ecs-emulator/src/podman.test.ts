// SPDX-License-Identifier: Apache-2.0
// Real containers, where podman and the test image are here (.ci/run makes both); skipped elsewhere.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { StopTaskCommand } from '@aws-sdk/client-ecs';
import type { ContainerDefinition, RegisterTaskDefinitionCommandInput, Task } from '@aws-sdk/client-ecs';
import { startsContainers, testImage } from '@stint/contracts/suites';
import { systemClock } from '@stint/local';
import { createCliEngine } from '@stint/local/tasks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientConfig, managedDefinition, onManaged, register, run, see, served } from '../testing/emulated.ts';
import type { Served } from '../testing/emulated.ts';
import { realCluster } from '../testing/real.ts';

const image = testImage;
const here = startsContainers('podman');

describe.skipIf(!here)(here ? 'with podman' : `with podman (skipped: it starts no ${image} here, see .ci/run)`, () => {
  let e: Served;
  let data: string;
  let logs: CloudWatchLogsClient;
  /** Of this test's tasks: nothing of their containers may be left. */
  const ids: string[] = [];
  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), 'stint-podman-'));
    const dir = join(data, 'containers');
    const engine = createCliEngine({ command: 'podman', args: ['--pull', 'never'], dir, clock: systemClock() });
    e = await served({ engine, timeScale: 500, dataDir: data });
    logs = new CloudWatchLogsClient(clientConfig(e.endpoint));
    await realCluster(e);
  });
  afterEach(async () => {
    logs.destroy();
    await e.stop();
    rmSync(data, { recursive: true, force: true });
    for (const id of ids.splice(0)) {
      const left = spawnSync('podman', ['ps', '-aq', '--filter', `name=stint-ecs-${id}`], { encoding: 'utf8' });
      expect(left.stdout).toBe('');
    }
  });

  const main = (change: Partial<ContainerDefinition>): ContainerDefinition => ({
    name: 'main',
    image,
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': 'g',
        'awslogs-region': 'eu-west-1',
        'awslogs-stream-prefix': 'p',
        'awslogs-create-group': 'true',
      },
    },
    ...change,
  });
  async function until(task: Task, status: string): Promise<Task> {
    for (;;) {
      const [now] = await see(e, task);
      if (now?.lastStatus === status) return now;
      if (now?.lastStatus === 'STOPPED') throw new Error(`it ended: ${now.stoppedReason}`);
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
  }
  const started = async (
    containerDefinitions: ContainerDefinition[],
    change: Partial<RegisterTaskDefinitionCommandInput> = {},
  ): Promise<Task> => {
    await register(e, managedDefinition({ containerDefinitions, ...change }));
    const task = await run(e, onManaged());
    ids.push(task.taskArn?.split('/').at(-1) ?? '');
    return task;
  };
  const ended = async (...args: Parameters<typeof started>): Promise<Task> =>
    await until(await started(...args), 'STOPPED');
  /** Last lines may come after the task has stopped, as on AWS. */
  async function output(atLeast: number): Promise<(string | undefined)[]> {
    for (;;) {
      const { events = [] } = await logs
        .send(new FilterLogEventsCommand({ logGroupName: 'g' }))
        .catch(() => ({ events: [] }));
      if (events.length >= atLeast) return events.map(({ message }) => message);
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
  }

  test('two containers of a task share a volume, one after the other, and read their task’s metadata', async () => {
    const mountPoints = [{ sourceVolume: 'v', containerPath: '/mnt/shared' }];
    const first = main({
      name: 'init',
      essential: false,
      command: ['sh', '-c', 'echo made > /mnt/shared/x'],
      mountPoints,
    });
    const script =
      'cat /mnt/shared/x; wget -qO- $ECS_CONTAINER_METADATA_URI_V4/task | grep -o \'"Family":"[^"]*"\'; exit 5';
    const second = main({
      command: ['sh', '-c', script],
      mountPoints,
      dependsOn: [{ containerName: 'init', condition: 'SUCCESS' }],
    });
    const task = await ended([first, second], { volumes: [{ name: 'v', host: {} }] });
    expect(task.containers?.map(({ exitCode }) => exitCode)).toEqual([0, 5]);
    expect((await output(2)).toSorted()).toEqual(['"Family":"m"', 'made']);
  });

  test.each<[string, Partial<ContainerDefinition>, RegExp]>([
    ['an image that is not there', { image: 'localhost/stint-none:latest' }, /^CannotPullContainerError/],
    ['a program that is not there', { command: ['no-such-program'] }, /^CannotStartContainerError/],
  ])('%s: the task fails to start', async (_, change, reason) => {
    const task = await ended([main(change)]);
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart', stoppedReason: expect.stringMatching(reason) });
  });

  test('a container killed for its memory says so', async () => {
    const command = ['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=200M count=1'];
    const task = await ended([main({ command, memory: 32 })], { memory: '64' });
    expect(task.containers).toMatchObject([
      { exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' },
    ]);
  });

  test('StopTask sends SIGTERM', async () => {
    const task = await started([
      main({ command: ['sh', '-c', 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done'] }),
    ]);
    await until(task, 'RUNNING');
    expect(await output(1)).toEqual(['up']);
    await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: task.taskArn }));
    expect((await until(task, 'STOPPED')).containers?.[0]?.exitCode).toBe(9);
  });
});
