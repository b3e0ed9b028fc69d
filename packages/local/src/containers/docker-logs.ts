// SPDX-License-Identifier: Apache-2.0
// `docker logs` has no position to go on from but a time. So each entry is asked for with its own, from shortly before the
// last one on, and what was given already is known by its time. An entry is a line, or 16 KiB of a longer one.
import type { ContainerLogLine, ContainerLogPage } from '@stint/core';
import { LogPieces } from './log-pieces.ts';
import type { OpenLines } from './log-pieces.ts';
import { runProgram } from './run-program.ts';
import type { ProgramResult } from './run-program.ts';

type Stream = ContainerLogLine['stream'];

/** Where a page ended. Times as docker gives them: RFC 3339 with nanoseconds, in UTC, all of one length. */
interface Cursor {
  since: string | null;
  /** Of each stream the time of the last entry given, and how many of that time were. */
  last: Partial<Record<Stream, { time: string; count: number }>>;
  open: OpenLines;
}

/** What one call gives at most, about: it reads again what lies between `since` and its cursor. */
const mostBytes = 8 << 20;
/** The streams have a clock reading each before they are written one after the other. */
const slackMs = 2_000;
/** Entries of longer lines have so many bytes. */
const entryBytes = 16_384;
const timeShape = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g;
const timeBytes = 31;

/** A container keeps what it wrote as it wrote it, and all of it, whatever the engine does of itself. */
export const dockerLogArguments: readonly string[] = [
  ...['--log-driver', 'local', '--log-opt', 'compress=false'],
  ...['--log-opt', 'max-size=1000g', '--log-opt', 'max-file=1'],
];

/** @returns the page, or what the call said where it failed */
export async function dockerLogs(
  command: string,
  handle: string,
  from: string | null,
  ended: boolean,
): Promise<ContainerLogPage | ProgramResult> {
  const cursor = (from === null ? { since: null, last: {}, open: {} } : JSON.parse(from)) as Cursor;
  const pieces = new LogPieces(cursor.open);
  const given = { ...cursor.last };
  let bytes = 0;
  let latest = '';
  const reader = (stream: Stream): EntryReader => {
    const isNew = newEntries(cursor.last[stream]);
    return new EntryReader((time, piece, ends) => {
      if (time > latest) latest = time;
      if (!isNew(time)) return;
      bytes += piece.length;
      const before = given[stream];
      given[stream] = { time, count: before?.time === time ? before.count + 1 : 1 };
      pieces.add(stream, piece, ends);
    });
  };
  const readers = { stdout: reader('stdout'), stderr: reader('stderr') };
  const since = cursor.since === null ? [] : ['--since', cursor.since];
  let full = false;
  const result = await runProgram(command, ['logs', '--timestamps', ...since, handle], {
    output: (stream, data) => {
      readers[stream].push(data);
      full ||= bytes >= mostBytes;
      return !full;
    },
  });
  // What is cut off in the middle of an entry comes again.
  if (!full) {
    if (result.exitCode !== 0) return result;
    for (const stream of ['stdout', 'stderr'] as const) readers[stream].end();
  }
  const end = ended && !full;
  if (end) pieces.end();
  const next: Cursor = { since: shortlyBefore(latest, cursor.since), last: given, open: pieces.open };
  return { lines: pieces.lines, cursor: JSON.stringify(next), end };
}

/** Tells entries that follow the last one given. After that one all do: a clock may go back. */
function newEntries(last: { time: string; count: number } | undefined): (time: string) => boolean {
  let passed = last === undefined;
  let same = 0;
  return (time) => {
    if (passed || last === undefined) return true;
    if (time === last.time) passed = ++same >= last.count;
    else if (time > last.time) return (passed = true);
    return false;
  };
}

function shortlyBefore(latest: string, since: string | null): string | null {
  if (latest === '') return since;
  const time = new Date(Date.parse(`${latest.slice(0, 23)}Z`) - slackMs).toISOString();
  return since !== null && since > time ? since : time;
}

/**
 * Takes a stream of `docker logs --timestamps` apart. In the middle of a longer line each piece is followed by the time of the
 * next one, and the last piece, up to Docker 20.10, by that of the next line: the newline is missing there.
 */
class EntryReader {
  readonly #entry: (time: string, piece: Buffer, ends: boolean) => void;
  #bytes: Buffer = Buffer.alloc(0);
  #inLine = false;

  constructor(entry: (time: string, piece: Buffer, ends: boolean) => void) {
    this.#entry = entry;
  }

  push(data: Buffer): void {
    this.#read(this.#bytes.length === 0 ? data : Buffer.concat([this.#bytes, data]), false);
  }

  /** Nothing follows. */
  end(): void {
    this.#read(this.#bytes, true);
  }

  #read(bytes: Buffer, isLast: boolean): void {
    let at = 0;
    while (bytes.length - at >= timeBytes) {
      const taken = this.#one(bytes, at, isLast);
      if (taken === 0) break;
      at += taken;
    }
    this.#bytes = bytes.subarray(at);
  }

  /** @returns how many bytes the entry takes that begins there; 0: it is not whole yet */
  #one(bytes: Buffer, at: number, isLast: boolean): number {
    const from = at + timeBytes;
    const most = from + entryBytes;
    const found = bytes.indexOf(10, from);
    const newline = found < 0 || found > most ? null : found;
    if (newline === null && bytes.length < most + timeBytes && !isLast) return 0;
    const time = bytes.toString('latin1', at, from);
    if (newline === null && timeIn(bytes, most, most, '') !== null) return this.#give(time, bytes, at, most, false);
    const until = newline ?? Math.min(most, bytes.length);
    const next = this.#inLine ? timeIn(bytes, from, until, time) : null;
    if (next !== null) return this.#give(time, bytes, at, next, true);
    if (newline !== null) return this.#give(time, bytes, at, newline, true) + 1;
    return this.#give(time, bytes, at, bytes.length, false);
  }

  #give(time: string, bytes: Buffer, at: number, to: number, ends: boolean): number {
    this.#inLine = !ends;
    this.#entry(time.trimEnd(), bytes.subarray(at + timeBytes, to), ends);
    return to - at;
  }
}

/** Where a time begins between two places, both counted in, that is not before another. */
function timeIn(bytes: Buffer, from: number, to: number, notBefore: string): number | null {
  for (const found of bytes.toString('latin1', from, to + timeBytes).matchAll(timeShape))
    if (found[0] >= notBefore) return from + found.index;
  return null;
}
