// SPDX-License-Identifier: Apache-2.0
import { toAppError } from '@stint/core';
import type { AppError } from '@stint/core';
import { expect, test } from 'vitest';
import { envName, readEcsConfig } from './ecs-config.ts';
import { fargateSizes } from './fargate-sizes.ts';
import { matchesType, typeConstraint, typeFit } from './instance-types.ts';
import { labelsToTags, problemsOfLabels } from './tags.ts';
import { familyOf } from './task-definition.ts';

const right = { cluster: 'c', executionRole: 'arn:aws:iam::123456789012:role/exec' };

test('defaults are those of docs/executor.md', () => {
  expect(readEcsConfig(right, {})).toEqual({
    ...right,
    networkMode: 'auto',
    assignPublicIp: true,
    spotPolicy: 'spotFirst',
    spotFallbackAfter: 1,
    maxSpotAttempts: 5,
    limits: { maxCpus: 16, maxMemoryGib: 120 },
    startTimeout: 1_800_000,
    pollInterval: 5_000,
    submitRateLimit: 40,
    stopTimeout: 120_000,
    logsGroup: '/aws/ecs/stint',
    logsRetentionDays: 30,
    executeCommand: false,
  });
});

const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;

test.each<[Record<string, unknown>, string]>([
  [{ cluster: undefined }, 'aws.ecs.cluster: is required'],
  [{ cluster: 'a b' }, 'aws.ecs.cluster: must be the name or ARN of a cluster, not "a b"'],
  [{ cluster: 7 }, 'aws.ecs.cluster: expected string, received number, not 7'],
  [{ executionRole: undefined }, 'aws.ecs.executionRole: is required'],
  ...(['executionRole', 'taskRole', 'infrastructureRole'] as const).flatMap(
    (key): [Record<string, unknown>, string][] =>
      ['exec', 'arn:aws:iam::123456789012:user/me', 'arn:aws:iam::12:role/x'].map((text) => [
        { [key]: text },
        `aws.ecs.${key}: must be an ARN like arn:aws:iam::123456789012:role/NAME, not "${text}"`,
      ]),
  ),
  [
    { instanceProfile: role('x') },
    `aws.ecs.instanceProfile: must be an ARN like arn:aws:iam::123456789012:instance-profile/NAME, not "${role('x')}"`,
  ],
  [{ pollInterval: '500ms' }, 'aws.ecs.pollInterval: must be 1s to 5m, not "500ms"'],
  [{ pollInterval: '301s' }, 'aws.ecs.pollInterval: must be 1s to 5m, not "301s"'],
  [{ pollInterval: 'often' }, 'aws.ecs.pollInterval: must be a duration like 5s, 30m or 2h, not "often"'],
  [{ pollInterval: 0 }, 'aws.ecs.pollInterval: must be a duration like 5s, 30m or 2h, not 0'],
  [{ startTimeout: '5s' }, 'aws.ecs.startTimeout: must be longer than pollInterval, 5 s, not "5s"'],
  [{ stopTimeout: '1s' }, 'aws.ecs.stopTimeout: must be 2s to 24h, not "1s"'],
  [{ maxSpotAttempts: 0 }, 'aws.ecs.maxSpotAttempts: Too small: expected number to be >=1, not 0'],
  [{ maxSpotAttempts: 101 }, 'aws.ecs.maxSpotAttempts: Too big: expected number to be <=100, not 101'],
  [{ spotFallbackAfter: 1.5 }, 'aws.ecs.spotFallbackAfter: expected int, received number, not 1.5'],
  [
    { spotPolicy: 'cheap' },
    'aws.ecs.spotPolicy: Invalid option: expected one of "spot"|"spotFirst"|"onDemand", not "cheap"',
  ],
  [
    { networkMode: 'bridge' },
    'aws.ecs.networkMode: Invalid option: expected one of "auto"|"host"|"awsvpc", not "bridge"',
  ],
  [{ submitRateLimit: 0 }, 'aws.ecs.submitRateLimit: Too small: expected number to be >0, not 0'],
  [{ limits: { maxCpus: -1 } }, 'aws.ecs.limits.maxCpus: Too small: expected number to be >0, not -1'],
  [{ assignPublicIp: 'yes' }, 'aws.ecs.assignPublicIp: expected boolean, received string, not "yes"'],
  [{ logsRetentionDays: 31 }, 'aws.ecs.logsRetentionDays: must be one of 1, 3, 5, 7, 14, 30, '],
  [{ logsGroup: 'a b' }, 'aws.ecs.logsGroup: must be of letters, digits and _ - / . #, 512 at most, not "a b"'],
  [{ logsGroup: 'aws/x' }, 'aws.ecs.logsGroup: must not begin with aws/, not "aws/x"'],
  [{ subnets: ['net-1'] }, 'aws.ecs.subnets[0]: must be a subnet id like subnet-0a1b, not "net-1"'],
  [{ securityGroups: ['x'] }, 'aws.ecs.securityGroups[0]: must be a security group id like sg-0a1b, not "x"'],
  [{ subnets: ['subnet-1'] }, 'aws.ecs.securityGroups: must be set where subnets are'],
  [
    { networkMode: 'awsvpc' },
    'aws.ecs.networkMode: awsvpc needs subnets with a route out: set aws.ecs.subnets, not "awsvpc"',
  ],
  [
    { networkMode: 'host', subnets: ['subnet-1'], securityGroups: ['sg-1'] },
    'aws.ecs.networkMode: host takes no subnets: remove aws.ecs.subnets, or use awsvpc',
  ],
  [{ executeCommand: true }, 'aws.ecs.executeCommand: needs aws.ecs.taskRole'],
  [{ capacity: [] }, 'aws.ecs.capacity: Too small: expected array to have >=1 items'],
  [{ capacity: ['a', 'a'] }, 'aws.ecs.capacity: a is listed twice'],
  [{ capacity: [{ name: 'mi', size: 1 }] }, 'aws.ecs.capacity[0].size: there is no such key'],
  [{ capacity: [{ name: 'fargate', maxCpus: 8 }] }, 'aws.ecs.capacity: fargate takes its name alone'],
  [{ surprise: 1 }, 'aws.ecs.surprise: there is no such key. Take it out'],
  [{ executionrole: role('x') }, 'aws.ecs.executionrole: there is no such key. Did you mean "executionRole"?'],
])('%j is one error that names the key and what was found', (change, says) => {
  const error = refusal({ ...right, ...change });
  expect(error.reason).toBe('BAD_CONFIG');
  expect(error.info.details?.['problems']).toEqual([expect.stringContaining(says)]);
});

