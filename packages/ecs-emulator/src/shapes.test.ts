// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ecsOperations } from './ecs/operations.ts';
import { checkInput } from './wire/check-input.ts';
import { modelOf } from './wire/service-model.ts';

const python = process.env['STINT_TEST_PYTHON'] ?? '';
const hasBotocore = python !== '' && spawnSync(python, ['-c', 'import botocore']).status === 0;

test.skipIf(!hasBotocore)('the shapes are those of botocore', () => {
  const script = join(import.meta.dirname, '../model/generate.py');
  const { status, stderr } = spawnSync(python, [script, '--check'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('every operation that has shapes is emulated, and no other', () => {
  expect(Object.keys(ecsOperations).toSorted()).toEqual(Object.keys(modelOf('ecs').operations).toSorted());
});

test('the first problem of a request is named with its path, types before all else', () => {
  const body = { taskDefinition: 'f', tags: [{ key: '' }, { key: 1 }] };
  expect(checkInput(modelOf('ecs'), 'RunTask', body).problem).toMatchObject({ kind: 'type', path: 'tags[1].key' });
  expect(checkInput(modelOf('ecs'), 'RunTask', { taskDefinition: 'f', tags: [{ key: '' }] }).problem).toMatchObject({
    kind: 'constraint',
    path: 'tags[0].key',
  });
  expect(
    checkInput(modelOf('ecs'), 'RunTask', { taskDefinition: 'f', tags: [{ key: 'é ok_.:/=+-@' }] }).problem,
  ).toBeNull();
});

test('nulls are absent members', () => {
  const { input, unknown, problem } = checkInput(modelOf('ecs'), 'RunTask', {
    taskDefinition: 'f',
    tags: null,
    overrides: { containerOverrides: [null, { name: 'a', command: null }] },
  });
  expect({ input, unknown, problem }).toEqual({
    input: { taskDefinition: 'f', overrides: { containerOverrides: [{ name: 'a' }] } },
    unknown: [],
    problem: null,
  });
});
