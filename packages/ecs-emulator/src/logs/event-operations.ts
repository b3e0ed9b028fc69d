// SPDX-License-Identifier: Apache-2.0
import { ApiError, invalidParameter } from '../wire/api-error.ts';
import type { AnyOperation, Operation } from '../world/world.ts';
import { filterPattern } from './filter-pattern.ts';
import { groupReference } from './group-operations.ts';
import type { EventEntry, EventKey, LogEvent, LogStream } from './log-stream.ts';

/** Of a page and of a PutLogEvents: bytes of the messages, and 26 for each event. */
const MOST_BYTES = 1_048_576;
const EVENT_OVERHEAD = 26;
const MOST_EVENTS = 10_000;
const DAY = 86_400_000;

interface PutInput {
  logGroupName: string;
  logStreamName: string;
  logEvents: LogEvent[];
}

const put: Operation<PutInput> = ({ logGroupName, logStreamName, logEvents }, { region }) => {
  const { logs } = region;
  const group = logs.group(logGroupName);
  const stream = logs.stream(group, logStreamName);
  const bytes = logEvents.reduce((sum, { message }) => sum + Buffer.byteLength(message) + EVENT_OVERHEAD, 0);
  if (bytes > MOST_BYTES) throw invalidParameter('Upload too large: a batch can have at most 1048576 bytes.');
  const times = logEvents.map(({ timestamp }) => timestamp);
  if (times.some((time, i) => time < (times[i - 1] ?? -Infinity))) {
    throw invalidParameter('Log events in a single PutLogEvents request must be in chronological order.');
  }
  if ((times.at(-1) ?? 0) - (times[0] ?? 0) > DAY) {
    throw invalidParameter('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.');
  }
  const [oldest, newest] = [logs.now - 14 * DAY, logs.now + 2 * 3_600_000];
  stream.append(
    logEvents.filter(({ timestamp }) => timestamp >= oldest && timestamp <= newest),
    logs.now,
  );
  const tooOld = times.findLastIndex((time) => time < oldest) + 1;
  const tooNew = times.findIndex((time) => time > newest);
  const rejected = {
    ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
    ...(tooNew >= 0 && { tooNewLogEventStartIndex: tooNew }),
  };
  return Object.keys(rejected).length > 0 ? { rejectedLogEventsInfo: rejected } : {};
};

interface GetInput {
  logGroupName?: string;
  logGroupIdentifier?: string;
  logStreamName: string;
  startTime?: number;
  endTime?: number;
  nextToken?: string;
  limit?: number;
  startFromHead?: boolean;
}

/** A token is a place between events: a forward one after the event that it names, a backward one before it. */
const token = (direction: 'f' | 'b', { timestamp, seq }: EventKey): string =>
  `${direction}/${String(timestamp).padStart(28, '0')}${String(seq + 1).padStart(28, '0')}/s`;

function readToken(text: string): { direction: 'f' | 'b'; key: EventKey } {
  const [, direction, timestamp, seq] = /^([fb])\/(\d{28})(\d{28})\/s$/.exec(text) ?? [];
  if (direction === undefined) throw invalidParameter('The specified nextToken is invalid.');
  return { direction: direction as 'f' | 'b', key: { timestamp: Number(timestamp), seq: Number(seq) - 1 } };
}

const BEFORE_ALL: EventKey = { timestamp: 0, seq: -1 };

const get: Operation<GetInput> = (input, { region }) => {
  const { startTime = -Infinity, endTime = Infinity, nextToken, limit = MOST_EVENTS, startFromHead = false } = input;
  const stream = region.logs.stream(region.logs.group(groupReference(input)), input.logStreamName);
  const at = nextToken === undefined ? null : readToken(nextToken);
  if (at?.direction === 'f' && !startFromHead) {
    throw invalidParameter('startFromHead must be true when nextToken is a forward token.');
  }
  const { entries } = stream;
  const inRange = ({ timestamp }: EventEntry): boolean => timestamp >= startTime && timestamp < endTime;
  const forward = at ? at.direction === 'f' : startFromHead;
  const from = forward
    ? stream.indexAfter(at?.key ?? BEFORE_ALL)
    : at
      ? stream.indexBefore(at.key)
      : entries.length - 1;
  const page = takePage(entries, from, forward ? 1 : -1, inRange, limit);
  if (!forward) page.reverse();
  const [first, last] = [page[0], page.at(-1)];
  // An empty page gives the place back that was asked for: the same forward token says that there is no more for now.
  const here = at?.key ?? stream.entries.at(-1) ?? BEFORE_ALL;
  return {
    events: stream.read(page),
    nextForwardToken: token('f', last ?? here),
    nextBackwardToken: token('b', first ?? here),
  };
};

