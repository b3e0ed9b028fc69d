// SPDX-License-Identifier: Apache-2.0
import { request } from 'node:http';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeCapacityProvidersCommand,
  DescribeClustersCommand,
  DescribeTasksCommand,
  ListClustersCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNT, emulated, fitsTheServiceModels, refusal, REGION } from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
beforeEach(async () => {
  e = await emulated();
});
afterEach(() => e.stop());

async function post(
  operation: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(e.endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': `AmazonEC2ContainerServiceV20141113.${operation}`, ...headers },
    body,
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test('no cluster exists at the start, and each Region has its own', async () => {
  const other = e.client('us-east-2');
  expect((await e.ecs.send(new ListClustersCommand())).clusterArns).toEqual([]);
  await other.send(new CreateClusterCommand({ clusterName: 'there' }));
  expect((await e.ecs.send(new ListClustersCommand())).clusterArns).toEqual([]);
  expect((await other.send(new ListClustersCommand())).clusterArns).toEqual([
    'arn:aws:ecs:us-east-2:123456789012:cluster/there',
  ]);
});

test('a call without any signature is answered', async () => {
  expect(await post('ListClusters', '{}')).toEqual({ status: 200, body: { clusterArns: [] } });
  expect(await post('ListClusters', '')).toEqual({ status: 200, body: { clusterArns: [] } });
});

test('members that AWS does not know are ignored, and the log names them', async () => {
  const body = { clusterName: 'c', colour: 'red', tags: [{ key: 'k', value: 'v', weight: 1 }], settings: null };
  expect((await post('CreateCluster', JSON.stringify(body))).status).toBe(200);
  const [line] = e.logLines();
  expect(line).toMatchObject({
    action: 'CreateCluster',
    service: 'ecs',
    request: body,
    status: 200,
    response: { cluster: { clusterName: 'c' } },
    unknown: ['colour', 'tags[0].weight'],
  });
  expect(Date.parse(line?.time ?? '')).not.toBeNaN();
});

test('the log has refusals too, with name and message', async () => {
  await refusal(e.ecs.send(new DescribeClustersCommand({ clusters: Array.from({ length: 101 }, (_, i) => `c${i}`) })));
  expect(e.logLines().at(-1)).toMatchObject({
    action: 'DescribeClusters',
    status: 400,
    error: { name: 'InvalidParameterException', message: expect.stringContaining('100') },
    unknown: [],
  });
});

describe('an ARN of another Region or account names nothing here', () => {
  const arnOf = (path: string, region = REGION, account = ACCOUNT): string =>
    `arn:aws:ecs:${region}:${account}:${path}`;
  const id = '0'.repeat(32);

  test.each([
    ['Region', 'us-east-1', ACCOUNT],
    ['account', REGION, '999999999999'],
  ])('%s', async (_what, region, account) => {
    await e.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
    const cluster = arnOf('cluster/c', region, account);
    expect(await refusal(e.ecs.send(new ListTasksCommand({ cluster })))).toMatchObject({
      name: 'ClusterNotFoundException',
    });
    expect(await e.ecs.send(new DescribeClustersCommand({ clusters: [cluster, arnOf('cluster/c')] }))).toMatchObject({
      clusters: [{ clusterArn: arnOf('cluster/c') }],
      failures: [{ arn: cluster, reason: 'MISSING' }],
    });
    const tasks = [arnOf(`task/c/${id}`, region, account)];
    expect(await refusal(e.ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks })))).toMatchObject({
      name: 'InvalidParameterException',
    });
  });
});

describe('what can not be read', () => {
  test.each([
    ['no JSON', 'ListClusters', '{"a":', 'SerializationException'],
    ['a list for an object', 'ListClusters', '[]', 'SerializationException'],
    ['text for a number', 'RunTask', '{"taskDefinition":"f","count":"2"}', 'SerializationException'],
    ['a number for text', 'RunTask', '{"taskDefinition":7}', 'SerializationException'],
    ['a fraction for a whole number', 'RunTask', '{"taskDefinition":"f","count":1.5}', 'SerializationException'],
    ['a required member that is absent', 'RunTask', '{}', 'InvalidParameterException'],
    ['a required member that is null', 'RegisterTaskDefinition', '{"family":null}', 'ClientException'],
    [
      'a value that no enum has',
      'RunTask',
      '{"taskDefinition":"f","launchType":"fargate"}',
      'InvalidParameterException',
    ],
    ['an operation that is not emulated', 'CreateService', '{}', 'UnknownOperationException'],
    ['an operation that does not exist', 'RunTasks', '{}', 'UnknownOperationException'],
  ])('%s', async (_, operation, body, name) => {
    const answer = await post(operation, body);
    expect(answer).toMatchObject({ status: 400, body: { __type: name } });
    expect(answer.body['message']).toBeTruthy();
  });

  test('the SDK has the name of the error', async () => {
    const error = await refusal(e.ecs.send(new CreateServiceCommand({ serviceName: 's' })));
    expect(error).toMatchObject({ name: 'UnknownOperationException', $fault: 'client' });
    expect(error.message).toContain('CreateService');
  });
});

function getAs(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(e.endpoint);
    request({ host: '127.0.0.1', port, method: 'POST', headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

test.each([
  ['evil.example', 403],
  ['evil.example:80', 403],
  ['127.0.0.1.evil.example', 403],
  ['localhost:9', 400],
  ['ecs.localhost', 400],
  ['[::1]:9', 400],
])('a Host header of %s is answered with %d', async (host, status) => {
  expect(await getAs(host)).toBe(status);
});

test('FARGATE and FARGATE_SPOT are there from the start', async () => {
  const { capacityProviders, failures } = await e.ecs.send(
    new DescribeCapacityProvidersCommand({ capacityProviders: ['FARGATE', 'FARGATE_SPOT', 'nope'] }),
  );
  expect(capacityProviders).toMatchObject([
    { name: 'FARGATE', type: 'FARGATE', status: 'ACTIVE' },
    { name: 'FARGATE_SPOT', type: 'FARGATE_SPOT', status: 'ACTIVE' },
  ]);
  expect(failures).toMatchObject([{ reason: 'MISSING' }]);
});

fitsTheServiceModels();
