// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { checkGpus } from './doctor.ts';

test('GPUs that containers can have are named', () => {
  expect(checkGpus('podman', { count: 2, types: ['nvidia h200'], hint: null })).toMatchObject([
    { name: 'gpus', status: 'ok', text: 'podman gives containers 2 (nvidia h200)' },
  ]);
  expect(checkGpus('docker', { count: 1, types: [], hint: null })).toMatchObject([
    { text: 'docker gives containers 1 (unknown type)' },
  ]);
});

test('GPUs that podman can not map are a warning, with the way out', () => {
  expect(checkGpus('podman', { count: 0, types: [], hint: 'make it so' })).toMatchObject([
    { name: 'gpus', status: 'warn', text: 'make it so' },
  ]);
});

test('a machine without is not spoken of', () => {
  expect(checkGpus('podman', { count: 0, types: [], hint: null })).toEqual([]);
});