/** Events from an index on, in one direction, as many as a page holds. */
function takePage(
  entries: readonly EventEntry[],
  from: number,
  step: 1 | -1,
  wanted: (entry: EventEntry) => boolean,
  limit: number,
): EventEntry[] {
  const page: EventEntry[] = [];
  let bytes = 0;
  for (let i = from; page.length < limit; i += step) {
    const entry = entries[i];
    if (!entry) break;
    if (!wanted(entry)) continue;
    bytes += entry.bytes;
    if (bytes > MOST_BYTES && page.length > 0) break;
    page.push(entry);
  }
  return page;
}

interface FilterInput {
  logGroupName?: string;
  logGroupIdentifier?: string;
  logStreamNames?: string[];
  logStreamNamePrefix?: string;
  startTime?: number;
  endTime?: number;
  filterPattern?: string;
  nextToken?: string;
  limit?: number;
}

const filter: Operation<FilterInput> = (input, { region }) => {
  const { logStreamNames: names, logStreamNamePrefix: prefix, startTime = -Infinity, endTime = Infinity } = input;
  if (names !== undefined && prefix !== undefined) {
    throw invalidParameter('logStreamNames and logStreamNamePrefix exclude each other.');
  }
  const { limit = MOST_EVENTS } = input;
  const matches = filterPattern(input.filterPattern ?? '');
  const group = region.logs.group(groupReference(input));
  const streams = [...group.streams.values()].filter(
    ({ name }) => names?.includes(name) ?? name.startsWith(prefix ?? ''),
  );
  const after = input.nextToken === undefined ? null : readPlace(input.nextToken);
  const found = streams
    .flatMap((stream) => stream.entries.map((entry) => ({ stream, entry })))
    .filter(({ entry }) => entry.timestamp >= startTime && entry.timestamp <= endTime)
    .toSorted(comparePlaces)
    .filter((place) => after === null || comparePlaces(place, after) > 0);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    events: page.flatMap(({ stream, entry }) => {
      const [event] = stream.read([entry]);
      if (!event || !matches(event.message)) return [];
      return [
        {
          logStreamName: stream.name,
          ...event,
          eventId: `${String(event.timestamp).padStart(28, '3')}${String(entry.seq).padStart(28, '0')}`,
        },
      ];
    }),
    searchedLogStreams: [],
    ...(found.length > page.length && last && { nextToken: placeToken(last) }),
  };
};

interface Place {
  stream: Pick<LogStream, 'name'>;
  entry: EventKey;
}
const comparePlaces = (a: Place, b: Place): number =>
  a.entry.timestamp - b.entry.timestamp ||
  (a.stream.name < b.stream.name ? -1 : a.stream.name > b.stream.name ? 1 : a.entry.seq - b.entry.seq);

const placeToken = ({ stream, entry: { timestamp, seq } }: Place): string =>
  Buffer.from(JSON.stringify([timestamp, stream.name, seq])).toString('base64url');

function readPlace(text: string): Place {
  try {
    const [timestamp, name, seq] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as [
      number,
      string,
      number,
    ];
    return { stream: { name }, entry: { timestamp, seq } };
  } catch {
    throw new ApiError('InvalidParameterException', 'The specified nextToken is invalid.');
  }
}

export const eventOperations: Readonly<Record<string, AnyOperation>> = {
  PutLogEvents: put,
  GetLogEvents: get,
  FilterLogEvents: filter,
};
