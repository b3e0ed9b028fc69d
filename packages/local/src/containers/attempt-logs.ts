// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync, appendFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContainerEngine, ContainerLogLine, TaskLogPage } from '@stint/core';
import { toFileError } from '../storage-errors.ts';
import { pageBytes, readLines } from './line-file.ts';

/**
 * Where a reader is: lines given so far of each stream, and the place in the source. The counts hold across the move
 * from engine to file, since the order within a stream is the same in both.
 */
interface Cursor {
  stdout: number;
  stderr: number;
  /** The engine's own cursor; null = read from the file. */
  engine: string | null;
  /** Byte in the file, and lines of each stream before it. */
  at: number;
  before: { stdout: number; stderr: number };
}

const start: Cursor = { stdout: 0, stderr: 0, engine: null, at: 0, before: { stdout: 0, stderr: 0 } };
const read = (cursor: string | null): Cursor => (cursor === null ? start : (JSON.parse(cursor) as Cursor));

/** The output of a container that is still there. */
export async function engineLogs(engine: ContainerEngine, handle: string, cursor: string | null): Promise<TaskLogPage> {
  const from = read(cursor);
  const page = await engine.logs(handle, from.engine);
  const of = (stream: 'stdout' | 'stderr'): number => page.lines.filter((l) => l.stream === stream).length;
  const next = { ...from, stdout: from.stdout + of('stdout'), stderr: from.stderr + of('stderr'), engine: page.cursor };
  return { lines: page.lines.map(withoutTime), cursor: JSON.stringify(next), end: page.end };
}

/** A kept line may be longer than what it was read from: each byte that is no UTF-8 has become three. */
const longestKept = 4 * pageBytes;
/** The stream of a kept line is its first letter, a capital where the line goes on. */
const letters = { stdout: 'o', stderr: 'e' } as const;
const kept = ({ stream, text, partial = false }: ContainerLogLine): string =>
  `${partial ? letters[stream].toUpperCase() : letters[stream]}${text}\n`;

/** Copies the whole output of an ended container to `path`; complete where the file is there. */
export async function keepLogs(engine: ContainerEngine, handle: string, path: string): Promise<void> {
  if (existsSync(path)) return;
  const part = `${path}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(part, '', { mode: 0o600 });
    for (let cursor: string | null = null; ;) {
      const page = await engine.logs(handle, cursor);
      appendFileSync(part, page.lines.map(kept).join(''));
      if (page.end) break;
      cursor = page.cursor;
      // Other tasks have their turn, and the next page its memory.
      await nextTurn();
    }
    renameSync(part, path);
  } catch (e) {
    rmSync(part, { force: true });
    throw toFileError(e, `keep the output of ${handle}`);
  }
}

/** The output that `keepLogs` kept. */
export function keptLogs(path: string, cursor: string | null): TaskLogPage {
  const from = read(cursor);
  const lines: ContainerLogLine[] = [];
  const before = { ...from.before };
  const page = readLines(path, from.at, true, { most: longestKept });
  for (const line of page.lines) {
    const letter = line.slice(0, 1);
    const stream = letter.toLowerCase() === letters.stdout ? 'stdout' : 'stderr';
    const partial = letter !== letters[stream];
    if (before[stream]++ >= from[stream]) lines.push({ stream, text: line.slice(1), ...(partial && { partial }) });
  }
  const given = { stdout: Math.max(from.stdout, before.stdout), stderr: Math.max(from.stderr, before.stderr) };
  const next: Cursor = { ...given, engine: null, at: page.next, before };
  return { lines: lines.map(withoutTime), cursor: JSON.stringify(next), end: page.atEnd };
}

const withoutTime = (line: ContainerLogLine): TaskLogPage['lines'][number] => ({ ...line, atMs: null });
