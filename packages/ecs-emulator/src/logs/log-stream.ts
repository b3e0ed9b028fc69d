// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface LogEvent {
  /** Epoch ms. */
  timestamp: number;
  message: string;
}
export interface StoredEvent extends LogEvent {
  ingestionTime: number;
}

/** Where an event stands in its stream: by its time, and by arrival among those of one time. */
export interface EventKey {
  timestamp: number;
  seq: number;
}
export interface EventEntry extends EventKey {
  offset: number;
  bytes: number;
}

export const compareKeys = (a: EventKey, b: EventKey): number => a.timestamp - b.timestamp || a.seq - b.seq;

/** A log stream: its events in a file of JSON Lines, where each of them is in memory. */
export class LogStream {
  readonly name: string;
  readonly createdAt: number;
  readonly #path: string;
  readonly #entries: EventEntry[] = [];
  #end = 0;
  #seq = 0;
  lastIngestionTime: number | null = null;

  constructor(name: string, path: string, now: number) {
    this.name = name;
    this.createdAt = now;
    this.#path = path;
  }

  /** In order of time; those of one time in order of arrival. */
  get entries(): readonly EventEntry[] {
    return this.#entries;
  }

  append(events: readonly LogEvent[], now: number): void {
    if (events.length === 0) return;
    if (this.#end === 0) {
      mkdirSync(dirname(this.#path), { recursive: true });
      // What an earlier run of the emulator left there is not part of this stream.
      writeFileSync(this.#path, '');
    }
    const lines = events.map(
      ({ timestamp, message }) => `${JSON.stringify({ timestamp, message, ingestionTime: now })}\n`,
    );
    for (const [i, { timestamp }] of events.entries()) {
      const bytes = Buffer.byteLength(lines[i] ?? '');
      this.#insert({ timestamp, seq: this.#seq++, offset: this.#end, bytes });
      this.#end += bytes;
    }
    appendFileSync(this.#path, lines.join(''));
    this.lastIngestionTime = now;
  }

  #insert(entry: EventEntry): void {
    const last = this.#entries.at(-1);
    if (!last || last.timestamp <= entry.timestamp) this.#entries.push(entry);
    else this.#entries.splice(this.indexAfter(entry), 0, entry);
  }

  /** Index of the first event after `key`. */
  indexAfter(key: EventKey): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry && compareKeys(entry, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the last event before `key`; -1 = none. */
  indexBefore(key: EventKey): number {
    return this.indexAfter({ timestamp: key.timestamp, seq: key.seq - 1 }) - 1;
  }

  read(entries: readonly EventEntry[]): StoredEvent[] {
    if (entries.length === 0) return [];
    const fd = openSync(this.#path, 'r');
    try {
      return entries.map(({ offset, bytes }) => {
        const buffer = Buffer.allocUnsafe(bytes);
        readSync(fd, buffer, 0, bytes, offset);
        return JSON.parse(buffer.toString('utf8')) as StoredEvent;
      });
    } finally {
      closeSync(fd);
    }
  }
}
