// SPDX-License-Identifier: Apache-2.0
// What is wrong with settings and flags of a task on ECS: one error that names them, exit 2, and nothing made anywhere.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNoopEngine } from '@stint/local/tasks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { emulatedCluster } from '../../../aws/testing/emulated-cluster.ts';
import type { EmulatedCluster } from '../../../aws/testing/emulated-cluster.ts';
import { taskList, taskRun } from './index.ts';
import type { TaskRequest } from './index.ts';

const range = { vCpuCount: { min: 0 }, memoryMiB: { min: 0 } };
const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;
let cluster: EmulatedCluster;
beforeAll(async () => {
  cluster = await emulatedCluster({
    engineOf: () => createNoopEngine(),
    providers: [
      { name: 'mi' },
      { name: 'c6i', requirements: { ...range, allowedInstanceTypes: ['c6i.*'] } },
      { name: 'few', requirements: { ...range, allowedInstanceTypes: ['c6i.4xlarge', 'r6i.2xlarge', 'c7g.large'] } },
      { name: 'wide', requirements: { ...range, vCpuCount: { min: 4 }, acceleratorCount: { max: 0 } } },
      { name: 't4', requirements: { ...range, acceleratorNames: ['t4'], acceleratorCount: { min: 1, max: 4 } } },
      { name: 'neuron', requirements: { ...range, acceleratorNames: ['inferentia'] } },
    ],
  });
  // The region is the file's here.
  delete process.env['AWS_REGION'];
  await cluster.emptyCluster('bare');
  await cluster.emptyCluster('gone', 'INACTIVE');
});
afterAll(() => cluster.stop());

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-bad-input-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));

const right = `compute: ecs
aws:
  region: eu-west-1
  ecs:
    cluster: c
    executionRole: ${role('exec')}
`;
/** A line of `aws.ecs` more: the seventh of the file. */
const ecs = (...lines: string[]): string => `${right}${lines.map((line) => `    ${line}\n`).join('')}`;
const instead = (line: string, by: string): string => right.replace(new RegExp(`^.*\\b${line}:.*$`, 'm'), by);

/** `stint task run`, without its process. */
async function refused(yaml: string, request: Partial<TaskRequest> = {}, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(join(dir, 'stint.config.yaml'), yaml);
  const options = { env: { STINT_HOME: join(dir, 'home'), ...env }, cwd: dir };
  const result = await taskRun({
    ...options,
    request: { image: 'busybox', command: ['true'], ...request },
    stintCommand: [],
    onSignal: () => undefined,
  });
  if (!('error' in result.body)) throw new Error(`was taken: ${JSON.stringify(result.body)}`);
  const { message, hint } = result.body.error;
  // A right configuration shows that no task is there; a wrong one may not.
  writeFileSync(join(dir, 'stint.config.yaml'), 'compute: process\n');
  expect((await taskList(options)).body).toEqual({ tasks: [] });
  return { exit: result.exitCode, hint, message: message.replaceAll(`${dir}/`, '') };
}

const made = new Set(['RegisterTaskDefinition', 'RunTask', 'CreateCluster', 'CreateCapacityProvider']);
let before = 0;
beforeEach(() => {
  before = cluster.calls().length;
});
afterEach(() => {
  const since = cluster.calls().slice(before);
  expect(since.map((c) => c.action).filter((action) => made.has(action))).toEqual([]);
});

