// SPDX-License-Identifier: Apache-2.0
import {
  CreateClusterCommand,
  DeregisterTaskDefinitionCommand,
  DescribeTasksCommand,
  ListTagsForResourceCommand,
  ListTasksCommand,
  PutClusterCapacityProvidersCommand,
  RunTaskCommand,
  StopTaskCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-ecs';
import type { RunTaskCommandInput } from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  emulated,
  fargateDefinition,
  fitsTheServiceModels,
  managedDefinition,
  noop,
  onFargate,
  onManaged,
  refusal,
  register,
  run,
  see,
  walk,
  withCluster,
} from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
beforeEach(async () => {
  e = await emulated();
  await withCluster(e);
  await register(
    e,
    fargateDefinition(),
    managedDefinition(),
    managedDefinition({ family: 'vpc', networkMode: 'awsvpc' }),
    fargateDefinition({ family: 'ebs', volumes: [{ name: 'disk', configuredAtLaunch: true }] }),
  );
});
afterEach(() => e.stop());

const ebs = (change: object): RunTaskCommandInput['volumeConfigurations'] => [
  { name: 'disk', managedEBSVolume: { roleArn: 'arn:aws:iam::123456789012:role/x', sizeInGiB: 100, ...change } },
];
const network = (change: object = {}): RunTaskCommandInput['networkConfiguration'] => ({
  awsvpcConfiguration: { subnets: ['subnet-1'], ...change },
});
const many = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const invalid = 'InvalidParameterException';

