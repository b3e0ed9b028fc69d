// SPDX-License-Identifier: Apache-2.0
// What a task's wants become on Fargate: the whole requests, as they went over HTTP.
import { DescribeSecurityGroupsCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import type { RunTaskCommandInput } from '@aws-sdk/client-ecs';
import { createNoopEngine } from '@stint/local/tasks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callsFitTheServiceModels } from '../../../ecs-emulator/testing/service-models.ts';
import { emulatedCluster, REGION } from '../../testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../testing/emulated-cluster.ts';
import { expectSent, specOf } from '../../testing/sent-requests.ts';
import type { Asked, Expected, Row } from '../../testing/sent-requests.ts';

let cluster: EmulatedCluster;
let log = '';
/** The default VPC's. */
let network: { subnets: string[]; securityGroups: string[] };
beforeAll(async () => {
  cluster = await emulatedCluster({ engineOf: () => createNoopEngine(), providers: [{ name: 'mi' }] });
  const ec2 = new EC2Client({ region: REGION });
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({}));
  network = {
    subnets: Subnets.flatMap((s) => s.SubnetId ?? []),
    securityGroups: SecurityGroups.filter((g) => g.GroupName === 'default').flatMap((g) => g.GroupId ?? []),
  };
  ec2.destroy();
});
afterAll(() => cluster.stop());

interface FargateRow extends Omit<Row, 'expected'> {
  expected?: Omit<Expected, 'provider'>;
  market?: 'FARGATE' | 'FARGATE_SPOT';
}
const infrastructureRole = 'arn:aws:iam::123456789012:role/infra';
const disk = (sizeGib: number, type: string | null = null): Asked => ({
  wants: { disk: { sizeGib, type, iops: null, throughputMibS: null } },
});
const ephemeral = (sizeInGiB: number) => ({ overrides: { ephemeralStorage: { sizeInGiB } } });
const scratch = (sizeInGiB: number, volumeType: string): Omit<Expected, 'provider'> => ({
  definition: { volumes: [{ name: 'scratch', configuredAtLaunch: true }] },
  container: { mountPoints: [{ sourceVolume: 'scratch', containerPath: '/scratch' }] },
  main: { environment: [{ name: 'STINT_SCRATCH', value: '/scratch' }] },
  run: {
    volumeConfigurations: [
      { name: 'scratch', managedEBSVolume: { roleArn: infrastructureRole, sizeInGiB, volumeType } },
    ],
  },
});
const size = (cpu: string, memory: string): Omit<Expected, 'provider'> => ({ overrides: { cpu, memory } });
const raised = { limits: { maxCpus: 32, maxMemoryGib: 244 } };

