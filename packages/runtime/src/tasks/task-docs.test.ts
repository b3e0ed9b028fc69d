// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { ecsConfigSchema } from '@stint/aws';
import { attemptMoves, outcomeTable, taskMoves } from '@stint/core/tasks';
import type { OutcomeCode } from '@stint/core';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { exitCodeOfTask } from './task-exit-codes.ts';
import { taskSettingsSchema } from './settings-file.ts';

const read = (name: string): string => readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), 'utf8');

/** Its own code is passed on, ours where there is none. */
function exitOf(code: OutcomeCode): string {
  const exit = (exitCode: number | null): number =>
    exitCodeOfTask({ outcome: { code, exitCode, sentence: '', hint: null, retry: false, raw: {} } });
  if (exit(77) !== 77) return String(exit(null));
  // Only a program that could not be started has no code of its own for certain.
  return code === 'BAD_COMMAND' ? `its own, or ${exit(null)}` : 'its own';
}

test('docs/errors.md has every outcome of a task as the table of core has it, and its exit code', () => {
  const [, section = ''] = read('errors.md').split('### How a container task ends');
  const documented = [...section.matchAll(/^\| `.*$/gm)].map(([row]) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const real = (Object.keys(outcomeTable) as OutcomeCode[]).map((code) => {
    const { end, retry, sentence, hint } = outcomeTable[code];
    return [`\`${code}\``, end, exitOf(code), retry ? 'yes' : 'no', sentence, hint ?? '–'];
  });
  expect(documented).toEqual(real);
});

/** A mermaid drawing as a table of moves; states are in the order of their first mention on the left. */
function movesOf(drawing: string): Record<string, string[]> {
  const moves: Record<string, string[]> = {};
  for (const [, from = '', to = ''] of drawing.matchAll(/^ +(\S+) --> (\S+)$/gm)) (moves[from] ??= []).push(to);
  return moves;
}
/** What has no way on has ended. */
const withEnds = (first: string, moves: Readonly<Record<string, readonly string[]>>): Record<string, string[]> => ({
  '[*]': [first],
  ...Object.fromEntries(Object.entries(moves).map(([from, to]) => [from, to.length === 0 ? ['[*]'] : [...to]])),
});

test('docs/executor.md draws the moves that a task and an attempt may make, and no other', () => {
  const drawings = [...read('executor.md').matchAll(/```mermaid\nstateDiagram-v2\n([^]*?)```/g)].map((m) => m[1] ?? '');
  expect(drawings.map(movesOf)).toEqual([withEnds('QUEUED', taskMoves), withEnds('SUBMITTING', attemptMoves)]);
});

interface Keys {
  properties?: Record<string, Keys>;
}
const keysOf = ({ properties = {} }: Keys, path = ''): string[] =>
  Object.entries(properties).flatMap(([key, inner]) =>
    inner.properties ? keysOf(inner, `${path}${key}.`) : [`${path}${key}`],
  );

test('docs/executor.md has every key of stint.config.yaml, and no other', () => {
  const section = read('executor.md').split('## Configuration')[1]?.split('\n## ')[0] ?? '';
  const documented = [...section.matchAll(/^\| `([^`]+)`/gm)].map((m) => m[1]);
  expect(documented).toEqual(keysOf(z.toJSONSchema(taskSettingsSchema, { io: 'input' }) as Keys));
});

test('docs/executor.md has every key of aws.ecs, and no other', () => {
  const [, section = ''] = read('executor.md').split('## On Amazon ECS');
  const documented = [...(section.split('## ')[0] ?? '').matchAll(/^\| `(\w+)` /gm)].map(([, key]) => key);
  expect(documented).toEqual(Object.keys(ecsConfigSchema.shape));
});
