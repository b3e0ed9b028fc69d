// SPDX-License-Identifier: Apache-2.0
import {
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  ListTaskDefinitionFamiliesCommand,
  ListTaskDefinitionsCommand,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import type { ContainerDefinition, RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emulated, fargateDefinition, fitsTheServiceModels, managedDefinition, refusal } from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
beforeAll(async () => {
  e = await emulated();
});
afterAll(() => e.stop());

const container = (
  change: Partial<ContainerDefinition>,
): RegisterTaskDefinitionCommandInput['containerDefinitions'] => [{ name: 'main', image: 'busybox', ...change }];
const fargate = (change: Partial<ContainerDefinition>) =>
  fargateDefinition({ containerDefinitions: container(change) });
const managed = (change: Partial<ContainerDefinition>) =>
  managedDefinition({ containerDefinitions: container(change) });
const awslogs = (options: Record<string, string> = {}): Partial<ContainerDefinition> => ({
  logConfiguration: {
    logDriver: 'awslogs',
    options: { 'awslogs-group': 'g', 'awslogs-region': 'eu-west-1', 'awslogs-stream-prefix': 'p', ...options },
  },
});
const linux = (linuxParameters: ContainerDefinition['linuxParameters']): Partial<ContainerDefinition> => ({
  linuxParameters,
});
const register = (input: RegisterTaskDefinitionCommandInput) => e.ecs.send(new RegisterTaskDefinitionCommand(input));

describe('the sizes of Fargate', () => {
  const step = (from: number, to: number, by: number): number[] =>
    Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);
  const table: Record<number, number[]> = {
    256: [512, 1024, 2048],
    512: step(1024, 4096, 1024),
    1024: step(2048, 8192, 1024),
    2048: step(4096, 16384, 1024),
    4096: step(8192, 30720, 1024),
    8192: step(16384, 61440, 4096),
    16384: step(32768, 122880, 8192),
    32768: [61440, 122880, 249856],
  };
  const allowed = Object.entries(table).flatMap(([cpu, list]) => list.map((memory) => `${cpu}/${memory}`));

  test('are these 77 pairs and no neighbours of them', async () => {
    expect(allowed).toHaveLength(77);
    const wrong: string[] = [];
    const candidates = new Set<string>();
    for (const [cpu, list] of Object.entries(table)) {
      for (const memory of list) {
        for (const near of [memory, memory - 512, memory + 512, memory + 1024, memory + 4096])
          candidates.add(`${cpu}/${near}`);
      }
    }
    for (const pair of candidates) {
      const [cpu = '', memory = ''] = pair.split('/');
      const ok = await register(fargateDefinition({ cpu, memory })).then(
        () => true,
        (error: Error) => {
          expect(error).toMatchObject({ name: 'ClientException' });
          return false;
        },
      );
      if (ok !== allowed.includes(pair)) wrong.push(pair);
    }
    expect(candidates.size).toBeGreaterThan(200);
    expect(wrong).toEqual([]);
  });

  test.each([
    ['.25 vCPU', '0.5 GB'],
    ['1vcpu', '2GB'],
    ['0.5 vCPU', '1 GB'],
  ])('can be written as %s and %s', async (cpu, memory) => {
    await register(fargateDefinition({ cpu, memory }));
  });
});