describe('what RunTask refuses', () => {
  test.each<[string, RunTaskCommandInput, string, RegExp]>([
    ['11 tasks', onFargate({ count: 11 }), invalid, /between 1 and 10/],
    ['no task', onFargate({ count: 0 }), invalid, /between 1 and 10/],
    ['a blank definition', onFargate({ taskDefinition: ' ' }), invalid, /blank/],
    ['an unknown definition', onFargate({ taskDefinition: 'nope' }), 'ClientException', /not found/],
    ['an unknown revision', onFargate({ taskDefinition: 'f:9' }), 'ClientException', /not found/],
    ['an unknown cluster', onFargate({ cluster: 'nope' }), 'ClusterNotFoundException', /not found/],
    [
      'the default cluster, which is not there',
      onFargate({ cluster: undefined }),
      'ClusterNotFoundException',
      /not found/,
    ],
    ['a startedBy with a colon', onFargate({ startedBy: 'a:b' }), invalid, /startedBy/],
    ['a startedBy of 129 characters', onFargate({ startedBy: 'a'.repeat(129) }), invalid, /startedBy/],
    ['a clientToken of 65 characters', onFargate({ clientToken: 'a'.repeat(65) }), invalid, /clientToken/],
    ['a clientToken with a space', onFargate({ clientToken: 'a b' }), invalid, /clientToken/],
    ['tags of SERVICE', onFargate({ propagateTags: 'SERVICE' }), invalid, /SERVICE/],
    ['51 tags', onFargate({ tags: many(51, (i) => ({ key: `k${i}`, value: '' })) }), invalid, /50/],
    ['a tag twice', onFargate({ tags: many(2, () => ({ key: 'k', value: 'v' })) }), invalid, /Duplicate/],
    ['a tag of AWS', onFargate({ tags: [{ key: 'aws:x', value: 'v' }] }), invalid, /aws:/],
    [
      'launch type and strategy',
      onManaged({ launchType: 'FARGATE' }),
      invalid,
      /Specifying both a launch type and capacity provider strategy is not supported/,
    ],
    ['an empty strategy', onManaged({ capacityProviderStrategy: [] }), invalid, /empty/],
    ['weight 0', onManaged({ capacityProviderStrategy: [{ capacityProvider: 'mi' }] }), invalid, /weight/],
    [
      'a provider twice',
      onManaged({ capacityProviderStrategy: many(2, () => ({ capacityProvider: 'mi', weight: 1 })) }),
      invalid,
      /duplicate/,
    ],
    [
      'a provider of no cluster',
      onManaged({ capacityProviderStrategy: [{ capacityProvider: 'nope', weight: 1 }] }),
      invalid,
      /not associated with the cluster/,
    ],
    [
      'Managed Instances beside Fargate',
      onManaged({
        capacityProviderStrategy: [
          { capacityProvider: 'mi', weight: 1 },
          { capacityProvider: 'FARGATE', weight: 1 },
        ],
      }),
      invalid,
      /mix/,
    ],
    [
      'the launch type MANAGED_INSTANCES',
      onManaged({ capacityProviderStrategy: undefined, launchType: 'MANAGED_INSTANCES' }),
      invalid,
      /strategy/,
    ],
    ['no way to run', onManaged({ capacityProviderStrategy: undefined }), invalid, /No Container Instances were found/],
    ['a definition for Fargate on Managed Instances', onManaged({ taskDefinition: 'f' }), invalid, /MANAGED_INSTANCES/],
    [
      'a definition for Managed Instances on Fargate',
      onFargate({ taskDefinition: 'm' }),
      invalid,
      /does not support launch_type FARGATE/,
    ],
    [
      'awsvpc without a network',
      onFargate({ networkConfiguration: undefined }),
      invalid,
      /must be provided when networkMode 'awsvpc'/,
    ],
    [
      'host with a network',
      onManaged({ networkConfiguration: network() }),
      invalid,
      /not valid for the given networkMode/,
    ],
    [
      'a public IP on Managed Instances',
      onManaged({ taskDefinition: 'vpc', networkConfiguration: network({ assignPublicIp: 'ENABLED' }) }),
      invalid,
      /Assign public IP is not supported for this launch type/,
    ],
    [
      '17 subnets',
      onFargate({ networkConfiguration: network({ subnets: many(17, (i) => `subnet-${i}`) }) }),
      invalid,
      /16/,
    ],
    ['no subnet', onFargate({ networkConfiguration: network({ subnets: [] }) }), invalid, /empty/],
    [
      'six groups',
      onFargate({ networkConfiguration: network({ securityGroups: many(6, (i) => `sg-${i}`) }) }),
      invalid,
      /5/,
    ],
    [
      'a subnet that is none',
      onFargate({ networkConfiguration: network({ subnets: ['sg-1'] }) }),
      invalid,
      /subnet ID/,
    ],
    [
      'constraints on Fargate',
      onFargate({ placementConstraints: [{ type: 'distinctInstance' }] }),
      invalid,
      /not supported with FARGATE/,
    ],
    ['a strategy of placement', onManaged({ placementStrategy: [{ type: 'random' }] }), invalid, /not supported/],
    [
      'a bad expression',
      onManaged({ placementConstraints: [{ type: 'memberOf', expression: 'x ==' }] }),
      invalid,
      /expression/,
    ],
    [
      '11 constraints',
      onManaged({ placementConstraints: many(11, () => ({ type: 'distinctInstance' })) }),
      invalid,
      /10/,
    ],
    ['a platform version on Managed Instances', onManaged({ platformVersion: 'LATEST' }), invalid, /platform version/],
    ['a platform version that does not exist', onFargate({ platformVersion: '9' }), 'PlatformUnknownException', /9/],
    ['ExecuteCommand without a role', onFargate({ enableExecuteCommand: true }), invalid, /taskRoleArn/],
    [
      'a pair that Fargate has not',
      onFargate({ overrides: { cpu: '256', memory: '4096' } }),
      'ClientException',
      /No Fargate configuration exists/,
    ],
    ['half a pair', onFargate({ overrides: { cpu: '1024' } }), 'ClientException', /No Fargate configuration exists/],
    [
      '20 GiB of ephemeral storage',
      onFargate({ overrides: { ephemeralStorage: { sizeInGiB: 20 } } }),
      'ClientException',
      /21 to 200/,
    ],
    [
      'ephemeral storage on Managed Instances',
      onManaged({ overrides: { ephemeralStorage: { sizeInGiB: 50 } } }),
      invalid,
      /not supported/,
    ],
    [
      'an override of nobody',
      onFargate({ overrides: { containerOverrides: [{ name: 'x' }] } }),
      invalid,
      /not a container in the TaskDefinition/,
    ],
    [
      'an override twice',
      onFargate({ overrides: { containerOverrides: many(2, () => ({ name: 'main' })) } }),
      invalid,
      /more than once/,
    ],
    [
      'a container larger than its task',
      onManaged({ overrides: { containerOverrides: [{ name: 'main', memory: 4096 }] } }),
      'ClientException',
      /lower than/,
    ],
    [
      'a GPU on Fargate',
      onFargate({
        overrides: { containerOverrides: [{ name: 'main', resourceRequirements: [{ type: 'GPU', value: '1' }] }] },
      }),
      invalid,
      /not supported with FARGATE/,
    ],
    [
      'half a GPU',
      onManaged({
        overrides: { containerOverrides: [{ name: 'main', resourceRequirements: [{ type: 'GPU', value: '0.5' }] }] },
      }),
      invalid,
      /GPU/,
    ],
    ['127 CPU units', onManaged({ overrides: { cpu: '127' } }), invalid, /128/],
    ['an unreadable size', onManaged({ overrides: { memory: 'much' } }), invalid, /memory/],
    ['a volume that it does not get', onFargate({ taskDefinition: 'ebs' }), invalid, /configuredAtLaunch/],
    ['a volume that it has not', onFargate({ volumeConfigurations: ebs({}) }), invalid, /configuredAtLaunch/],
    [
      'a volume without size',
      onFargate({ taskDefinition: 'ebs', volumeConfigurations: ebs({ sizeInGiB: undefined }) }),
      invalid,
      /sizeInGiB/,
    ],
    [
      'st1 of 100 GiB',
      onFargate({ taskDefinition: 'ebs', volumeConfigurations: ebs({ volumeType: 'st1' }) }),
      invalid,
      /125/,
    ],
    [
      'io2 without iops',
      onFargate({ taskDefinition: 'ebs', volumeConfigurations: ebs({ volumeType: 'io2' }) }),
      invalid,
      /required/,
    ],
    [
      'gp2 with iops',
      onFargate({ taskDefinition: 'ebs', volumeConfigurations: ebs({ volumeType: 'gp2', iops: 3000 }) }),
      invalid,
      /iops/,
    ],
    ['too few iops', onFargate({ taskDefinition: 'ebs', volumeConfigurations: ebs({ iops: 100 }) }), invalid, /3000/],
    [
      'a role that is none',
      onFargate({ taskDefinition: 'ebs', volumeConfigurations: ebs({ roleArn: 'x' }) }),
      invalid,
      /role/,
    ],
  ])('%s', async (_, input, name, message) => {
    const error = await refusal(e.ecs.send(new RunTaskCommand(input)));
    expect(error).toMatchObject({ name, $fault: 'client', $metadata: { httpStatusCode: 400 } });
    expect(error.message).toMatch(message);
    expect((await e.ecs.send(new ListTasksCommand({ cluster: 'c' }))).taskArns).toEqual([]);
  });

  test('an inactive definition', async () => {
    await e.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: 'f:1' }));
    const error = await refusal(e.ecs.send(new RunTaskCommand(onFargate({ taskDefinition: 'f:1' }))));
    expect(error).toMatchObject({ name: 'ClientException', message: 'TaskDefinition is inactive' });
  });

  test('overrides above 8192 characters, and not those of 8192', async () => {
    const of = (characters: number): RunTaskCommandInput => {
      const empty = { containerOverrides: [{ name: 'main', environment: [{ name: 'X', value: '' }] }] };
      const value = 'x'.repeat(characters - JSON.stringify(empty).length);
      return onFargate({ overrides: { containerOverrides: [{ name: 'main', environment: [{ name: 'X', value }] }] } });
    };
    await run(e, of(8_192));
    expect(await refusal(e.ecs.send(new RunTaskCommand(of(8_193))))).toMatchObject({
      name: invalid,
      message: 'Container Overrides length must be at most 8192',
    });
  });

  test('the task that would be number 501 in PROVISIONING', async () => {
    for (let i = 0; i < 50; i++) await e.ecs.send(new RunTaskCommand(onFargate({ count: 10 })));
    const error = await refusal(e.ecs.send(new RunTaskCommand(onFargate())));
    expect(error).toMatchObject({ name: 'ClientException' });
    expect(error.message).toMatch(/500 tasks in the PROVISIONING state/);
    await e.clock.advance(10_000);
    await run(e, onFargate());
  });
});

