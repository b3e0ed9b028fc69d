// SPDX-License-Identifier: Apache-2.0
// What comes back from an endpoint, read by the real SDK: an error of AWS, or a page of something in between.
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { DescribeClustersCommand, RunTaskCommand } from '@aws-sdk/client-ecs';
import { systemClock } from '@stint/local';
import { afterEach, expect, test, vi } from 'vitest';
import { toAppError } from '@stint/core/base';
import { createEcsClients } from './ecs-clients.ts';
import type { EcsClients } from './ecs-clients.ts';
import { surveyCluster } from './discover.ts';

interface Answer {
  status: number;
  type?: string;
  body: string;
  date?: Date;
}

let server: Server;
let clients: EcsClients;
const requests: IncomingMessage[] = [];
afterEach(async () => {
  clients.close();
  vi.unstubAllEnvs();
  requests.length = 0;
  await new Promise((resolve) => server.close(resolve));
});

async function answering(...answers: Answer[]): Promise<EcsClients> {
  server = createServer((request, response) => {
    request.resume();
    requests.push(request);
    const { status, body, type = 'application/x-amz-json-1.1', date } = answers[requests.length - 1] ?? answers[0]!;
    response.writeHead(status, { 'content-type': type, ...(date && { date: date.toUTCString() }) }).end(body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'any');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'any');
  clients = await createEcsClients('eu-west-1', systemClock(), {}, { attempts: 1 });
  return clients;
}

const describeClusters = (from: EcsClients) =>
  from.call('describe', 'DescribeClusters', () => from.ecs.send(new DescribeClustersCommand({})));
const said = (name: string): string => JSON.stringify({ __type: name, message: 'in its words' });
const page = '<html><body>Log in</body></html>';

test.each<[string, Answer, string, RegExp]>([
  [
    'a wrong secret',
    { status: 400, body: said('InvalidSignatureException') },
    'PERMISSION_DENIED/ACCESS_DENIED',
    /InvalidSignature/,
  ],
  [
    'no signature',
    { status: 403, body: said('MissingAuthenticationTokenException') },
    'PERMISSION_DENIED/ACCESS_DENIED',
    /Missing/,
  ],
  [
    'bad input',
    { status: 400, body: said('ValidationException') },
    'INVALID_ARGUMENT/INVALID_PARAMETER',
    /in its words/,
  ],
  ['an unknown refusal', { status: 400, body: said('NewException') }, 'FAILED_PRECONDITION/REFUSED', /NewException/],
  ['an unknown failure', { status: 500, body: said('NewFailure') }, 'UNAVAILABLE/SERVICE_UNAVAILABLE', /NewFailure/],
  ['a page', { status: 200, type: 'text/html', body: page }, 'UNAVAILABLE/UNREADABLE', /\(HTTP 200\) is none of AWS/],
  ['a page that denies', { status: 403, type: 'text/html', body: page }, 'UNAVAILABLE/UNREADABLE', /\(HTTP 403\)/],
  ['half an answer', { status: 200, body: '{"clusters": [ {' }, 'UNAVAILABLE/UNREADABLE', /none of AWS/],
  ['a gateway', { status: 502, type: 'text/html', body: page }, 'UNAVAILABLE/UNREADABLE', /\(HTTP 502\)/],
  ['too many', { status: 429, body: said('SlowDown') }, 'RESOURCE_EXHAUSTED/THROTTLED', /SlowDown/],
])('%s', async (_what, answer, kind, message) => {
  const error = toAppError(await describeClusters(await answering(answer)).catch((e: unknown) => e));
  expect(`${error.code}/${error.reason}`).toBe(kind);
  expect(error.message).toMatch(message);
  expect(error.message).not.toMatch(/hidden field|\n/);
});

test('an error without a name is none of AWS', async () => {
  const from = await answering({ status: 403, type: 'text/html', body: page });
  const call = () => from.call('ec2', 'DescribeVpcs', () => from.ec2.send(new DescribeVpcsCommand({})));
  await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'UNREADABLE' });
});

test('an empty answer says nothing of the cluster', async () => {
  await expect(surveyCluster(await answering({ status: 200, body: '{}' }), 'c')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    reason: 'UNREADABLE',
  });
});

test('a clock that is wrong is no lack of permission: the next call is signed with the time of AWS', async () => {
  const date = new Date(Date.now() + 3_600_000);
  const from = await answering(
    { status: 403, body: said('InvalidSignatureException'), date },
    { status: 200, body: '{"tasks":[]}', date },
  );
  const runTask = () => from.call('run', 'RunTask', () => from.once.send(new RunTaskCommand({ taskDefinition: 'x' })));
  await expect(runTask()).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'CLOCK_WRONG' });
  await runTask();
  const hourOf = (n: number) => String(requests[n]?.headers['x-amz-date']).slice(9, 11);
  expect(hourOf(1)).not.toBe(hourOf(0));
});
