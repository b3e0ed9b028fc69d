// SPDX-License-Identifier: Apache-2.0
import { ApiError, invalidParameter } from '../wire/api-error.ts';
import type { AnyOperation, Operation } from '../world/world.ts';
import { pageOf } from '../wire/pages.ts';
import type { LogStream } from './log-stream.ts';

/** As the API reference lists them. */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const createGroup: Operation<{ logGroupName: string; logGroupClass?: string }> = (input, { region }) => {
  if (input.logGroupName.startsWith('aws/'))
    throw invalidParameter("Log groups starting with 'aws/' are reserved for AWS.");
  region.logs.createGroup(input.logGroupName, input.logGroupClass);
  return {};
};

const deleteGroup: Operation<{ logGroupName: string }> = (input, { region }) => {
  region.logs.groups.delete(region.logs.group(input.logGroupName).name);
  return {};
};

const putRetention: Operation<{ logGroupName: string; retentionInDays: number }> = (input, { region }) => {
  const group = region.logs.group(input.logGroupName);
  if (!RETENTION_DAYS.includes(input.retentionInDays)) {
    throw invalidParameter(`Invalid retentionInDays ${input.retentionInDays}: one of ${RETENTION_DAYS.join(', ')}.`);
  }
  group.retentionInDays = input.retentionInDays;
  return {};
};

interface DescribeGroupsInput {
  logGroupNamePrefix?: string;
  logGroupNamePattern?: string;
  nextToken?: string;
  limit?: number;
}

const describeGroups: Operation<DescribeGroupsInput> = (input, { region }) => {
  const { logGroupNamePrefix: prefix, logGroupNamePattern: pattern, nextToken, limit = 50 } = input;
  if (prefix !== undefined && pattern !== undefined) {
    throw invalidParameter('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.');
  }
  const found = [...region.logs.groups.values()]
    .filter(({ name }) => name.startsWith(prefix ?? '') && name.toLowerCase().includes((pattern ?? '').toLowerCase()))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { items, ...next } = pageOf(found, { ...(nextToken !== undefined && { nextToken }), maxResults: limit }, 50);
  const logGroups = items.map((group) => ({
    logGroupName: group.name,
    creationTime: group.createdAt,
    ...(group.retentionInDays !== null && { retentionInDays: group.retentionInDays }),
    metricFilterCount: 0,
    arn: `${group.arn}:*`,
    logGroupArn: group.arn,
    storedBytes: 0,
    logGroupClass: group.logGroupClass,
  }));
  return { logGroups, ...next };
};

const createStream: Operation<{ logGroupName: string; logStreamName: string }> = (input, { region }) => {
  region.logs.createStream(region.logs.group(input.logGroupName), input.logStreamName);
  return {};
};

interface DescribeStreamsInput {
  logGroupName?: string;
  logGroupIdentifier?: string;
  logStreamNamePrefix?: string;
  orderBy?: 'LogStreamName' | 'LastEventTime';
  descending?: boolean;
  nextToken?: string;
  limit?: number;
}

const describeStreams: Operation<DescribeStreamsInput> = (input, { region }) => {
  const { logStreamNamePrefix: prefix, orderBy = 'LogStreamName', descending = false, nextToken, limit = 50 } = input;
  if (prefix !== undefined && orderBy === 'LastEventTime') {
    throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
  }
  const group = region.logs.group(groupReference(input));
  const lastOf = (stream: LogStream): number => stream.entries.at(-1)?.timestamp ?? 0;
  const sorted = [...group.streams.values()]
    .filter(({ name }) => name.startsWith(prefix ?? ''))
    .toSorted((a, b) => (orderBy === 'LastEventTime' ? lastOf(a) - lastOf(b) : 0) || (a.name < b.name ? -1 : 1));
  const found = descending ? sorted.reverse() : sorted;
  const { items, ...next } = pageOf(found, { ...(nextToken !== undefined && { nextToken }), maxResults: limit }, 50);
  const logStreams = items.map((stream) => {
    const [first, last] = [stream.entries[0], stream.entries.at(-1)];
    return {
      logStreamName: stream.name,
      creationTime: stream.createdAt,
      ...(first && { firstEventTimestamp: first.timestamp }),
      ...(last && { lastEventTimestamp: last.timestamp }),
      ...(stream.lastIngestionTime !== null && { lastIngestionTime: stream.lastIngestionTime }),
      arn: `${group.arn}:log-stream:${stream.name}`,
      storedBytes: 0,
    };
  });
  return { logStreams, ...next };
};

/** A group is named one way or the other. @throws ApiError InvalidParameterException */
export function groupReference(input: { logGroupName?: string; logGroupIdentifier?: string }): string {
  const { logGroupName: name, logGroupIdentifier: identifier } = input;
  if ((name === undefined) === (identifier === undefined)) {
    throw new ApiError(
      'InvalidParameterException',
      'Exactly one of logGroupName and logGroupIdentifier must be given.',
    );
  }
  return name ?? identifier ?? '';
}

export const groupOperations: Readonly<Record<string, AnyOperation>> = {
  CreateLogGroup: createGroup,
  DeleteLogGroup: deleteGroup,
  PutRetentionPolicy: putRetention,
  DescribeLogGroups: describeGroups,
  CreateLogStream: createStream,
  DescribeLogStreams: describeStreams,
};