function refusal(...args: Parameters<typeof readEcsConfig> | [Record<string, unknown>]): AppError {
  try {
    readEcsConfig(args[0], args[1] ?? {}, args[2]);
  } catch (e) {
    return toAppError(e);
  }
  throw new Error('was taken');
}

test('limits have a variable each, and a variable that there is not is no silence', () => {
  const file = { ...right, limits: { maxCpus: 8, maxMemoryGib: 60 } };
  const env = { STINT_AWS_ECS_LIMITS_MAX_CPUS: '32' };
  expect(readEcsConfig(file, env).limits).toEqual({ maxCpus: 32, maxMemoryGib: 60 });
  expect(readEcsConfig(right, { STINT_AWS_ECS_LIMITS_MAX_MEMORY_GIB: '244' }).limits.maxMemoryGib).toBe(244);
  const bad = refusal(file, { STINT_AWS_ECS_LIMITS_MAX_CPUS: 'many', STINT_AWS_ECS_CLUSTR: 'x', STINT_HOME: 'y' });
  expect(bad.info.details?.['problems']).toEqual([
    'STINT_AWS_ECS_CLUSTR: there is no such variable',
    expect.stringMatching(/^STINT_AWS_ECS_LIMITS_MAX_CPUS: /),
  ]);
});

test('all problems are told together, relations too, a variable by its own name and a key with its place', () => {
  expect(envName('executionRole')).toBe('STINT_AWS_ECS_EXECUTION_ROLE');
  const error = refusal(
    { cluster: 'c', maxSpotAttempts: 0, networkMode: 'awsvpc', pollInterval: '6m', wrong: 1 },
    { STINT_AWS_ECS_EXECUTION_ROLE: 'x', STINT_AWS_ECS_ASSIGN_PUBLIC_IP: 'yes', STINT_AWS_ECS_POLL_INTERVAL: '6m' },
    { at: (path) => `file:${path.length}: ` },
  );
  expect(error.message.split('\n').map((line) => line.split(': ').slice(0, -1).join(': '))).toEqual([
    'STINT_AWS_ECS_EXECUTION_ROLE',
    'STINT_AWS_ECS_ASSIGN_PUBLIC_IP',
    'file:23: aws.ecs.maxSpotAttempts: Too small',
    'file:13: aws.ecs.wrong',
    'STINT_AWS_ECS_POLL_INTERVAL',
    'file:19: aws.ecs.networkMode: awsvpc needs subnets with a route out',
  ]);
});

