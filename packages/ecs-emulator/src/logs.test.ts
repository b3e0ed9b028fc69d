// SPDX-License-Identifier: Apache-2.0
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { GetLogEventsCommandInput } from '@aws-sdk/client-cloudwatch-logs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientConfig, emulated, fitsTheServiceModels, refusal } from '../testing/emulated.ts';
import type { Emulated } from '../testing/emulated.ts';

let e: Emulated;
let logs: CloudWatchLogsClient;
beforeEach(async () => {
  e = await emulated();
  logs = new CloudWatchLogsClient(clientConfig(e.endpoint));
  await logs.send(new CreateLogGroupCommand({ logGroupName: '/g/one' }));
  await logs.send(new CreateLogStreamCommand({ logGroupName: '/g/one', logStreamName: 's' }));
});
afterEach(async () => {
  logs.destroy();
  await e.stop();
});

const at = { logGroupName: '/g/one', logStreamName: 's' };
const put = (...events: [ms: number, message: string][]) =>
  logs.send(
    new PutLogEventsCommand({
      ...at,
      logEvents: events.map(([ms, message]) => ({ timestamp: e.clock.now() + ms, message })),
    }),
  );
const get = async (o: Partial<GetLogEventsCommandInput> = {}) => {
  const page = await logs.send(new GetLogEventsCommand({ ...at, ...o }));
  return { ...page, texts: page.events?.map(({ message }) => message) ?? [] };
};

describe('groups and streams', () => {
  test('are made once, described and deleted', async () => {
    expect(await refusal(logs.send(new CreateLogGroupCommand({ logGroupName: '/g/one' })))).toMatchObject({
      name: 'ResourceAlreadyExistsException',
    });
    await logs.send(new CreateLogGroupCommand({ logGroupName: '/g/two' }));
    await logs.send(new PutRetentionPolicyCommand({ logGroupName: '/g/two', retentionInDays: 30 }));
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/g/' }));
    expect(logGroups).toMatchObject([{ logGroupName: '/g/one' }, { logGroupName: '/g/two', retentionInDays: 30 }]);
    const first = await logs.send(new DescribeLogGroupsCommand({ limit: 1 }));
    const second = await logs.send(new DescribeLogGroupsCommand({ limit: 1, nextToken: first.nextToken }));
    expect([first, second].flatMap((page) => page.logGroups?.map((group) => group.logGroupName))).toEqual([
      '/g/one',
      '/g/two',
    ]);
    await logs.send(new DeleteLogGroupCommand({ logGroupName: '/g/two' }));
    expect(await refusal(logs.send(new DeleteLogGroupCommand({ logGroupName: '/g/two' })))).toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test.each<[string, () => Promise<unknown>]>([
    ['a group of AWS', () => logs.send(new CreateLogGroupCommand({ logGroupName: 'aws/x' }))],
    ['a group with a space', () => logs.send(new CreateLogGroupCommand({ logGroupName: 'a b' }))],
    ['31 days', () => logs.send(new PutRetentionPolicyCommand({ logGroupName: '/g/one', retentionInDays: 31 }))],
    [
      'a stream with a colon',
      () => logs.send(new CreateLogStreamCommand({ logGroupName: '/g/one', logStreamName: 'a:b' })),
    ],
    [
      'prefix and pattern',
      () => logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: 'a', logGroupNamePattern: 'b' })),
    ],
    ['events out of order', () => put([1, 'b'], [0, 'a'])],
    [
      'names and prefix of streams',
      () =>
        logs.send(
          new FilterLogEventsCommand({ logGroupName: '/g/one', logStreamNames: ['s'], logStreamNamePrefix: 's' }),
        ),
    ],
    ['a token of nobody', () => get({ nextToken: 'mine', startFromHead: true })],
  ])('%s is an invalid parameter', async (_, call) => {
    expect(await refusal(call())).toMatchObject({ name: 'InvalidParameterException' });
  });

  test('what is not there is said: the group, or the stream', async () => {
    const of = (logGroupName: string, logStreamName: string) =>
      refusal(logs.send(new GetLogEventsCommand({ logGroupName, logStreamName })));
    expect(await of('/g/none', 's')).toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining('log group'),
    });
    expect(await of('/g/one', 'none')).toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining('log stream'),
    });
  });

  test('streams are listed by name, or by their last event', async () => {
    await logs.send(new CreateLogStreamCommand({ logGroupName: '/g/one', logStreamName: 'a' }));
    await put([0, 'x']);
    const list = async (o: object) =>
      (await logs.send(new DescribeLogStreamsCommand({ logGroupName: '/g/one', ...o }))).logStreams?.map(
        (s) => s.logStreamName,
      );
    expect(await list({})).toEqual(['a', 's']);
    expect(await list({ logStreamNamePrefix: 's' })).toEqual(['s']);
    expect(await list({ orderBy: 'LastEventTime', descending: true })).toEqual(['s', 'a']);
  });
});

