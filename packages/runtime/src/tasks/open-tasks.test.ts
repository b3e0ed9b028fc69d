// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTasks } from './open-tasks.ts';
import type { NewTask, OpenTasksOptions, Tasks } from './open-tasks.ts';

let dir: string;
let open: Tasks[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-open-tasks-'));
  open = [];
});
afterEach(async () => {
  for (const tasks of open) await tasks.close();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});
async function opened(options: OpenTasksOptions = {}): Promise<Tasks> {
  const env = { PATH: process.env['PATH'], STINT_HOME: join(dir, 'home') };
  const tasks = await openTasks({ env, cwd: dir, settings: { compute: 'process' }, ...options });
  open.push(tasks);
  return tasks;
}
const sh = (script: string, more: Partial<NewTask> = {}): NewTask => ({
  image: 'none',
  command: ['sh', '-c', script],
  ...more,
});

test('numbers and maps mean what the flags mean', async () => {
  const tasks = await opened();
  const made = await tasks.submit(
    sh('echo "$A"', { cpus: 0.5, memory: 1, disk: '30GiB', env: { A: 'x=y' }, labels: { team: 'a' }, timeLimit: '1m' }),
  );
  expect(made).toMatchObject({
    resources: { cpu_cores: 0.5, ram_gb: 1, disk_gb: 30 },
    executors: [{ env: { A: 'x=y' } }],
    tags: { team: 'a' },
  });
  const lines = [];
  for await (const line of tasks.logs(made.id, { follow: true })) lines.push(line);
  expect(lines).toMatchObject([{ attempt: 1, stream: 'stdout', text: 'x=y' }]);
  expect(await tasks.wait(made.id)).toMatchObject({ state: 'COMPLETE', outcome: { code: 'COMPLETED' } });
});

test('settings are taken instead of the file, and what is wrong with them is told', async () => {
  writeFileSync(join(dir, 'stint.config.yaml'), 'compute: nowhere\n');
  await expect((await opened()).list()).resolves.toEqual([]);
  await expect(opened({ settings: undefined })).rejects.toThrow(/stint\.config\.yaml:1: .*compute/);
  await expect(opened({ settings: { compute: 'nowhere' as 'ecs' } })).rejects.toThrow(/compute/);
});

test.each(['', '# nothing yet\n', '---\n', 'null\n'])('a configuration that says nothing is none: %j', async (text) => {
  writeFileSync(join(dir, 'stint.config.yaml'), text);
  await expect((await opened({ settings: undefined })).list()).resolves.toEqual([]);
});

test.each(['/nowhere/at/all.yaml', 'stint.config.yaml'])(
  'a configuration that is a link to %s is not passed over',
  async (target) => {
    symlinkSync(target, join(dir, 'stint.config.yaml'));
    await expect(opened({ settings: undefined })).rejects.toMatchObject({ reason: 'BAD_PATH' });
  },
);

test('a label has any text for a key, but some', async () => {
  const tasks = await opened();
  const labels = { 'cost centre': 'a b', café: '' };
  await expect(tasks.submit(sh('true', { labels: { ' ': 'x' } }))).rejects.toThrow(/--label/);
  expect(await tasks.submit(sh('true', { labels }))).toMatchObject({ tags: labels });
});

test('every wrong member is named at once, and nothing is made', async () => {
  const tasks = await opened();
  const wrong = tasks.submit(sh('true', { cpus: -1, memory: 'much', timeLimit: 'soon' }));
  await expect(wrong).rejects.toThrow(/--cpus[^]*--memory[^]*--time-limit/);
  expect(await tasks.list()).toEqual([]);
});

test('what a program without types gets wrong is named, and nothing is made', async () => {
  const tasks = await opened();
  const wrong = { image: 5, command: 'true', cpu: 4, env: { A: undefined }, labels: { 'a=b': 'c' }, fusion: 'no' };
  await expect(tasks.submit(wrong as unknown as NewTask)).rejects.toMatchObject({
    reason: 'BAD_ARGUMENT',
    message: [
      'image: must be text',
      'command: must be an array of texts',
      'cpu: a task has no such member',
      'env: must be a map of names without = to texts',
      'labels: must be a map of names without = to texts',
      'fusion: must be true or false',
    ].join('\n'),
  });
  await expect(tasks.submit(undefined as unknown as NewTask)).rejects.toThrow(/image: is missing/);
  await expect(tasks.submit(sh('true'), { idempotencyKey: '' })).rejects.toMatchObject({ reason: 'BAD_ARGUMENT' });
  await expect(tasks.get(undefined as unknown as string)).rejects.toMatchObject({ reason: 'TASK_NOT_FOUND' });
  expect(await tasks.list()).toEqual([]);
});

test('a key attaches to its task; another request with it is refused', async () => {
  const tasks = await opened();
  const first = await tasks.submit(sh('true'), { idempotencyKey: 'k' });
  expect((await tasks.submit(sh('true'), { idempotencyKey: 'k' })).id).toBe(first.id);
  await expect(tasks.submit(sh('false'), { idempotencyKey: 'k' })).rejects.toMatchObject({
    reason: 'IDEMPOTENCY_MISMATCH',
  });
});

test('a task goes on when it is closed, and whoever opens the folder next has its end', async () => {
  const first = await opened();
  const { id } = await first.submit(sh('sleep 1; exit 7'));
  await expect.poll(async () => (await first.get(id)).state).toBe('RUNNING');
  await first.close();
  await first.close();
  const next = await opened();
  expect((await next.wait(id.toLowerCase())).logs[0]?.logs[0]?.exit_code).toBe(7);
  expect((await next.list()).map((t) => t.id)).toEqual([id]);
  await next.remove(id);
  await expect(next.get(id)).rejects.toMatchObject({ reason: 'TASK_NOT_FOUND' });
});

test('waiting can be given up, the task goes on until it is canceled', async () => {
  const tasks = await opened();
  const { id } = await tasks.submit(sh('sleep 60'));
  const enough = new AbortController();
  const waiting = tasks.wait(id, enough.signal);
  enough.abort();
  await expect(waiting).rejects.toMatchObject({ reason: 'ABORTED' });
  await expect(tasks.remove(id)).rejects.toMatchObject({ reason: 'TASK_OPEN' });
  expect(await tasks.cancel(id, 'enough')).toMatchObject({ state: 'CANCELED' });
});