test('a caller has a log group of its own; a configured one comes before it', () => {
  const logsGroup = '/aws/ecs/nextflow';
  expect(readEcsConfig(right, {}, { logsGroup }).logsGroup).toBe(logsGroup);
  expect(readEcsConfig({ ...right, logsGroup: '/mine' }, {}, { logsGroup }).logsGroup).toBe('/mine');
  expect(readEcsConfig(right, { STINT_AWS_ECS_LOGS_GROUP: '/env' }, { logsGroup }).logsGroup).toBe('/env');
});

test('the pairs of Fargate are those of its table; the 32 vCPU row only where the limits allow it', () => {
  const pairs = fargateSizes(16, 120 * 1024);
  expect(pairs).toHaveLength(3 + 4 + 7 + 13 + 23 + 12 + 12);
  expect(
    fargateSizes(32, 244 * 1024)
      .filter((p) => p.cpus === 32)
      .map((p) => p.memoryMib),
  ).toEqual([61_440, 122_880, 249_856]);
});

test('globs match whole names, and nothing but * is special', () => {
  expect(matchesType('c6i.*', 'c6i.large')).toBe(true);
  expect(matchesType('c6i.*', 'c6id.large')).toBe(false);
  expect(matchesType('c.i', 'c6i')).toBe(false);
  expect(typeConstraint(['c6i.large'])).toBe('attribute:ecs.instance-type == c6i.large');
  expect(typeConstraint(['c6i.*', 'm5.large'])).toBe(
    '(attribute:ecs.instance-type =~ c6i\\..*) or (attribute:ecs.instance-type == m5.large)',
  );
});

test.each([
  [['c6i.large'], ['c6i.large'], [], 'steers'],
  [['c6i.*'], ['c6i.large'], [], 'steers'],
  [['c6i.large'], ['c6i.*'], [], 'filters'],
  [['c6i.large'], ['m5.*'], [], 'none'],
  [['c6i.large'], [], [], 'filters'],
  [['c6i.large'], ['c6i.*'], ['c6i.large'], 'none'],
] as const)('%j wanted of %j without %j: %s', (wanted, allowed, excluded, fit) => {
  expect(typeFit(wanted, allowed, excluded)).toBe(fit);
});

test('labels become tags in their alphabet', () => {
  expect(labelsToTags({ 'a b!': 'ü?*' })).toEqual([{ key: 'a b_', value: 'ü__' }]);
});

test.each([
  [{ 'aws:x': '1' }, "label aws:x: aws:x: tags that begin with aws: are AWS's own"],
  [{ x: 'AWS:y' }, "label x: AWS:y: tags that begin with aws: are AWS's own"],
  [{ 'a!': '1', 'a?': '2' }, 'labels a! and a? are the same tag: a_'],
  [{ ' ': '1' }, 'label " ": no character of it may be in a tag'],
  [{ ['k'.repeat(129)]: '' }, `label ${'k'.repeat(20)}…: a key has 128 characters at most, not 129`],
  [{ k: 'v'.repeat(257) }, 'label k: a value has 256 characters at most, not 257'],
  [
    Object.fromEntries(Array.from({ length: 46 }, (_, i) => [`k${i}`, ''])),
    '46 labels were given, AWS takes 45 of ours as tags',
  ],
])('labels %j can be no tags', (labels, says) => {
  expect(problemsOfLabels(labels)).toEqual([says]);
});

test.each(['busybox', 'quay.io/a/b_c:1.2', `x/${'y'.repeat(400)}@sha256:${'a'.repeat(64)}`, '///'])(
  'the family of %s is legal',
  (image) => {
    expect(familyOf(image, '0123456789abcdef')).toMatch(/^[A-Za-z0-9_-]{1,255}$/);
  },
);