describe('a setting that is wrong', () => {
  test.each<[string, string, string]>([
    ['no cluster', instead('cluster', ''), 'stint.config.yaml:6: aws.ecs.cluster: is required'],
    [
      'a cluster that is not there',
      instead('cluster', '    cluster: nope'),
      'aws.ecs.cluster: there is no cluster nope in eu-west-1',
    ],
    ['one that was deleted', instead('cluster', '    cluster: gone'), 'aws.ecs.cluster: gone is INACTIVE, not ACTIVE'],
    [
      'one without capacity',
      instead('cluster', '    cluster: bare'),
      'aws.ecs.cluster: bare has no ACTIVE Managed Instances or Fargate provider; found: none',
    ],
    [
      'one of another region',
      instead('cluster', '    cluster: arn:aws:ecs:us-east-1:123456789012:cluster/c'),
      'stint.config.yaml:5: aws.ecs.cluster: is in us-east-1, and stint.config.yaml:3: aws.region is eu-west-1',
    ],
    [
      'a role that is none',
      instead('executionRole', '    executionRole: exec'),
      'stint.config.yaml:6: aws.ecs.executionRole: must be an ARN like arn:aws:iam::123456789012:role/NAME, not "exec"',
    ],
    ['no region', instead('region', ''), 'aws.region: is required, here or as AWS_REGION'],
    [
      'a region that is none',
      instead('region', '  region: nowhere'),
      'stint.config.yaml:3: aws.region: must be a region like eu-west-1, not "nowhere"',
    ],
    [
      'a poll interval',
      ecs('pollInterval: 100ms'),
      'stint.config.yaml:7: aws.ecs.pollInterval: must be 1s to 5m, not "100ms"',
    ],
    [
      'a start time-out within it',
      ecs('startTimeout: 5s', 'pollInterval: 10s'),
      'stint.config.yaml:7: aws.ecs.startTimeout: must be longer than pollInterval, 10 s, not "5s"',
    ],
    [
      'ECS Exec without a role',
      ecs('executeCommand: true'),
      'stint.config.yaml:7: aws.ecs.executeCommand: needs aws.ecs.taskRole',
    ],
    ['subnets without groups', ecs('subnets: [subnet-1]'), 'aws.ecs.securityGroups: must be set where subnets are'],
    [
      'capacity that is not there',
      ecs('capacity: [mi, big]'),
      'aws.ecs.capacity: big is not there or not ACTIVE; the cluster has: mi, c6i, few, wide, t4, neuron, fargate, fargate_spot',
    ],
    [
      'a key that does not exist',
      ecs('logGroup: /x'),
      'stint.config.yaml:7: aws.ecs.logGroup: there is no such key. Did you mean "logsGroup"?',
    ],
    [
      'one further up',
      `${right}local:\n  cpu: 4\n`,
      'stint.config.yaml:8: local.cpu: unknown key "cpu". Did you mean "cpus"?',
    ],
    ['another compute', right.replace('ecs\n', 'batch\n'), 'stint.config.yaml:1: compute: '],
    ['a key twice', `${right}aws: {}\n`, 'stint.config.yaml:7: Map keys must be unique'],
    ['no YAML', 'compute: [ecs\naws: 1\n', 'stint.config.yaml:2: '],
  ])('%s', async (_, yaml, says) => {
    const { exit, message } = await refused(yaml);
    expect(exit).toBe(2);
    expect(message).toContain(says);
    expect(message.split('\n')).toHaveLength(1);
  });

  test('all at once, in the order of the keys, and variables by their names', async () => {
    const yaml = right.replace('region: eu-west-1', 'region: here').replace('cluster: c', 'cluster: a b');
    const { exit, message } = await refused(
      `${yaml}    maxSpotAttempts: 0\n    networkMode: awsvpc\n`,
      {},
      { STINT_AWS_ECS_TASK_ROLE: 'task' },
    );
    expect(exit).toBe(2);
    expect(message.split('\n').map((line) => line.slice(0, 48))).toEqual(
      [
        'stint.config.yaml:3: aws.region: must be a region ',
        'stint.config.yaml:5: aws.ecs.cluster: must be the n',
        'STINT_AWS_ECS_TASK_ROLE: must be an ARN like arn:a',
        'stint.config.yaml:7: aws.ecs.maxSpotAttempts: Too ',
        'stint.config.yaml:8: aws.ecs.networkMode: awsvpc ne',
      ].map((line) => line.slice(0, 48)),
    );
  });

  test('a region of a variable is told by its name', async () => {
    const { message } = await refused(right, {}, { AWS_REGION: 'Ireland' });
    expect(message).toBe('AWS_REGION: must be a region like eu-west-1, not "Ireland"');
  });

  test('no default VPC, where Fargate needs a network', async () => {
    const ec2 = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/xml');
      answer.end('<DescribeVpcsResponse><requestId>1</requestId><vpcSet/></DescribeVpcsResponse>');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => ec2.once('listening', resolve));
    process.env['AWS_ENDPOINT_URL_EC2'] = `http://127.0.0.1:${(ec2.address() as AddressInfo).port}`;
    try {
      expect(await refused(ecs('capacity: [fargate]'))).toMatchObject({
        exit: 2,
        message: 'aws.ecs.subnets: not set, and there is no default VPC in this region',
        hint: expect.stringMatching(/aws\.ecs\.subnets and aws\.ecs\.securityGroups/),
      });
    } finally {
      delete process.env['AWS_ENDPOINT_URL_EC2'];
      ec2.close();
      ec2.closeAllConnections();
    }
  });
});