describe('what RegisterTaskDefinition refuses', () => {
  test.each<[string, RegisterTaskDefinitionCommandInput, RegExp]>([
    ['a family with a dot', fargateDefinition({ family: 'a.b' }), /Family contains invalid characters/],
    ['a family of 256 characters', fargateDefinition({ family: 'a'.repeat(256) }), /Family/],
    ['no container', fargateDefinition({ containerDefinitions: [] }), /empty/],
    [
      '11 containers',
      fargateDefinition({
        containerDefinitions: Array.from({ length: 11 }, (_, i) => ({ name: `c${i}`, image: 'x' })),
      }),
      /10 containers/,
    ],
    [
      'two containers of one name',
      fargateDefinition({
        containerDefinitions: [
          { name: 'a', image: 'x' },
          { name: 'a', image: 'x' },
        ],
      }),
      /unique/,
    ],
    ['a container without image', fargate({ image: undefined }), /image/],
    ['an image with a space', fargate({ image: 'a b' }), /image/],
    ['no essential container', fargate({ essential: false }), /essential/],
    ['64 KiB', fargate({ command: ['x'.repeat(65_536)] }), /65536/],
    ['a size that can’t be read', managedDefinition({ cpu: 'two' }), /cpu/],
    ['too little CPU', managedDefinition({ cpu: '127' }), /128/],
    ['containers larger than the task', fargate({ cpu: 512 }), /CPU units/],
    ['a container with more memory than the task', fargate({ memory: 1024 }), /lower than/],
    ['no memory anywhere', managedDefinition({ memory: undefined }), /At least one of 'memory' or 'memoryReservation'/],
    ['5 MiB', fargate({ memory: 5 }), /6 MiB/],
    [
      'a volume that is not there',
      fargate({ mountPoints: [{ sourceVolume: 'x', containerPath: '/x' }] }),
      /Unknown volume/,
    ],
    [
      'a volume of two kinds',
      fargateDefinition({ volumes: [{ name: 'v', host: {}, configuredAtLaunch: true }] }),
      /only one configuration/,
    ],
    [
      'two volumes for the launch',
      fargateDefinition({ volumes: ['a', 'b'].map((name) => ({ name, configuredAtLaunch: true })) }),
      /Only one volume/,
    ],
    [
      'a dependency on nobody',
      fargate({ dependsOn: [{ containerName: 'x', condition: 'START' }] }),
      /unknown container/,
    ],
    ['a dependency on itself', fargate({ dependsOn: [{ containerName: 'main', condition: 'START' }] }), /cycle/],
    [
      'SUCCESS of an essential container',
      fargateDefinition({
        containerDefinitions: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'x', dependsOn: [{ containerName: 'a', condition: 'SUCCESS' }] },
        ],
      }),
      /essential container/,
    ],
    [
      'HEALTHY of a container without a check',
      fargateDefinition({
        containerDefinitions: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'x', dependsOn: [{ containerName: 'a', condition: 'HEALTHY' }] },
        ],
      }),
      /health check/,
    ],
    ['a health check every second', fargate({ healthCheck: { command: ['CMD', 'true'], interval: 1 } }), /interval/],
    [
      'a restart every second',
      fargate({ restartPolicy: { enabled: true, restartAttemptPeriod: 1 } }),
      /restartAttemptPeriod/,
    ],
    [
      'awslogs without a group',
      fargate({ logConfiguration: { logDriver: 'awslogs', options: {} } }),
      /awslogs-group, awslogs-region/,
    ],
    [
      'awslogs without a prefix',
      { ...fargate(awslogs({ 'awslogs-stream-prefix': '' })), executionRoleArn: 'r' },
      /awslogs-stream-prefix/,
    ],
    [
      'an option that awslogs has not',
      { ...fargate(awslogs({ 'awslogs-colour': 'red' })), executionRoleArn: 'r' },
      /awslogs-colour/,
    ],
    ['a bad mode', { ...fargate(awslogs({ mode: 'lossy' })), executionRoleArn: 'r' }, /mode/],
    ['a tag of AWS', fargateDefinition({ tags: [{ key: 'AWS:x', value: '' }] }), /aws:/],
    [
      'a bad constraint',
      managedDefinition({ placementConstraints: [{ type: 'memberOf', expression: '(' }] }),
      /expression/,
    ],
    // Fargate
    ['Fargate in bridge', fargateDefinition({ networkMode: 'bridge' }), /only supports network mode 'awsvpc'/],
    ['Fargate without a network mode', fargateDefinition({ networkMode: undefined }), /awsvpc/],
    [
      'Fargate without sizes',
      fargateDefinition({ memory: undefined, containerDefinitions: container({ memory: 512 }) }),
      /task level/,
    ],
    ['Fargate with 20 GiB of disk', fargateDefinition({ ephemeralStorage: { sizeInGiB: 20 } }), /21 to 200/],
    ['Fargate with 201 GiB of disk', fargateDefinition({ ephemeralStorage: { sizeInGiB: 201 } }), /21 to 200/],
    [
      'Fargate with constraints',
      fargateDefinition({ placementConstraints: [{ type: 'memberOf', expression: 'attribute:a exists' }] }),
      /constraints/,
    ],
    [
      'Fargate with a host path',
      fargateDefinition({ volumes: [{ name: 'v', host: { sourcePath: '/tmp' } }] }),
      /sourcePath/,
    ],
    ['Fargate with ipcMode', fargateDefinition({ ipcMode: 'task' }), /ipcMode/],
    ['Fargate with the host’s pids', fargateDefinition({ pidMode: 'host' }), /pidMode/],
    ['Fargate, privileged', fargate({ privileged: true }), /privileged/],
    ['Fargate with a device', fargate(linux({ devices: [{ hostPath: '/dev/fuse' }] })), /devices/],
    ['Fargate with SYS_ADMIN', fargate(linux({ capabilities: { add: ['SYS_ADMIN'] } })), /SYS_ADMIN/],
    ['Fargate with shared memory', fargate(linux({ sharedMemorySize: 64 })), /sharedMemorySize/],
    ['Fargate with a GPU', fargate({ resourceRequirements: [{ type: 'GPU', value: '1' }] }), /resourceRequirements/],
    ['Fargate with a stop time-out of 121 s', fargate({ stopTimeout: 121 }), /stopTimeout/],
    ['Fargate with json-file', fargate({ logConfiguration: { logDriver: 'json-file' } }), /json-file/],
    [
      'Fargate with awslogs and no execution role',
      fargate(awslogs()),
      /execution role ARN to support log driver awslogs/,
    ],
    ['Fargate with DNS servers', fargate({ dnsServers: ['10.0.0.1'] }), /dnsServers/],
    [
      'Fargate with a limit of processes',
      fargate({ ulimits: [{ name: 'nproc', softLimit: 1, hardLimit: 1 }] }),
      /ulimits/,
    ],
    // Managed Instances
    ['Managed Instances in bridge', managedDefinition({ networkMode: 'bridge' }), /'awsvpc' and 'host'/],
    ['Managed Instances without a network mode', managedDefinition({ networkMode: undefined }), /must be set/],
    [
      'Managed Instances with ephemeral storage',
      managedDefinition({ ephemeralStorage: { sizeInGiB: 50 } }),
      /ephemeralStorage/,
    ],
    ['Managed Instances with ipcMode', managedDefinition({ ipcMode: 'host' }), /ipcMode/],
    ['Managed Instances with shared memory', managed(linux({ sharedMemorySize: 64 })), /sharedMemorySize/],
    ['Managed Instances with tmpfs', managed(linux({ tmpfs: [{ containerPath: '/t', size: 1 }] })), /tmpfs/],
    ['Managed Instances with swap', managed(linux({ swappiness: 1 })), /swappiness/],
    [
      'Managed Instances with /etc of the host',
      managedDefinition({ volumes: [{ name: 'v', host: { sourcePath: '/etc' } }] }),
      /\/var and \/tmp/,
    ],
    [
      'Managed Instances with a docker volume',
      managedDefinition({ volumes: [{ name: 'v', dockerVolumeConfiguration: {} }] }),
      /volume/,
    ],
    [
      'Managed Instances with Windows',
      managedDefinition({ runtimePlatform: { operatingSystemFamily: 'WINDOWS_SERVER_2022_CORE' } }),
      /WINDOWS/,
    ],
    ['Managed Instances with more than a day to stop', managed({ stopTimeout: 86_401 }), /86400/],
    ['Managed Instances with a host name', managed({ hostname: 'x' }), /hostname/],
    ['Managed Instances with half a GPU', managed({ resourceRequirements: [{ type: 'GPU', value: '.5' }] }), /GPU/],
    [
      'what only one of two can do',
      {
        ...managed(linux({ devices: [{ hostPath: '/dev/fuse' }] })),
        requiresCompatibilities: ['FARGATE', 'MANAGED_INSTANCES'],
        networkMode: 'awsvpc',
      },
      /devices/,
    ],
  ])('%s', async (_, input, message) => {
    const error = await refusal(register(input));
    expect(error).toMatchObject({ name: 'ClientException', $metadata: { httpStatusCode: 400 } });
    expect(error.message).toMatch(message);
  });
});