test('a task shows what it was asked for', async () => {
  const task = await run(e, {
    ...onFargate({ taskDefinition: 'ebs', volumeConfigurations: ebs({}) }),
    overrides: { cpu: '1 vCPU', memory: '3GB', containerOverrides: [{ name: 'main', command: ['true'] }] },
    tags: [{ key: 'k', value: 'v' }],
    enableECSManagedTags: true,
  });
  expect(task).toMatchObject({
    cpu: '1024',
    memory: '3072',
    platformVersion: '1.4.0',
    overrides: { cpu: '1 vCPU', containerOverrides: [{ name: 'main', command: ['true'] }] },
    tags: [
      { key: 'k', value: 'v' },
      { key: 'aws:ecs:clusterName', value: 'c' },
    ],
  });
  expect(task.attachments?.map(({ type }) => type)).toEqual(['ElasticNetworkInterface', 'AmazonElasticBlockStorage']);
});

test('without a strategy the cluster’s own one holds', async () => {
  await e.ecs.send(
    new PutClusterCapacityProvidersCommand({
      cluster: 'c',
      capacityProviders: ['FARGATE', 'FARGATE_SPOT', 'mi'],
      defaultCapacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
    }),
  );
  expect(await run(e, onFargate({ launchType: undefined }))).toMatchObject({ capacityProviderName: 'FARGATE_SPOT' });
});

