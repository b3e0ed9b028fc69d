// SPDX-License-Identifier: Apache-2.0
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

test.each([
  [{ executionRole: 'arn:aws:iam::123456789012:user/me' }, /aws\.ecs\.executionRole: is no ARN/],
  [{ executionRole: 'exec' }, /aws\.ecs\.executionRole: is no ARN/],
  [{ cluster: undefined }, /aws\.ecs\.cluster: is required/],
  [{ pollInterval: '500ms' }, /aws\.ecs\.pollInterval: is 0\.5 s, it must be 1s to 1m/],
  [{ pollInterval: 'often' }, /aws\.ecs\.pollInterval: is no duration/],
  [{ startTimeout: '5s' }, /aws\.ecs\.startTimeout: must be longer than pollInterval/],
  [{ maxSpotAttempts: 0 }, /aws\.ecs\.maxSpotAttempts/],
  [{ maxSpotAttempts: 101 }, /aws\.ecs\.maxSpotAttempts/],
  [{ logsRetentionDays: 31 }, /aws\.ecs\.logsRetentionDays: is one of/],
  [{ executeCommand: true }, /aws\.ecs\.executeCommand: needs taskRole/],
  [{ networkMode: 'awsvpc' }, /aws\.ecs\.networkMode: awsvpc needs subnets/],
  [{ subnets: ['net-1'] }, /aws\.ecs\.subnets\.0: is no subnet id/],
  [{ capacity: ['a', 'a'] }, /aws\.ecs\.capacity: a is listed twice/],
  [{ surprise: 1 }, /surprise/],
])('%j is refused by the name of its key', (change, says) => {
  expect(() => readEcsConfig({ ...right, ...change }, {})).toThrow(says);
});

test('all problems are told together, and a variable by its own name', () => {
  const read = () =>
    readEcsConfig({ maxSpotAttempts: 0 }, { [envName('executionRole')]: 'x', STINT_AWS_ECS_CLUSTER: 'c' });
  expect(envName('executionRole')).toBe('STINT_AWS_ECS_EXECUTION_ROLE');
  expect(read).toThrow(
    /STINT_AWS_ECS_EXECUTION_ROLE: is no ARN[^]*maxSpotAttempts|maxSpotAttempts[^]*STINT_AWS_ECS_EXECUTION_ROLE/,
  );
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

test('labels become tags in their alphabet; what can be none is said', () => {
  expect(labelsToTags({ 'a b!': 'ü?*' })).toEqual([{ key: 'a b_', value: 'ü__' }]);
  expect(problemsOfLabels({ 'aws:x': '1' })[0]).toContain('aws:');
  expect(problemsOfLabels({ 'a!': '1', 'a?': '2' })[0]).toContain('are the same tag');
  expect(problemsOfLabels(Object.fromEntries(Array.from({ length: 46 }, (_, i) => [`k${i}`, ''])))[0]).toContain(
    '46 labels',
  );
});

test.each(['busybox', 'quay.io/a/b_c:1.2', `x/${'y'.repeat(400)}@sha256:${'a'.repeat(64)}`, '///'])(
  'the family of %s is legal',
  (image) => {
    expect(familyOf(image, '0123456789abcdef')).toMatch(/^[A-Za-z0-9_-]{1,255}$/);
  },
);
