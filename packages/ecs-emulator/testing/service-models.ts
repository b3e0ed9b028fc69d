// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const python = process.env['STINT_TEST_PYTHON'] ?? '';
const hasBotocore = python !== '' && spawnSync(python, ['-c', 'import botocore']).status === 0;
const what = 'every accepted request and every answer fits the model in botocore';
const name = hasBotocore ? what : `${what} (skipped: STINT_TEST_PYTHON names no Python that has it)`;

/** To be called last in a test file: all calls that its emulators accepted, against the service models of AWS. */
export function callsFitTheServiceModels(logLines: () => string): void {
  test.skipIf(!hasBotocore)(name, () => {
    const script = join(import.meta.dirname, 'check_wire.py');
    const { stdout, stderr } = spawnSync(python, [script], { input: logLines(), encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^[1-9]\d* calls, 0 problems/);
  });
}