test('a strategy spreads tasks by base and weight', async () => {
  const { tasks = [] } = await e.ecs.send(
    new RunTaskCommand(
      onFargate({
        launchType: undefined,
        count: 10,
        capacityProviderStrategy: [
          { capacityProvider: 'FARGATE', base: 2, weight: 1 },
          { capacityProvider: 'FARGATE_SPOT', weight: 3 },
        ],
      }),
    ),
  );
  expect(tasks.filter((task) => task.capacityProviderName === 'FARGATE')).toHaveLength(4);
});

describe('DescribeTasks', () => {
  test('knows ids and ARNs, and calls what it does not know MISSING', async () => {
    const task = await run(e, onFargate());
    const id = task.taskArn?.split('/').at(-1) ?? '';
    const nobody = 'f'.repeat(32);
    const { tasks, failures } = await e.ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks: [id, nobody] }));
    expect(tasks).toMatchObject([{ taskArn: task.taskArn }]);
    expect(failures).toEqual([{ arn: `arn:aws:ecs:eu-west-1:123456789012:task/c/${nobody}`, reason: 'MISSING' }]);
  });

  test.each<[string, string[], RegExp]>([
    ['no task', [], /empty/],
    ['101 tasks', many(101, (i) => String(i).padStart(32, '0')), /100/],
    ['an id that is none', ['abc'], /length should be one of/],
    [
      'a task of another cluster',
      [`arn:aws:ecs:eu-west-1:123456789012:task/d/${'f'.repeat(32)}`],
      /Identifier is for cluster d/,
    ],
  ])('refuses %s', async (_, tasks, message) => {
    const error = await refusal(e.ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks })));
    expect(error).toMatchObject({ name: invalid });
    expect(error.message).toMatch(message);
  });
});

