// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { ApiError } from '../wire/api-error.ts';
import { LogStream } from './log-stream.ts';
import type { LogEvent } from './log-stream.ts';

export interface LogGroup {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly streams: Map<string, LogStream>;
  retentionInDays: number | null;
  logGroupClass: string;
}

export interface LogStoreOptions {
  region: string;
  account: string;
  folder: () => string;
  now: () => number;
}

export const NO_GROUP = 'The specified log group does not exist.';

/** The log groups of one Region. */
export class LogStore {
  readonly groups = new Map<string, LogGroup>();
  readonly #options: LogStoreOptions;

  constructor(options: LogStoreOptions) {
    this.#options = options;
  }

  get now(): number {
    return this.#options.now();
  }

  /** @throws ApiError ResourceAlreadyExistsException */
  createGroup(name: string, logGroupClass = 'STANDARD'): LogGroup {
    if (this.groups.has(name)) {
      throw new ApiError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    const { region, account } = this.#options;
    const group: LogGroup = {
      name,
      arn: `arn:aws:logs:${region}:${account}:log-group:${name}`,
      createdAt: this.now,
      streams: new Map(),
      retentionInDays: null,
      logGroupClass,
    };
    this.groups.set(name, group);
    return group;
  }

  /** By name or ARN. @throws ApiError ResourceNotFoundException */
  group(reference: string): LogGroup {
    const name = /^arn:aws[\w-]*:logs:[^:]*:[^:]*:log-group:([^:]+)(?::\*)?$/.exec(reference)?.[1] ?? reference;
    const group = this.groups.get(name);
    if (!group) throw new ApiError('ResourceNotFoundException', NO_GROUP);
    return group;
  }

  /** @throws ApiError ResourceNotFoundException */
  stream(group: LogGroup, name: string): LogStream {
    const stream = group.streams.get(name);
    if (!stream) throw new ApiError('ResourceNotFoundException', 'The specified log stream does not exist.');
    return stream;
  }

  /** @throws ApiError ResourceAlreadyExistsException */
  createStream(group: LogGroup, name: string): LogStream {
    if (group.streams.has(name)) {
      throw new ApiError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    }
    const file = (text: string): string => encodeURIComponent(text).slice(0, 200);
    const path = join(this.#options.folder(), this.#options.region, file(group.name), `${file(name)}.jsonl`);
    const stream = new LogStream(name, path, this.now);
    group.streams.set(name, stream);
    return stream;
  }

  /** What a container's log driver does: the stream comes with the first event. */
  write(groupName: string, streamName: string, events: readonly LogEvent[]): void {
    const group = this.group(groupName);
    const stream = group.streams.get(streamName) ?? this.createStream(group, streamName);
    stream.append(events, this.now);
  }
}