test('what Managed Instances can do and Fargate can not', async () => {
  const { taskDefinition } = await register(
    managedDefinition({
      family: 'able',
      pidMode: 'host',
      volumes: [{ name: 'v', host: { sourcePath: '/var/x' } }],
      containerDefinitions: container({
        privileged: true,
        stopTimeout: 86_400,
        linuxParameters: { devices: [{ hostPath: '/dev/fuse' }], capabilities: { add: ['SYS_ADMIN'] } },
        resourceRequirements: [{ type: 'GPU', value: 'ALL' }],
        logConfiguration: { logDriver: 'json-file' },
      }),
    }),
  );
  expect(taskDefinition).toMatchObject({
    revision: 1,
    status: 'ACTIVE',
    compatibilities: ['EC2', 'EXTERNAL', 'MANAGED_INSTANCES'],
    containerDefinitions: [{ name: 'main', essential: true, cpu: 0 }],
  });
});

test('a registered definition is described, listed, deregistered and deleted; revisions only grow', async () => {
  const family = 'life';
  for (let i = 0; i < 3; i++) await register(fargateDefinition({ family, tags: [{ key: 'n', value: String(i) }] }));
  const described = await e.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: family, include: ['TAGS'] }));
  expect(described).toMatchObject({
    taskDefinition: { family, revision: 3, cpu: '256', requiresCompatibilities: ['FARGATE'] },
    tags: [{ key: 'n', value: '2' }],
  });
  const arn = described.taskDefinition?.taskDefinitionArn ?? '';
  const list = async (o: object): Promise<string[]> =>
    ((await e.ecs.send(new ListTaskDefinitionsCommand({ familyPrefix: family, ...o }))).taskDefinitionArns ?? []).map(
      (each) => each.split(':').at(-1) ?? '',
    );
  expect(await list({})).toEqual(['1', '2', '3']);
  expect(await list({ sort: 'DESC', maxResults: 2 })).toEqual(['3', '2']);
  const gone = await e.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: arn }));
  expect(gone.taskDefinition).toMatchObject({ status: 'INACTIVE', deregisteredAt: expect.any(Date) });
  expect(await list({})).toEqual(['1', '2']);
  expect(await list({ status: 'INACTIVE' })).toEqual(['3']);
  expect(
    (await e.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: family }))).taskDefinition?.revision,
  ).toBe(2);
  expect((await e.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn }))).taskDefinition?.status).toBe(
    'INACTIVE',
  );
  const deleted = await e.ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [arn, `${family}:1`] }));
  expect(deleted.taskDefinitions).toMatchObject([{ status: 'DELETE_IN_PROGRESS' }]);
  expect(deleted.failures).toMatchObject([{ reason: 'TASK_DEFINITION_NOT_INACTIVE' }]);
  expect(await refusal(e.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn })))).toMatchObject({
    name: 'ClientException',
    message: 'Unable to describe task definition.',
  });
  expect((await register(fargateDefinition({ family }))).taskDefinition?.revision).toBe(4);
  const families = await e.ecs.send(new ListTaskDefinitionFamiliesCommand({ familyPrefix: 'lif' }));
  expect(families.families).toEqual([family]);
});

fitsTheServiceModels();