describe('ListTasks', () => {
  test('filters by family, wished status and startedBy, and pages', async () => {
    for (let i = 0; i < 5; i++) await run(e, onFargate({ ...noop(0, 1e9), startedBy: `by/${i % 2}` }));
    await run(e, onManaged(noop(0, 1e9)));
    const list = async (filter: object): Promise<number> =>
      (await e.ecs.send(new ListTasksCommand({ cluster: 'c', ...filter }))).taskArns?.length ?? -1;
    expect(await list({})).toBe(6);
    expect(await list({ family: 'f' })).toBe(5);
    expect(await list({ launchType: 'FARGATE' })).toBe(5);
    expect(await list({ startedBy: 'by/1' })).toBe(2);
    expect(await list({ desiredStatus: 'PENDING' })).toBe(0);
    expect(await list({ desiredStatus: 'STOPPED' })).toBe(0);
    const pages: string[][] = [];
    for (let nextToken: string | undefined; pages.length < 10;) {
      const page = await e.ecs.send(new ListTasksCommand({ cluster: 'c', maxResults: 4, nextToken }));
      pages.push(page.taskArns ?? []);
      nextToken = page.nextToken;
      if (nextToken === undefined) break;
    }
    expect(pages.map((page) => page.length)).toEqual([4, 2]);
    expect(new Set(pages.flat()).size).toBe(6);
    const first = pages[0]?.[0];
    await e.ecs.send(new StopTaskCommand({ cluster: 'c', task: first }));
    expect(await list({})).toBe(5);
    expect(await list({ desiredStatus: 'STOPPED', family: 'f' })).toBe(1);
  });

  test.each([
    [{ startedBy: 'x', family: 'f' }, /only filter/],
    [{ maxResults: 101 }, /maxResults/],
    [{ nextToken: 'mine' }, /token/i],
  ])('refuses %j', async (filter, message) => {
    expect((await refusal(e.ecs.send(new ListTasksCommand({ cluster: 'c', ...filter })))).message).toMatch(message);
  });
});

test('StopTask of nobody is an invalid parameter', async () => {
  expect(await refusal(e.ecs.send(new StopTaskCommand({ cluster: 'c', task: 'f'.repeat(32) })))).toMatchObject({
    name: invalid,
    message: 'The referenced task was not found.',
  });
});

test('tags are put on, listed and taken off', async () => {
  const { taskArn: resourceArn } = await run(e, onFargate({ tags: [{ key: 'a', value: '1' }] }));
  await e.ecs.send(new TagResourceCommand({ resourceArn, tags: [{ key: 'a', value: '2' }, { key: 'b' }] }));
  await e.ecs.send(new UntagResourceCommand({ resourceArn, tagKeys: ['c'] }));
  const list = async (arn: string | undefined) =>
    (await e.ecs.send(new ListTagsForResourceCommand({ resourceArn: arn }))).tags;
  expect(await list(resourceArn)).toEqual([
    { key: 'a', value: '2' },
    { key: 'b', value: '' },
  ]);
  await e.ecs.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a'] }));
  expect(await list(resourceArn)).toEqual([{ key: 'b', value: '' }]);
  expect(await refusal(list('arn:aws:ecs:eu-west-1:123456789012:task/c/nope'))).toMatchObject({ name: invalid });
});

test('a full account gets the quota as a failure, and room again when tasks end', async () => {
  await e.stop();
  e = await emulated({ quotas: { fargateVcpus: 0.5 } });
  await e.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
  await register(e, fargateDefinition());
  const { tasks = [], failures } = await e.ecs.send(new RunTaskCommand(onFargate({ count: 3, ...noop(0, 60_000) })));
  expect(tasks).toHaveLength(2);
  expect(failures).toEqual([{ reason: expect.stringMatching(/limit on the number of vCPUs/) }]);
  for (const task of tasks) await walk(e, task);
  await run(e, onFargate());
});

test('a definition is found without its revision: the latest active one', async () => {
  await register(e, fargateDefinition({ cpu: '512', memory: '1024' }));
  const [first] = await see(e, await run(e, onFargate()));
  expect(first).toMatchObject({ taskDefinitionArn: expect.stringMatching(/f:2$/), cpu: '512' });
  await e.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: 'f:2' }));
  expect(await run(e, onFargate())).toMatchObject({ taskDefinitionArn: expect.stringMatching(/f:1$/) });
});

fitsTheServiceModels();
