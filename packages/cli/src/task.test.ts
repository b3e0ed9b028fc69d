// SPDX-License-Identifier: Apache-2.0
// `stint task` on plain processes, as real processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/stint.js', import.meta.url));
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stint-task-'));
});
afterEach(async () => {
  const { json } = await stint('task', 'ls', '--json');
  for (const t of json?.tasks ?? []) if (t.outcome === null) await stint('task', 'cancel', t.id);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- read as any other program would
  json: any;
}
function start(...args: string[]) {
  const env = { PATH: process.env['PATH'], HOME: dir, STINT_HOME: join(dir, 'home'), SECRET: 'of the caller' };
  const child = spawn(process.execPath, [BIN, ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const done = once(child, 'close').then(([code]: (number | null)[]): Ran => {
    let json: unknown = null;
    try {
      json = JSON.parse(stdout);
    } catch {
      // Prose.
    }
    return { code: code ?? null, stdout, stderr, json };
  });
  return { child, done, said: (text: string) => expect.poll(() => stdout + stderr).toContain(text) };
}
const stint = (...args: string[]): Promise<Ran> => start(...args).done;
const run = (...args: string[]): Promise<Ran> => stint('task', 'run', '--compute', 'process', ...args);
const sh = (script: string): string[] => ['none', '--', 'sh', '-c', script];

describe('run', () => {
  test('exits with the code of the command, and passes its output through', async () => {
    const r = await run(...sh('echo out; echo err >&2; exit 3'));
    expect(r).toMatchObject({ code: 3, stdout: 'out\n' });
    expect(r.stderr).toContain('err\n');
    expect(r.stderr).toContain('not enforced');
  });

  test('--json is the task in TES form, and its output goes to stderr', async () => {
    const r = await run('--json', '--name', 'n', '--label', 'a=b', '-e', 'X=1', ...sh('echo $X $SECRET; exit 4'));
    expect(r.code).toBe(4);
    expect(r.stderr).toContain('1\n');
    expect(r.stderr).not.toContain('of the caller');
    expect(r.json).toMatchObject({
      state: 'EXECUTOR_ERROR',
      name: 'n',
      tags: { a: 'b' },
      logs: [{ logs: [{ exit_code: 4 }], outcome: { code: 'NONZERO_EXIT' } }],
      outcome: { code: 'NONZERO_EXIT', retry: false },
    });
  });

  test.each([
    [['--time-limit', '1s', ...sh('sleep 60')], 124, 'TIME_LIMIT'],
    [['none', '--', 'no-such-program'], 127, 'BAD_COMMAND'],
    [sh('kill -TERM $$'), 143, 'NONZERO_EXIT'],
  ] as const)('%j exits with %i', async (args, code, outcome) => {
    const r = await run('--json', ...args);
    expect(r).toMatchObject({ code, json: { outcome: { code: outcome } } });
  });

  test('every wrong flag is named at once, and nothing is made', async () => {
    const r = await run('--cpus', '0', '--memory', 'lots', '-e', 'X', '--arch', 'sparc', 'none', '--', 'true');
    expect(r.code).toBe(2);
    for (const flag of ['--cpus', '--memory', '--env', '--arch']) expect(r.stderr).toContain(flag);
    expect((await run('--cpus', '4096', 'none', '--', 'true')).stderr).toMatch(
      /4096 CPUs were asked, it has \d+ at most/,
    );
    expect((await stint('task', 'ls', '--json')).json).toEqual({ tasks: [] });
  });

  test.runIf(existsSync('/dev/full')).each([
    [0, 6],
    [4, 4],
  ])('output that can’t be written ends neither task nor stint: %i exits %i', async (own, code) => {
    const env = { PATH: process.env['PATH'], HOME: dir, STINT_HOME: join(dir, 'home') };
    const full = openSync('/dev/full', 'w');
    const args = ['task', 'run', '--compute', 'process', ...sh(`echo out; sleep 0.3; exit ${own}`)];
    const child = spawn(process.execPath, [BIN, ...args], { cwd: dir, env, stdio: ['ignore', full, 'pipe'] });
    let stderr = '';
    child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
    expect(await once(child, 'close')).toEqual([code, null]);
    closeSync(full);
    expect(stderr).toContain("stdout can't be written");
    expect((await stint('task', 'ls', '--json')).json.tasks).toMatchObject([
      { logs: [{ logs: [{ exit_code: own }] }] },
    ]);
  });

  test('an image that an engine would take for a flag is refused', async () => {
    const r = await stint('task', 'run', '--compute', 'process', '--', '--privileged', 'true');
    expect(r).toMatchObject({ code: 2, stderr: expect.stringContaining('is no image name') });
  });

  test.runIf(process.platform === 'linux')('a reader that is slower than the output costs no memory', async () => {
    const r = start(
      'task',
      'run',
      '--compute',
      'process',
      ...sh('yes 0123456789 | head -n 12000000; : > ../../../../ended; sleep 60'),
    );
    r.child.stdout.pause();
    await expect.poll(() => existsSync(join(dir, 'ended'))).toBe(true);
    await new Promise((resolve) => void setTimeout(resolve, 1_500));
    const peakKib = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${r.child.pid}/status`, 'utf8'))?.[1]);
    r.child.kill('SIGKILL');
    expect(peakKib).toBeLessThan(200 * 1024);
  });

  test('without an engine nothing runs unisolated unasked', async () => {
    const env = { PATH: dir, HOME: dir, STINT_HOME: join(dir, 'home') };
    const child = spawn(process.execPath, [BIN, 'task', 'run', 'none', '--', 'true'], { cwd: dir, env });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(stderr).toContain('--compute process');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s cancels the task and waits for its end', async (signal) => {
    const r = start(
      'task',
      'run',
      '--compute',
      'process',
      '--json',
      ...sh('trap "echo bye; exit 9" TERM; echo up; while :; do sleep 0.05; done'),
    );
    await r.said('up');
    r.child.kill(signal);
    const { code, json, stderr } = await r.done;
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(json).toMatchObject({ state: 'CANCELED', outcome: { code: 'CANCELED' } });
    expect(stderr).toContain('bye');
  });

  test('an idempotency key attaches to the task that exists; another request with it exits 4', async () => {
    const first = await run('--json', '--idempotency-key', 'k', ...sh('echo once >> ../../count; exit 6'));
    const again = await run('--json', '--idempotency-key', 'k', ...sh('echo once >> ../../count; exit 6'));
    expect([first.code, again.code]).toEqual([6, 6]);
    expect(again.json.id).toBe(first.json.id);
    expect(again.stderr).toContain(first.json.id);
    expect((await run('--idempotency-key', '', ...sh('true'))).code).toBe(2);
    const other = await run('--json', '--idempotency-key', 'k', ...sh('true'));
    expect(other).toMatchObject({ code: 4, json: { error: { reason: 'IDEMPOTENCY_MISMATCH' } } });
  });
});

describe('kill -9 of stint', () => {
  test('loses neither exit code nor line, and runs nothing twice', async () => {
    const script = 'echo one; echo run >> "$0"; while [ ! -e "$0.go" ]; do sleep 0.05; done; echo two; exit 7';
    const file = join(dir, 'runs');
    const r = start('task', 'run', '--compute', 'process', 'none', '--', 'sh', '-c', script, file);
    await r.said('one');
    r.child.kill('SIGKILL');
    await r.done;
    const [task] = (await stint('task', 'ls', '--json')).json.tasks;
    expect(task.state).toBe('RUNNING');
    writeFileSync(`${file}.go`, '');
    const get = async () => (await stint('task', 'get', '--json', task.id)).json;
    await expect.poll(get).toMatchObject({ state: 'EXECUTOR_ERROR', logs: [{ logs: [{ exit_code: 7 }] }] });
    const waited = await stint('task', 'wait', '--json', task.id);
    expect(waited).toMatchObject({ code: 7, json: { state: 'EXECUTOR_ERROR', logs: [{ logs: [{ exit_code: 7 }] }] } });
    expect((await stint('task', 'logs', task.id)).stdout).toBe('one\ntwo\n');
    expect(readFileSync(file, 'utf8')).toBe('run\n');
    expect(readdirSync(join(dir, 'home/processes'))).toEqual([]);
  });

  test('at any moment of a start leaves one run or none, and the task can be waited for', async () => {
    for (let round = 0; round < 8; round++) {
      const file = join(dir, `runs-${round}`);
      const key = `k${round}`;
      const args = [
        'task',
        'run',
        '--compute',
        'process',
        '--idempotency-key',
        key,
        'none',
        '--',
        'sh',
        '-c',
        'echo run >> "$0"',
        file,
      ];
      const r = start(...args);
      // Somewhere between the first line of the program and the end of the task.
      await new Promise((resolve) => void setTimeout(resolve, 60 + round * 45));
      r.child.kill('SIGKILL');
      await r.done;
      const again = await stint(...args);
      expect(again.code, `round ${round}: ${again.stderr}`).toBe(0);
      expect(readFileSync(file, 'utf8'), `round ${round}`).toBe('run\n');
    }
  });
});

describe('detached', () => {
  test('prints the id alone; logs -f follows it; wait exits as run would', async () => {
    const r = await run('--detach', ...sh('echo a; sleep 0.3; echo b; exit 5'));
    expect(r.stdout).toMatch(/^[0-9A-Z]{26}\n$/);
    const id = r.stdout.trim();
    expect((await stint('task', 'logs', '-f', id)).stdout).toBe('a\nb\n');
    expect((await stint('task', 'wait', id)).code).toBe(5);
  });

  test('is looked after by a supervisor that leaves when nothing is open', async () => {
    const { stdout } = await run('--detach', ...sh('exit 5'));
    const get = async () => (await stint('task', 'get', '--json', stdout.trim())).json;
    await expect.poll(get).toMatchObject({ state: 'EXECUTOR_ERROR' });
  });

  test('ls is not held up by a task that ignores its stop, and does not put its end off', async () => {
    const script = 'trap "" TERM; echo up; while :; do sleep 0.1; done';
    const r = start('task', 'run', '--stop-timeout', '6', '--compute', 'process', ...sh(script));
    await r.said('up');
    r.child.kill('SIGTERM');
    await expect.poll(() => readdirSync(join(dir, 'home/stops'))).toHaveLength(1);
    r.child.kill('SIGKILL');
    await r.done;
    const [task] = (await stint('task', 'ls', '--json')).json.tasks;
    // The stop time-out has not passed yet: `ls` did not wait for it.
    expect((await stint('task', 'get', '--json', task.id)).json.state).toBe('CANCELING');
    while (((await stint('task', 'get', '--json', task.id)).json.state as string) === 'CANCELING');
    expect((await stint('task', 'get', '--json', task.id)).json).toMatchObject({
      state: 'CANCELED',
      logs: [{ logs: [{ exit_code: 137 }] }],
    });
  });

  test('cancel ends it; cancel again changes nothing; wait of it exits 130', async () => {
    const { stdout } = await run('--detach', ...sh('sleep 600'));
    const id = stdout.trim();
    expect((await stint('task', 'cancel', '--json', id)).json).toMatchObject({ state: 'CANCELED' });
    expect(await stint('task', 'cancel', '--json', id)).toMatchObject({ code: 0, json: { state: 'CANCELED' } });
    expect((await stint('task', 'wait', id)).code).toBe(130);
  });
});

describe('rm, get, ls', () => {
  test('an ended task is forgotten with its output; an unknown one exits 4', async () => {
    const { json } = await run('--json', ...sh('echo x'));
    const unknown = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    expect((await stint('task', 'rm', json.id, unknown)).code).toBe(4);
    expect((await stint('task', 'rm', json.id)).stdout).toBe(`${json.id}\n`);
    for (const command of ['get', 'logs', 'wait', 'cancel', 'rm']) {
      expect(await stint('task', command, json.id), command).toMatchObject({ code: 4 });
    }
    expect(readdirSync(join(dir, 'home/logs'))).toEqual([]);
  });

  test('--ended needs an age, and takes only what is older', async () => {
    const { json } = await run('--json', ...sh('true'));
    expect((await stint('task', 'rm', '--ended')).code).toBe(2);
    expect((await stint('task', 'rm', '--ended', '--older-than', '1h')).stdout).toBe('');
    expect((await stint('task', 'rm', '--ended', '--older-than', '1ms')).stdout).toBe(`${json.id}\n`);
  });

  test('a configuration is checked with file and line', async () => {
    writeFileSync(join(dir, 'stint.config.yaml'), 'compute: nowhere\nlocal:\n  memory: lots\n  extra: 1\n');
    const r = await stint('task', 'run', 'none', '--', 'true');
    expect(r.code).toBe(2);
    expect(r.stderr).toMatch(/stint\.config\.yaml:1: compute/);
    expect(r.stderr).toMatch(/stint\.config\.yaml:3: local\.memory/);
    rmSync(join(dir, 'stint.config.yaml'));
  });
});
