// SPDX-License-Identifier: Apache-2.0
// The example of the library as a user runs it: on this machine, and on ECS against the emulator.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emulatedCluster } from '../../aws/testing/emulated-cluster.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXAMPLE = join(ROOT, 'examples/tasks/watch-tasks.ts');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-example-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

function run(args: readonly string[], more: Record<string, string> = {}) {
  const env = { PATH: process.env['PATH'], HOME: dir, STINT_HOME: join(dir, 'home'), ...more };
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [EXAMPLE, ...args], { cwd: dir, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
const printed = 'hello 1\nhello 2\nhello 3\nNONZERO_EXIT: 3\nCANCELED: It was canceled.\n';

test('it submits, watches, reads output and cancels, as plain processes', async () => {
  const r = await run(['--compute', 'process']);
  expect(r).toMatchObject({ code: 0, stdout: printed });
  expect(r.stderr).toMatch(/^counting: RUNNING$/m);
  expect(r.stderr).toMatch(/^endless: CANCELED$/m);
});

test('the same file on ECS, by stint.config.yaml, with the calls that the policy allows', async () => {
  const cluster = await emulatedCluster();
  try {
    const made = cluster.calls().length;
    const ecs = { cluster: 'c', executionRole: 'arn:aws:iam::123456789012:role/exec', pollInterval: '1s' };
    writeFileSync(
      join(dir, 'stint.config.yaml'),
      JSON.stringify({ compute: 'ecs', aws: { region: 'eu-west-1', ecs } }),
    );
    const r = await run([], {
      AWS_ENDPOINT_URL: cluster.endpoint,
      AWS_ACCESS_KEY_ID: 'any',
      AWS_SECRET_ACCESS_KEY: 'any',
    });
    expect(r).toMatchObject({ code: 0, stdout: printed });
    const policy = readFileSync(join(ROOT, 'examples/tasks/policy.json'), 'utf8');
    const calls = new Set(
      cluster
        .calls()
        .slice(made)
        .map((c) => c.action),
    );
    expect(calls).toContain('StopTask');
    expect([...calls].filter((action) => !policy.includes(`:${action}"`))).toEqual([]);
  } finally {
    await cluster.stop();
  }
});

test('what is wrong is told in one piece, and ends with 1', async () => {
  writeFileSync(join(dir, 'stint.config.yaml'), 'compute: ecs\naws: { region: eu-west-1, ecs: { cluster: c } }\n');
  expect(await run([])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^\S+stint\.config\.yaml:\d+: aws\.ecs\.executionRole: is required/),
  });
  expect(await run(['--compute', 'cloud'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^--compute cloud: there is/),
  });
});
