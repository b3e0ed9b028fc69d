// SPDX-License-Identifier: Apache-2.0
// What a task's wants become on Managed Instances: the whole requests, as they went over HTTP.
import { createNoopEngine } from '@stint/local/tasks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callsFitTheServiceModels } from '../../../ecs-emulator/testing/service-models.ts';
import { emulatedCluster } from '../../testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../testing/emulated-cluster.ts';
import { expectSent, runOf, sent, specOf } from '../../testing/sent-requests.ts';
import type { Row } from '../../testing/sent-requests.ts';

const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;
const range = { vCpuCount: { min: 0 }, memoryMiB: { min: 0 } };
const shared = (name: string, gib: number): string =>
  `disk: the ${gib} GiB of ${name} are shared by all tasks of a host`;
const filters = (name: string): string =>
  `${name} may buy other machine types too: a constraint filters and does not steer what is bought`;

let cluster: EmulatedCluster;
beforeAll(async () => {
  cluster = await emulatedCluster({
    engineOf: () => createNoopEngine(),
    providers: [
      { name: 't4', requirements: { ...range, acceleratorCount: { min: 1, max: 4 }, acceleratorNames: ['t4'] } },
      { name: 'gpus', requirements: { ...range, allowedInstanceTypes: ['g4dn.*', 'g5.*'] } },
      { name: 'neuron', requirements: { ...range, acceleratorNames: ['inferentia'] } },
      { name: 'mi' },
      { name: 'mi-spot', spot: true },
      { name: 'c6i', requirements: { ...range, allowedInstanceTypes: ['c6i.*'] } },
      { name: 'arm', requirements: { ...range, allowedInstanceTypes: ['c7g.*'] } },
      { name: 'wide', storageGib: 200 },
    ],
  });
});
let log = '';
afterAll(() => cluster.stop());

const gpu = (count: number) => ({ resourceRequirements: [{ type: 'GPU' as const, value: String(count) }] });
const disk = (sizeGib: number, type: string | null = null, iops: number | null = null, mibS: number | null = null) => ({
  disk: { sizeGib, type, iops, throughputMibS: mibS },
});
const scratch = {
  definition: { volumes: [{ name: 'scratch', configuredAtLaunch: true }] },
  container: { mountPoints: [{ sourceVolume: 'scratch', containerPath: '/scratch' }] },
  main: { environment: [{ name: 'STINT_SCRATCH', value: '/scratch' }] },
};
const volume = (managedEBSVolume: object) => ({
  volumeConfigurations: [
    { name: 'scratch', managedEBSVolume: { roleArn: role('infra'), ...managedEBSVolume } as never },
  ],
});
const infra = { infrastructureRole: role('infra') };
const secrets = {
  TOKEN: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-AbCdEf:key::',
  HOST: 'arn:aws:ssm:eu-west-1:123456789012:parameter/prod/host',
};
const many = Object.fromEntries(Array.from({ length: 45 }, (_, i) => [`k${i}`, `v${i}`]));
const longest = 'x'.repeat(8_192 - JSON.stringify(runOf({ provider: '' }).overrides).length + 'true'.length);

