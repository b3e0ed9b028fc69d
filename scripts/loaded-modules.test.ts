// SPDX-License-Identifier: Apache-2.0
// What a command loads is most of the time that it takes to start.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const CLI = resolve(import.meta.dirname, '../packages/cli/bin/stint.js');
const dir = mkdtempSync(join(tmpdir(), 'stint-loaded-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function modulesOf(...args: string[]): string[] {
  const list = join(dir, 'modules');
  const hook = `
    import { registerHooks } from 'node:module';
    import { writeFileSync } from 'node:fs';
    const seen = [];
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
    process.on('exit', () => writeFileSync(${JSON.stringify(list)}, seen.join('\\n')));`;
  const ran = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, CLI, ...args],
    { cwd: dir, env: { PATH: process.env['PATH'], STINT_HOME: join(dir, 'home') }, encoding: 'utf8' },
  );
  expect(ran).toMatchObject({ status: 0 });
  return readFileSync(list, 'utf8').split('\n');
}

test('a task loads nothing of datasets, of AWS, or of checks that it does not need', () => {
  const loaded = modulesOf('task', 'run', '--compute', 'process', 'none', '--', 'true');
  expect(loaded.filter((url) => url.includes('/core/src/task/')).length).toBeGreaterThan(5);
  const others =
    /\/(zod|yaml|@aws-sdk|@smithy|undici|@duckdb)\/|\/packages\/(jinja|models|export|aws|ecs-emulator)\/|\/core\/src\/formats\//;
  expect(loaded.filter((url) => others.test(url))).toEqual([]);
});