describe('GetLogEvents', () => {
  test('reads forward until the token stays the same, and goes on from there', async () => {
    await put([0, 'a'], [0, 'b'], [1, 'c']);
    const first = await get({ startFromHead: true, limit: 2 });
    expect(first.texts).toEqual(['a', 'b']);
    const second = await get({ startFromHead: true, nextToken: first.nextForwardToken });
    expect(second.texts).toEqual(['c']);
    const third = await get({ startFromHead: true, nextToken: second.nextForwardToken });
    expect(third.texts).toEqual([]);
    expect(third.nextForwardToken).toBe(second.nextForwardToken);
    await put([1, 'd']);
    expect((await get({ startFromHead: true, nextToken: third.nextForwardToken })).texts).toEqual(['d']);
  });

  test('an empty stream has a token too, from which the first events come', async () => {
    const empty = await get({ startFromHead: true });
    expect(empty.texts).toEqual([]);
    await put([0, 'a']);
    expect((await get({ startFromHead: true, nextToken: empty.nextForwardToken })).texts).toEqual(['a']);
  });

  test('without startFromHead it gives the last events, and reads backward', async () => {
    await put([0, 'a'], [1, 'b'], [2, 'c']);
    const last = await get({ limit: 2 });
    expect(last.texts).toEqual(['b', 'c']);
    expect((await get({ nextToken: last.nextBackwardToken })).texts).toEqual(['a']);
    expect((await get({ nextToken: last.nextForwardToken, startFromHead: true })).texts).toEqual([]);
  });

  test('a forward token needs startFromHead', async () => {
    const { nextForwardToken } = await get({ startFromHead: true });
    expect((await refusal(get({ nextToken: nextForwardToken }))).message).toMatch(/startFromHead/);
  });

  test('startTime is inclusive, endTime is not', async () => {
    await put([0, 'a'], [1, 'b'], [2, 'c']);
    const now = e.clock.now();
    expect((await get({ startTime: now + 1, endTime: now + 2 })).texts).toEqual(['b']);
  });

  test('a late event takes its place in time', async () => {
    await put([5, 'late']);
    await put([1, 'early']);
    expect((await get({ startFromHead: true })).texts).toEqual(['early', 'late']);
  });

  test('a page holds a mebibyte', async () => {
    for (let i = 0; i < 6; i++) await put([i, 'x'.repeat(250_000)]);
    const first = await get({ startFromHead: true });
    expect(first.texts).toHaveLength(4);
    expect((await get({ startFromHead: true, nextToken: first.nextForwardToken })).texts).toHaveLength(2);
  });

  test('text survives as it is', async () => {
    const text = 'ünï\u0000"\\\n\t🙂';
    await put([0, text]);
    expect((await get()).texts).toEqual([text]);
  });
});

test('events of two weeks ago and of tomorrow are not taken, and that is said', async () => {
  const { rejectedLogEventsInfo } = await put([-15 * 86_400_000, 'old']);
  expect(rejectedLogEventsInfo).toMatchObject({ tooOldLogEventEndIndex: 1 });
  expect((await put([86_400_000, 'new'])).rejectedLogEventsInfo).toMatchObject({ tooNewLogEventStartIndex: 0 });
  expect((await get({ startFromHead: true })).texts).toEqual([]);
});

test('FilterLogEvents goes through streams in order of time, by page and by pattern', async () => {
  await logs.send(new CreateLogStreamCommand({ logGroupName: '/g/one', logStreamName: 't' }));
  await put([0, 'error one'], [2, 'fine'], [4, 'error two']);
  const logEvents = [1, 3].map((ms) => ({ timestamp: e.clock.now() + ms, message: `error ${ms}` }));
  await logs.send(new PutLogEventsCommand({ ...at, logStreamName: 't', logEvents }));
  const filter = async (o: object) => {
    const texts: (string | undefined)[] = [];
    for (let nextToken: string | undefined, i = 0; i < 10; i++) {
      const page = await logs.send(new FilterLogEventsCommand({ logGroupName: '/g/one', limit: 2, nextToken, ...o }));
      texts.push(...(page.events ?? []).map(({ message }) => message));
      nextToken = page.nextToken;
      if (nextToken === undefined) return texts;
    }
    throw new Error('no last page');
  };
  expect(await filter({})).toEqual(['error one', 'error 1', 'fine', 'error 3', 'error two']);
  expect(await filter({ logStreamNamePrefix: 't' })).toEqual(['error 1', 'error 3']);
  expect(await filter({ filterPattern: 'error -1' })).toEqual(['error one', 'error 3', 'error two']);
  expect(await filter({ filterPattern: '?one ?two' })).toEqual(['error one', 'error two']);
  expect(await filter({ filterPattern: '"error two"' })).toEqual(['error two']);
  const now = e.clock.now();
  expect(await filter({ startTime: now + 2, endTime: now + 3 })).toEqual(['fine', 'error 3']);
});

fitsTheServiceModels();
