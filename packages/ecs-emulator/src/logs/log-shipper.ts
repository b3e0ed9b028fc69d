// SPDX-License-Identifier: Apache-2.0
import type { ContainerEngine, ContainerLogLine } from '@stint/core';
import type { Task, TaskContainer } from '../tasks/task.ts';
import type { Scheduler } from '../world/scheduler.ts';
import type { LogSink } from './log-sink.ts';
import type { LogEvent } from './log-stream.ts';

export interface LogShipperOptions {
  engine: ContainerEngine;
  sink: LogSink;
  scheduler: Scheduler;
  now: () => number;
  warn: (text: string) => void;
}

interface Destination {
  region: string;
  group: string;
  stream: string;
  create: boolean;
}

/** How often a container is asked for output: soon after there was some, less and less where there is none. */
const [SOON_MS, LATE_MS] = [100, 2_000];
/** An event's largest size; what is longer becomes several, as Docker's driver does it. */
const MOST_MESSAGE_BYTES = 262_118;
const MOST_BATCH_EVENTS = 1_000;
const MOST_BATCH_BYTES = 1_000_000;
const PUT_TRIES = 5;
const RETRY_MS = 500;

/** Carries the output of containers with the awslogs driver to their log streams, while they run and when they end. */
export class LogShipper {
  readonly #options: LogShipperOptions;
  readonly #pumps = new Map<TaskContainer, Pump>();

  constructor(options: LogShipperOptions) {
    this.#options = options;
  }

  /** @returns why a container of the task can't log, as ECS says it; null = all can. */
  async problemOf(task: Task): Promise<string | null> {
    const asked = new Set<string>();
    for (const container of task.containers) {
      const to = destinationOf(task, container);
      if (!to || asked.has(`${to.region} ${to.group}`)) continue;
      asked.add(`${to.region} ${to.group}`);
      const problem = await this.#options.sink.openGroup(to.region, to.group, to.create);
      if (problem !== null) {
        return `failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ${problem} : exit status 1`;
      }
    }
    return null;
  }

  started(task: Task, container: TaskContainer): void {
    const to = destinationOf(task, container);
    if (!to || container.handle === null) return;
    const pump = new Pump(this.#options, to, container.handle);
    this.#pumps.set(container, pump);
    pump.plan(SOON_MS);
  }

  /** Everything that an ended container had to say, before it is removed. */
  async drain(container: TaskContainer): Promise<void> {
    const pump = this.#pumps.get(container);
    if (!pump) return;
    this.#pumps.delete(container);
    await pump.drain();
  }

  forget(container: TaskContainer): void {
    this.#pumps.get(container)?.stop();
    this.#pumps.delete(container);
  }
}

class Pump {
  readonly #options: LogShipperOptions;
  readonly #to: Destination;
  readonly #handle: string;
  #cursor: string | null = null;
  #waitMs = SOON_MS;
  #cancel: (() => void) | null = null;
  #busy: Promise<boolean> | null = null;
  #stopped = false;

  constructor(options: LogShipperOptions, to: Destination, handle: string) {
    this.#options = options;
    this.#to = to;
    this.#handle = handle;
  }

  plan(ms: number): void {
    this.#cancel = this.#options.scheduler.after(ms, () => {
      this.#busy = this.#step();
      void this.#busy.then((moved) => {
        this.#busy = null;
        this.#waitMs = moved ? SOON_MS : Math.min(LATE_MS, this.#waitMs * 2);
        if (!this.#stopped) this.plan(this.#waitMs);
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  async drain(): Promise<void> {
    this.stop();
    await this.#busy;
    while (await this.#step());
  }

  /** One page. @returns whether it had lines. */
  async #step(): Promise<boolean> {
    const { engine, warn, now } = this.#options;
    try {
      const page = await engine.logs(this.#handle, this.#cursor);
      if (page.lines.length > 0) await this.#put(page.lines, now());
      this.#cursor = page.cursor;
      return page.lines.length > 0;
    } catch (e) {
      warn(
        `output of container ${this.#handle} for log group ${this.#to.group}: ${e instanceof Error ? e.message : String(e)}`,
      );
      return false;
    }
  }

  async #put(lines: readonly ContainerLogLine[], timestamp: number): Promise<void> {
    const { region, group, stream } = this.#to;
    for (const batch of batches(lines, timestamp)) {
      await this.#again(() => this.#options.sink.put(region, group, stream, batch));
    }
  }

  async #again(put: () => Promise<void>): Promise<void> {
    for (let left = PUT_TRIES; ; left--) {
      try {
        await put();
        return;
      } catch (e) {
        if (left === 1) throw e;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#options.scheduler.after(RETRY_MS, resolve);
      await promise;
    }
  }
}

function* batches(lines: readonly ContainerLogLine[], timestamp: number): Iterable<LogEvent[]> {
  let batch: LogEvent[] = [];
  let bytes = 0;
  for (const { text } of lines) {
    for (const message of pieces(text)) {
      const size = Buffer.byteLength(message) + 26;
      if (batch.length > 0 && (batch.length === MOST_BATCH_EVENTS || bytes + size > MOST_BATCH_BYTES)) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
      batch.push({ timestamp, message });
      bytes += size;
    }
  }
  if (batch.length > 0) yield batch;
}

/** An empty line is none: CloudWatch takes no empty message, and Docker's driver leaves them out. */
function* pieces(text: string): Iterable<string> {
  if (text === '') return;
  if (text.length * 3 <= MOST_MESSAGE_BYTES || Buffer.byteLength(text) <= MOST_MESSAGE_BYTES) yield text;
  else for (let i = 0; i < text.length; i += MOST_MESSAGE_BYTES / 3) yield text.slice(i, i + MOST_MESSAGE_BYTES / 3);
}

function destinationOf(task: Task, { definition }: TaskContainer): Destination | null {
  const { logConfiguration: log } = definition;
  if (log?.logDriver !== 'awslogs') return null;
  const { options = {} } = log;
  const prefix = options['awslogs-stream-prefix'];
  return {
    region: options['awslogs-region'] ?? task.cluster.region.name,
    group: options['awslogs-group'] ?? '',
    stream: prefix ? `${prefix}/${definition.name}/${task.id}` : task.id,
    create: options['awslogs-create-group'] === 'true',
  };
}