describe('a want that is wrong, or that nothing can fulfil', () => {
  test.each<[Partial<TaskRequest>, string]>([
    [{ cpus: '0' }, '--cpus "0": must be a number above 0'],
    [{ memory: 'much' }, '--memory "much": is no size: write 8, 512MB or 2GiB'],
    [{ gpu: '0' }, '--gpu "0": must be a whole number from 1 on'],
    [{ gpuType: 't4' }, '--gpu-type needs --gpu'],
    [{ arch: 'risc' }, '--arch "risc": there is x86_64, arm64'],
    [{ diskType: 'gp3' }, '--disk-type, --disk-iops and --disk-throughput need --disk'],
    [{ spotPolicy: 'cheap' }, '--spot-policy "cheap": there is spot, spotFirst, onDemand'],
    [{ timeLimit: 'soon' }, '--time-limit "soon": is no duration: write 30s, 10m or 2h'],
    [{ secret: ['TOKEN'] }, '--secret "TOKEN": must be KEY=VALUE'],
    [{ secret: ['TOKEN=abc'] }, 'secret TOKEN: "abc" is no ARN like arn:aws:secretsmanager:'],
    [
      { secret: ['A=arn:aws:ssm:eu-west-1:123456789012:parameter/a'], env: ['A=1'] },
      'secret A: there is a variable of this name, too',
    ],
    [{ label: ['aws:x=1'] }, "label aws:x: aws:x: tags that begin with aws: are AWS's own"],
    [{ label: ['a!=1', 'a?=2'] }, 'labels a! and a? are the same tag: a_'],
    [{ stopTimeout: '1s' }, 'stop time-out: 1 s were asked, ECS takes 2 s at least'],
    [{ command: ['x'.repeat(8_200)] }, 'command and environment take 8284 characters, ECS takes 8192 at most'],
    [{ disk: '100', diskType: 'gp9' }, 'disk type gp9: there is gp2, gp3, io1, io2, st1, sc1, standard'],
    [{ disk: '100', diskIops: '10' }, 'a gp3 disk has 3000 to 16000 IOPS, 10 were asked'],
    [{ disk: '100', diskType: 'io2' }, 'a io2 disk needs its IOPS: 100 to 256000'],
    [{ disk: '100', diskType: 'st1' }, 'a st1 disk has 125 to 16384 GiB, 100 were asked'],
    [{ capacity: ['fargate'], cpus: '17' }, 'nothing fits: fargate: 17 CPUs were asked, aws.ecs.limits.maxCpus is 16'],
    [{ capacity: ['mi'], cpus: '17' }, 'nothing fits: mi: 17 CPUs were asked, aws.ecs.limits.maxCpus is 16'],
    [
      { capacity: ['fargate'], memory: '121' },
      'nothing fits: fargate: 123904 MiB of memory were asked, aws.ecs.limits.maxMemoryGib is 120',
    ],
    [
      { capacity: ['mi'], memory: '121' },
      'nothing fits: mi: 123904 MiB of memory were asked, aws.ecs.limits.maxMemoryGib is 120',
    ],
    [
      { capacity: ['mi'], disk: '29' },
      'nothing fits: mi: a disk of 29 GiB was asked, Managed Instances have 30 to 16384',
    ],
    [{ disk: '16385' }, 'nothing fits: mi: a disk of 16385 GiB was asked, Managed Instances have 30 to 16384; '],
    [
      { capacity: ['mi'], disk: '81' },
      'mi: a disk of 81 GiB was asked, it has 80 GiB without a type; set aws.ecs.infrastructureRole',
    ],
    [
      { gpu: '1', gpuType: 'nvidia-tesla-h100' },
      't4: accelerator type nvidia-tesla-h100 was asked, it has t4; neuron: 1 accelerators were asked, it has 0 at most; fargate: 1 accelerator(s) were asked, it has none',
    ],
    [{ gpu: '5' }, 't4: 5 accelerators were asked, it has 4 at most'],
    [
      { capacity: ['c6i', 'fargate'], machineType: ['m7i.large'] },
      'nothing fits: c6i: machine type m7i.large was asked, it does not allow it; fargate: machine type m7i.large was asked, it has none to choose',
    ],
    [
      { capacity: ['few'], cpus: '4', memory: '60' },
      'nothing fits: few: 61440 MiB of memory were asked, it has 58982 at most',
    ],
    [
      { capacity: ['few'], cpus: '16', memory: '40' },
      'few: 40960 MiB of memory were asked with 16 CPUs, it has 29491 at most with so many',
    ],
    [
      { capacity: ['few'], cpus: '3', memory: '14', arch: 'arm64' },
      'nothing fits: few: 3 CPUs were asked, it has 2 at most',
    ],
    [
      { capacity: ['few'], machineType: ['r6i.*'], cpus: '9' },
      'nothing fits: few: 9 CPUs were asked, machine type r6i.* has 8 at most',
    ],
    [
      { capacity: ['wide'], machineType: ['m5.large', 'c6i.large'] },
      'nothing fits: wide: machine type m5.large, c6i.large was asked, it buys only such with at least 4 vCPU, no accelerators',
    ],
    [
      { capacity: ['few'], machineType: ['c7g.large'] },
      'nothing fits: few: machine type c7g.large: X86_64 was asked, it is ARM64',
    ],
    [{ capacity: ['c6i'], arch: 'arm64' }, 'nothing fits: c6i: arch ARM64 was asked, it has X86_64'],
    [{ capacity: ['fargate'], fusion: true }, 'nothing fits: fargate: Fusion needs SYS_ADMIN and /dev/fuse'],
    [{ capacity: ['mi'], spotPolicy: 'spot' }, 'nothing fits: mi: is on-demand, the policy is spot'],
    [{ capacity: ['big'] }, 'nothing fits: capacity big: not found'],
  ])('%#: $1', async (request, says) => {
    const { exit, message } = await refused(right, request);
    expect(exit).toBe(2);
    expect(message).toContain(says);
    expect(message.split('\n')).toHaveLength(1);
  });

  test('a secret, where tasks run on this machine', async () => {
    const secret = ['TOKEN=arn:aws:ssm:eu-west-1:123456789012:parameter/token'];
    expect(await refused('compute: process\n', { secret })).toMatchObject({
      exit: 2,
      message: 'secret TOKEN: only ECS fetches secrets; give it with --env here',
    });
  });

  test('all wrong flags at once', async () => {
    const { exit, message } = await refused(right, { cpus: '0', arch: 'risc', timeLimit: 'soon' });
    expect({ exit, lines: message.split('\n').length }).toEqual({ exit: 2, lines: 3 });
  });
});