const rows: FargateRow[] = [
  { what: 'nothing asked: 1 CPU, 2 GiB', asked: {} },
  { what: 'the least pair', asked: { wants: { cpus: 0.1, memoryMib: 100 } }, expected: size('256', '512') },
  { what: 'memory up', asked: { wants: { cpus: 0.3, memoryMib: 600 } }, expected: size('512', '1024') },
  { what: 'CPUs up for the memory', asked: { wants: { cpus: 0.25, memoryMib: 2_049 } }, expected: size('512', '3072') },
  { what: 'both up', asked: { wants: { cpus: 3, memoryMib: 9_000 } }, expected: size('4096', '9216') },
  { what: 'steps of 4 GiB', asked: { wants: { cpus: 5, memoryMib: 17_000 } }, expected: size('8192', '20480') },
  { what: 'the most', asked: { wants: { cpus: 16, memoryMib: 122_880 } }, expected: size('16384', '122880') },
  {
    what: 'the row of 32 CPUs, where the limits are raised',
    asked: { wants: { cpus: 17, memoryMib: 2_048 }, config: raised },
    expected: size('32768', '61440'),
  },
  {
    what: '… with the most memory',
    asked: { wants: { cpus: 32, memoryMib: 122_881 }, config: raised },
    expected: size('32768', '249856'),
  },
  { what: 'a disk of 20 GiB: there already', asked: disk(20) },
  { what: 'a disk of 21 GiB', asked: disk(21), expected: ephemeral(21) },
  { what: 'a disk of 200 GiB', asked: disk(200), expected: ephemeral(200) },
  {
    what: 'a disk of 200 GiB, with a role for volumes',
    asked: { ...disk(200), config: { infrastructureRole } },
    expected: ephemeral(200),
  },
  { what: 'a disk of 201 GiB', asked: { ...disk(201), config: { infrastructureRole } }, expected: scratch(201, 'gp3') },
  {
    what: 'a disk with a type',
    asked: { ...disk(10, 'gp2'), config: { infrastructureRole } },
    expected: scratch(10, 'gp2'),
  },
  {
    what: 'no public address, and a network of its own',
    asked: { config: { assignPublicIp: false, subnets: ['subnet-1'], securityGroups: ['sg-1'] } },
    expected: {
      run: {
        networkConfiguration: {
          awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'], assignPublicIp: 'DISABLED' },
        },
      },
    },
  },
  {
    what: 'groups alone: in the default subnets',
    asked: { config: { securityGroups: ['sg-1'] } },
    expected: { run: { networkConfiguration: networkOf(['sg-1']) } },
  },
  {
    what: 'arm64',
    asked: { wants: { arch: 'ARM64' } },
    expected: { definition: { runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' } } },
  },
  { what: 'Spot', asked: { wants: { spotPolicy: 'spot' } }, market: 'FARGATE_SPOT' },
  {
    what: 'a stop time-out above what there is',
    asked: { spec: { stopTimeoutS: 600 } },
    expected: { container: { stopTimeout: 120 } },
    warnings: ['--stop-timeout: 600 s were asked, Fargate gives 120 s at most before SIGKILL'],
  },
  {
    what: 'a configured stop time-out above what there is',
    asked: { config: { stopTimeout: '5m' } },
    expected: { container: { stopTimeout: 120 } },
    warnings: ['aws.ecs.stopTimeout: 300 s were asked, Fargate gives 120 s at most before SIGKILL'],
  },
  {
    what: 'labels, ECS Exec, a role',
    asked: {
      spec: { labels: { a: 'b' } },
      config: { executeCommand: true, taskRole: 'arn:aws:iam::123456789012:role/task' },
    },
    expected: {
      definition: { taskRoleArn: 'arn:aws:iam::123456789012:role/task' },
      run: { tags: [{ key: 'a', value: 'b' }], enableExecuteCommand: true },
    },
  },
];

/** A thunk, as the subnets are known at the run only. */
function networkOf(securityGroups: string[] | null): RunTaskCommandInput['networkConfiguration'] {
  return {
    get awsvpcConfiguration() {
      const { subnets, securityGroups: found } = network;
      return { subnets, securityGroups: securityGroups ?? found, assignPublicIp: 'ENABLED' as const };
    },
  };
}

describe('exactly these requests are sent and accepted', () => {
  test.each(rows)('$what', async ({ asked, expected = {}, market = 'FARGATE', ...row }) => {
    await expectSent(cluster, {
      ...row,
      asked: { ...asked, config: { capacity: ['fargate', 'fargate_spot'], ...asked.config } },
      expected: { ...expected, provider: market, run: { networkConfiguration: networkOf(null), ...expected.run } },
    });
    log = cluster.logText();
  });
});

test.each<[Asked, string]>([
  [{ wants: { accelerator: { count: 1, type: null } } }, '1 accelerator(s) were asked, it has none'],
  [{ wants: { machineTypes: ['c6i.large'] } }, 'machine type c6i.large was asked, it has none to choose'],
  [{ wants: { fusion: true } }, 'Fusion needs SYS_ADMIN and /dev/fuse, which it does not allow'],
  [
    disk(201),
    'a disk of 201 GiB was asked, it has 200 GiB without a type; set aws.ecs.infrastructureRole for a volume of its own',
  ],
  [
    disk(20, 'gp3'),
    'a disk of 20 GiB of type gp3 was asked, it has 200 GiB without a type; set aws.ecs.infrastructureRole for a volume of its own',
  ],
  [disk(20, 'standard'), 'a disk of type standard was asked, Fargate takes all others'],
  [{ wants: { cpus: 17 } }, '17 CPUs were asked, aws.ecs.limits.maxCpus is 16'],
  [{ wants: { memoryMib: 121 * 1024 } }, '123904 MiB of memory were asked, aws.ecs.limits.maxMemoryGib is 120'],
])('Fargate has no %j', async (asked, says) => {
  const compute = await cluster.compute({ capacity: ['fargate'] });
  const none = { spotReclaims: 0, exhausted: [], inUse: { cpus: 0, memoryMib: 0 } };
  expect(await compute.place(specOf(asked).wants, 'onDemand', none)).toEqual({
    kind: 'never',
    problems: [`fargate: ${says}`],
  });
});

callsFitTheServiceModels(() => log);
