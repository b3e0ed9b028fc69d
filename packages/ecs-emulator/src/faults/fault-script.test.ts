// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNoopEngine } from '@stint/local/tasks';
import { afterAll, describe, expect, test } from 'vitest';
import { createEmulator } from '../emulator.ts';
import { checkFaultScript, readFaultScript } from './fault-script.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-faults-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const said = (run: () => unknown): string => {
  try {
    run();
  } catch (e) {
    expect(e).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'BAD_FAULT_SCRIPT' });
    return (e as Error).message;
  }
  throw new Error('was not refused');
};

describe('a bad script is one error that names the rule', () => {
  test.each<[string, unknown, RegExp]>([
    ['no object', [], /object/],
    ['no rules', {}, /rules/],
    ['an unknown key', { rules: [], speed: 1 }, /speed/],
    ['a seed that is text', { rules: [], seed: 'x' }, /seed/],
    ['neither on nor task', { rules: [{ at: 'RUNNING' }] }, /rules\[0\].*"on".*"task"/],
    ['both', { rules: [{ on: 'RunTask', task: {} }] }, /rules\[0\]/],
    ['an unknown operation', { rules: [{ on: 'RunTasks', lose: 'request' }] }, /rules\[0\]\.on.*RunTasks/],
    ['no effect', { rules: [{ on: 'RunTask' }] }, /rules\[0\].*exactly one of.*none/],
    ['two effects', { rules: [{ on: 'RunTask', lose: 'request', delayMs: 1 }] }, /exactly one of.*lose and delayMs/],
    ['an unknown effect', { rules: [{ on: 'RunTask', crash: true }] }, /rules\[0\].*crash/],
    [
      'failures of another call',
      { rules: [{ on: 'StopTask', failures: [{ reason: 'x' }] }] },
      /rules\[0\]\.failures.*RunTask/,
    ],
    ['hiding by another call', { rules: [{ on: 'StopTask', hideMs: 1 }] }, /rules\[0\]\.hideMs.*RunTask/],
    ['an error without a name', { rules: [{ on: 'StopTask', error: {} }] }, /rules\[0\]\.error\.name/],
    ['a bad loss', { rules: [{ on: 'StopTask', lose: 'both' }] }, /rules\[0\]\.lose/],
    ['nth 0', { rules: [{ on: 'StopTask', nth: [0], lose: 'answer' }] }, /rules\[0\]\.nth/],
    ['nth in words', { rules: [{ on: 'StopTask', nth: 'each 10', lose: 'answer' }] }, /rules\[0\]\.nth/],
    [
      'a probability above 1',
      { rules: [{ on: 'StopTask', probability: 2, lose: 'answer' }] },
      /rules\[0\]\.probability/,
    ],
    [
      'a match on what is not known',
      { rules: [{ on: 'StopTask', match: { name: 'x' }, lose: 'answer' }] },
      /rules\[0\]\.match.*name/,
    ],
    ['an unknown event', { rules: [{ task: {}, at: 'RUNNING', event: 'explode' }] }, /rules\[0\]\.event/],
    ['no state', { rules: [{ task: {}, event: 'vanish' }] }, /rules\[0\]\.at/],
    ['a state that events do not come to', { rules: [{ task: {}, at: 'STOPPED', event: 'vanish' }] }, /rules\[0\]\.at/],
    [
      'an event at the wrong time',
      { rules: [{ task: {}, at: 'RUNNING', event: 'pullError' }] },
      /rules\[0\]\.at.*pullError.*PENDING/,
    ],
    [
      'a kind of another event',
      { rules: [{ task: {}, at: 'PENDING', event: 'pullError', kind: 'timeout' }] },
      /rules\[0\]\.kind/,
    ],
    [
      'a kind of an event that has none',
      { rules: [{ task: {}, at: 'RUNNING', event: 'vanish', kind: 'timeout' }] },
      /rules\[0\]\.kind/,
    ],
    [
      'an exit code of an event that has none',
      { rules: [{ task: {}, at: 'RUNNING', event: 'vanish', exitCode: 1 }] },
      /rules\[0\]\.exitCode/,
    ],
  ])('%s', (_, script, message) => {
    expect(said(() => checkFaultScript(script, 'faults.json'))).toMatch(/^faults\.json: /);
    expect(said(() => checkFaultScript(script, 'faults.json'))).toMatch(message);
  });

  test('all bad rules together', () => {
    const rules = [{ on: 'RunTask' }, { on: 'RunTask', lose: 'answer' }, { task: {}, at: 'RUNNING', event: 'x' }];
    expect(said(() => checkFaultScript({ rules }))).toMatch(/rules\[0\].*rules\[2\]\.event/);
    expect(said(() => checkFaultScript({ seed: 'x', rules: [...rules, 5] }))).toMatch(
      /seed.*rules\[3\].*rules\[0\].*rules\[2\]\.event/,
    );
  });

  test('a file that is not there, or no JSON', () => {
    expect(said(() => readFaultScript(join(folder, 'nope.json')))).toMatch(/nope\.json: can't be read/);
    writeFileSync(join(folder, 'bad.json'), '{');
    expect(said(() => readFaultScript(join(folder, 'bad.json')))).toMatch(/bad\.json: is no JSON/);
  });

  test('the emulator is not made with one', () => {
    const faults = { rules: [{ on: 'RunTask' }] };
    expect(said(() => createEmulator({ engine: createNoopEngine(), faults }))).toMatch(/rules\[0\]/);
  });
});

test('a file is read, and may name its schema for an editor', () => {
  const path = join(folder, 'good.json');
  const rules = [
    { on: 'RunTask', match: { family: 'x*' }, nth: 'every 10', error: { name: 'ServerException' } },
    { task: { provider: 'FARGATE' }, probability: 0.1, at: 'PENDING', event: 'pullError', kind: 'denied' },
  ];
  writeFileSync(path, JSON.stringify({ $schema: './fault-script.schema.json', seed: 7, rules }));
  expect(readFaultScript(path)).toMatchObject({ seed: 7, rules: [{ kind: 'call' }, { kind: 'task' }] });
});
