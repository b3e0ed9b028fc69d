// SPDX-License-Identifier: Apache-2.0
// What engines of different ages print, from a program that prints it; the contract suite reads a real one.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerLogLine } from '@stint/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dockerLogs } from './docker-logs.ts';

type Entry = [stream: 'stdout' | 'stderr', time: string, text: string];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-docker-logs-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** A program that answers `logs --timestamps [--since TIME] NAME` with what is written by then. */
function engine(): { command: string; write: (...entries: Entry[]) => void } {
  const [command, file] = [join(dir, 'docker'), join(dir, 'entries.json')];
  const all: Entry[] = [];
  writeFileSync(
    command,
    `#!${process.execPath}
const { readFileSync, writeSync } = require('node:fs');
const args = process.argv.slice(2);
const since = args.includes('--since') ? args[args.indexOf('--since') + 1] : '';
for (const [stream, time, text] of JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8')))
  if (time >= since.replace('Z', '000000Z')) writeSync(stream === 'stdout' ? 1 : 2, time + ' ' + text);
`,
  );
  chmodSync(command, 0o755);
  const write = (...entries: Entry[]): void => {
    all.push(...entries);
    writeFileSync(file, JSON.stringify(all));
  };
  write();
  return { command, write };
}

async function page(command: string, cursor: string | null, ended = false) {
  const result = await dockerLogs(command, 'c', cursor, ended);
  if (!('lines' in result)) throw new Error(result.stderr);
  return result;
}
const texts = (lines: readonly ContainerLogLine[]): string[] => lines.map((l) => `${l.stream[3] ?? ''} ${l.text}`);
const at = (seconds: number, nanos = 0): string =>
  `${new Date(1_790_000_000_000 + seconds * 1000).toISOString().slice(0, 20)}${String(nanos).padStart(9, '0')}Z`;
const piece = (letter: string): string => letter.repeat(16_384);

test('what has the same time as the last line given is told from it, on each stream', async () => {
  const { command, write } = engine();
  write(['stdout', at(1), 'a\n'], ['stdout', at(1), 'b\n'], ['stderr', at(1, 5), 'x\n']);
  const first = await page(command, null);
  expect(texts(first.lines)).toEqual(['o a', 'o b', 'e x']);
  write(['stdout', at(1), 'b\n'], ['stderr', at(1, 4), 'late, and before\n'], ['stdout', at(9), 'c\n']);
  const second = await page(command, first.cursor);
  expect(texts(second.lines).toSorted()).toEqual(['e late, and before', 'o b', 'o c']);
  // Nothing of long ago is asked for again: stdout's first lines are out of sight by now.
  write(['stderr', at(8), 'y\n'], ['stdout', at(30), 'd\n']);
  const third = await page(command, second.cursor);
  expect(texts(third.lines).toSorted()).toEqual(['e y', 'o d']);
  expect((await page(command, third.cursor, true)).lines).toEqual([]);
});

test('a clock that goes back loses no line that is shown', async () => {
  const { command, write } = engine();
  write(['stdout', at(5), 'a\n']);
  const first = await page(command, null);
  write(['stdout', at(4), 'b\n'], ['stdout', at(5), 'c\n']);
  expect(texts((await page(command, first.cursor)).lines)).toEqual(['o b', 'o c']);
});

test.for([
  ['with the newline of its last piece', '\n'],
  ['without it, up to Docker 20.10', ''],
])('a long line %s', async ([, newline = '']) => {
  const { command, write } = engine();
  const line: Entry[] = [
    ['stdout', at(1), piece('a')],
    ['stdout', at(1), piece('b')],
    ['stdout', at(1), `2026 2c${newline}`],
  ];
  write(...line, ['stdout', at(2), 'next\n'], ['stdout', at(3), piece('d')], ['stdout', at(3), newline]);
  write(['stdout', at(4), `an older time: ${at(3)} \n`], ['stdout', at(5), 'unfinished']);
  const { lines, end } = await page(command, null, true);
  const wanted = [`${piece('a')}${piece('b')}2026 2c`, 'next', piece('d'), `an older time: ${at(3)} `, 'unfinished'];
  expect(lines.map((l) => l.text)).toEqual(wanted);
  expect(end).toBe(true);
});

test('a long line that is not at its end yet is held back, and comes whole', async () => {
  const { command, write } = engine();
  write(['stderr', at(1), piece('a')]);
  const first = await page(command, null);
  expect(first.lines).toEqual([]);
  write(['stderr', at(1), 'b\n']);
  expect((await page(command, first.cursor)).lines).toEqual([{ stream: 'stderr', text: `${piece('a')}b` }]);
});

test('much at once comes in pages, each line once', async () => {
  const { command, write } = engine();
  const text = 'x'.repeat(1_000);
  const many = Array.from({ length: 20_000 }, (_, i): Entry => {
    return [i % 3 === 0 ? 'stderr' : 'stdout', at(Math.floor(i / 5_000), i), `${i} ${text}\n`];
  });
  write(...many);
  const got = { stdout: [] as number[], stderr: [] as number[] };
  let cursor: string | null = null;
  let pages = 0;
  for (let end = false; !end; pages++) {
    const next = await page(command, cursor, true);
    for (const { stream, text: t } of next.lines) got[stream].push(Number(t.split(' ')[0]));
    ({ cursor, end } = next);
  }
  expect(pages).toBeGreaterThan(1);
  const numbers = Array.from({ length: 20_000 }, (_, i) => i);
  expect(got.stderr).toEqual(numbers.filter((i) => i % 3 === 0));
  expect(got.stdout).toEqual(numbers.filter((i) => i % 3 !== 0));
});