const rows: Row[] = [
  { what: 'nothing asked: 1 CPU, 2 GiB', asked: {}, expected: { provider: 'mi' } },
  {
    what: 'a fraction of a CPU',
    asked: { wants: { cpus: 0.3, memoryMib: 600 } },
    expected: { provider: 'mi', overrides: { cpu: '307', memory: '600' } },
  },
  {
    what: 'less than the least: 128 units',
    asked: { wants: { cpus: 0.01, memoryMib: 6 } },
    expected: { provider: 'mi', overrides: { cpu: '128', memory: '6' } },
  },
  {
    what: 'as much as the limits allow',
    asked: { wants: { cpus: 16, memoryMib: 122_880 } },
    expected: { provider: 'mi', overrides: { cpu: '16384', memory: '122880' } },
  },
  {
    what: 'more, where the limits are raised',
    asked: { wants: { cpus: 32, memoryMib: 200_000 }, config: { limits: { maxCpus: 64, maxMemoryGib: 256 } } },
    expected: { provider: 'mi', overrides: { cpu: '32768', memory: '200000' } },
  },
  ...[null, 'nvidia-tesla-t4', 'NVIDIA T4', 'nvidia-t4', 't4'].map((type) => ({
    what: `2 accelerators of type ${type ?? 'any'}`,
    asked: { wants: { accelerator: { count: 2, type } } },
    expected: { provider: 't4', main: gpu(2), container: gpu(2) },
  })),
  {
    what: 'a type that instance types have, told by EC2',
    asked: { wants: { accelerator: { count: 1, type: 'nvidia-a10g' } } },
    expected: { provider: 'gpus', main: gpu(1), container: gpu(1) },
    warnings: ['gpus has accelerators of type t4 too, and may give those'],
  },
  {
    what: 'capacity with accelerators that is named, for a task that wants none',
    asked: { wants: { capacity: ['t4'] } },
    expected: { provider: 't4' },
  },
  {
    what: 'a disk within what a host has, without a role for volumes',
    asked: { wants: disk(80) },
    expected: { provider: 'mi' },
    warnings: [shared('mi', 80)],
  },
  {
    what: 'a larger one: the provider that has it',
    asked: { wants: disk(200) },
    expected: { provider: 'wide' },
    warnings: [shared('wide', 200)],
  },
  {
    what: 'a disk of the type that the provider is said to have',
    asked: { wants: disk(100, 'gp3'), config: { capacity: [{ name: 'wide', storageType: 'gp3' }] } },
    expected: { provider: 'wide' },
    warnings: [shared('wide', 200)],
  },
  ...[30, 16_384].map((sizeInGiB) => ({
    what: `a disk of ${sizeInGiB} GiB with a role: a volume of its own`,
    asked: { wants: disk(sizeInGiB), config: infra },
    expected: { provider: 'mi', ...scratch, run: volume({ sizeInGiB, volumeType: 'gp3' }) },
  })),
  {
    what: 'a volume with all that it can have',
    asked: {
      wants: disk(500, 'gp3', 4_000, 250),
      config: infra,
      executor: { env: { A: '1' } },
      spec: { labels: { team: 'x' } },
    },
    expected: {
      provider: 'mi',
      ...scratch,
      main: {
        environment: [
          { name: 'A', value: '1' },
          { name: 'STINT_SCRATCH', value: '/scratch' },
        ],
      },
      run: {
        tags: [{ key: 'team', value: 'x' }],
        ...volume({
          sizeInGiB: 500,
          volumeType: 'gp3',
          iops: 4_000,
          throughput: 250,
          tagSpecifications: [{ resourceType: 'volume', tags: [{ key: 'team', value: 'x' }] }],
        }),
      },
    },
  },
  {
    what: 'a volume of another type',
    asked: { wants: disk(100, 'io2', 10_000), config: infra },
    expected: { provider: 'mi', ...scratch, run: volume({ sizeInGiB: 100, volumeType: 'io2', iops: 10_000 }) },
  },
  {
    what: 'machine types that the provider buys alone',
    asked: { wants: { machineTypes: ['c6i.*'], capacity: ['c6i'] } },
    expected: {
      provider: 'c6i',
      run: { placementConstraints: [{ type: 'memberOf', expression: 'attribute:ecs.instance-type =~ c6i\\..*' }] },
    },
  },
  {
    what: 'machine types among others',
    asked: { wants: { machineTypes: ['c6i.large', 'm5*.xlarge'] } },
    expected: {
      provider: 'mi',
      run: {
        placementConstraints: [
          {
            type: 'memberOf',
            expression: '(attribute:ecs.instance-type == c6i.large) or (attribute:ecs.instance-type =~ m5.*\\.xlarge)',
          },
        ],
      },
    },
    warnings: [filters('mi')],
  },
  {
    what: 'arm64',
    asked: { wants: { arch: 'ARM64', capacity: ['arm'] } },
    expected: {
      provider: 'arm',
      definition: { runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' } },
    },
  },
  { what: 'Spot', asked: { wants: { spotPolicy: 'spot' } }, expected: { provider: 'mi-spot' } },
  { what: 'Spot first', asked: { config: { spotPolicy: 'spotFirst' } }, expected: { provider: 'mi-spot' } },
  {
    what: 'Fusion',
    asked: { wants: { fusion: true } },
    expected: {
      provider: 'mi',
      container: {
        linuxParameters: {
          initProcessEnabled: true,
          capabilities: { add: ['SYS_ADMIN'] },
          devices: [{ hostPath: '/dev/fuse', containerPath: '/dev/fuse', permissions: ['read', 'write', 'mknod'] }],
        },
      },
    },
  },
  {
    what: 'labels, cleaned',
    asked: { spec: { labels: { 'a b!': 'c?', 'ü/x': '' } } },
    expected: {
      provider: 'mi',
      run: {
        tags: [
          { key: 'a b_', value: 'c_' },
          { key: 'ü/x', value: '' },
        ],
      },
    },
  },
  {
    what: 'as many labels as may be',
    asked: { spec: { labels: many } },
    expected: { provider: 'mi', run: { tags: Object.entries(many).map(([key, value]) => ({ key, value })) } },
  },
  {
    what: 'the image’s own command, an entry point, a folder, variables',
    asked: { executor: { command: [], entryPoint: ['/bin/run'], workdir: '/w', env: { A: '1', B: '' } } },
    expected: {
      provider: 'mi',
      overrides: {
        containerOverrides: [
          {
            name: 'main',
            environment: [
              { name: 'A', value: '1' },
              { name: 'B', value: '' },
            ],
          },
        ],
      },
      container: { entryPoint: ['/bin/run'], workingDirectory: '/w' },
    },
  },
  {
    what: 'a command as long as may be',
    asked: { executor: { command: [longest] } },
    expected: { provider: 'mi', main: { command: [longest] } },
  },
  {
    what: 'secrets by ARN',
    asked: { executor: { secrets } },
    expected: {
      provider: 'mi',
      container: {
        secrets: [
          { name: 'TOKEN', valueFrom: secrets.TOKEN },
          { name: 'HOST', valueFrom: secrets.HOST },
        ],
      },
    },
  },
  {
    what: 'a stop time-out',
    asked: { spec: { stopTimeoutS: 600 } },
    expected: { provider: 'mi', container: { stopTimeout: 600 } },
  },
  {
    what: 'a network of its own: no public address there',
    asked: { config: { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'] } },
    expected: {
      provider: 'mi',
      definition: { networkMode: 'awsvpc' },
      run: {
        networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'] } },
      },
    },
  },
  { what: 'the host’s network, said', asked: { config: { networkMode: 'host' } }, expected: { provider: 'mi' } },
  {
    what: 'ECS Exec',
    asked: { config: { executeCommand: true, taskRole: role('task') } },
    expected: { provider: 'mi', definition: { taskRoleArn: role('task') }, run: { enableExecuteCommand: true } },
  },
  {
    what: 'a caller with a log group and a prefix of its own',
    asked: { config: { logsGroup: '/aws/ecs/nextflow' }, options: { logPrefix: 'nf' } },
    expected: {
      provider: 'mi',
      container: {
        logConfiguration: {
          logDriver: 'awslogs',
          options: {
            'awslogs-group': '/aws/ecs/nextflow',
            'awslogs-region': 'eu-west-1',
            'awslogs-stream-prefix': 'nf',
            mode: 'blocking',
          },
        },
      },
    },
  },
];

describe('exactly these requests are sent and accepted', () => {
  test.each(rows)('$what', async (row) => {
    await expectSent(cluster, row);
    log = cluster.logText();
  });
});

test('one definition serves all sizes, commands, labels and markets', async () => {
  const families = new Set<unknown>();
  for (const asked of [
    {},
    { wants: { cpus: 2, memoryMib: 4_096 } },
    { executor: { command: ['false'], env: { A: '1' } } },
    { spec: { labels: { a: 'b' } } },
    { wants: { spotPolicy: 'spot' as const } },
  ]) {
    families.add((await sent(cluster, asked)).run.request['taskDefinition']);
  }
  expect([...families]).toEqual([expect.stringMatching(/:1$/)]);
});

test('a character more than ECS takes is refused with both numbers', async () => {
  const compute = await cluster.compute();
  expect(compute.check(specOf({ executor: { command: [`${longest}x`] } }))).toEqual([
    'command and environment take 8193 characters, ECS takes 8192 at most',
  ]);
});

callsFitTheServiceModels(() => log);
