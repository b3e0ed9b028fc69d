// SPDX-License-Identifier: Apache-2.0
// The quickstart of docs/executor.md as it is written: every command, in order, in one shell. The real AWS CLI speaks to
// the ECS emulator (ECS, EC2, logs, STS) and to moto (IAM), `npx stint` is this one.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BIN = join(ROOT, 'packages/cli/bin/stint.js');
/** Folder with `aws` and `moto_server` (.ci/requirements-aws.txt). */
const TOOLS = process.env['STINT_TEST_AWS'];

/** What neither stand-in can answer, by a part of the command; one that works all the same fails the test. */
const cannotWork: readonly { part: string; reason: string }[] = [];

const page = readFileSync(join(ROOT, 'docs/executor.md'), 'utf8');
const quickstart = page.split('\n## Quickstart')[1]?.split('\n## ')[0] ?? '';

/** Whole commands of shell text: lines are gathered until bash is content with them. */
function commandsOf(text: string): string[] {
  const all: string[] = [];
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    lines.push(line);
    const whole = lines.join('\n');
    if (whole.trim() === '') lines = [];
    else if (!line.endsWith('\\') && isComplete(whole)) {
      all.push(whole);
      lines = [];
    }
  }
  expect(lines).toEqual([]);
  return all;
}
function isComplete(text: string): boolean {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
  return status === 0 && stderr === '';
}
const commands = [...quickstart.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) => commandsOf(block));

test('the quickstart has commands, and a shell understands them all', () => {
  expect(commands.length).toBeGreaterThan(45);
  expect(commands.filter((c) => !isComplete(c))).toEqual([]);
});

const children: ChildProcess[] = [];
let dir: string | undefined;
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

/** Starts a server, and gives its address as soon as it prints one. */
async function serve(program: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return await new Promise<string>((resolve, reject) => {
    let said = '';
    const look = (line: string): void => {
      said += `${line}\n`;
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
    };
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', look);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
  });
}

interface Ran {
  command: string;
  status: number;
  output: string;
}

/** One shell for all of them, so that variables and functions last; a failure inside a loop or function counts too. */
async function runAll(cwd: string, env: Record<string, string>): Promise<Ran[]> {
  const mark = '\u0001';
  const script = commands.map((command, i) => `STATUS=0\n${command}\nprintf '${mark}${i} %s${mark}' "$STATUS"\n`);
  writeFileSync(join(cwd, 'script.sh'), `set -E -o pipefail\nexec 2>&1\ntrap 'STATUS=$?' ERR\n${script.join('')}`);
  const child = spawn('bash', ['script.sh'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await once(child, 'close');
  const ran: Ran[] = [];
  let from = 0;
  for (const m of output.matchAll(new RegExp(`${mark}(\\d+) (\\d+)${mark}`, 'g'))) {
    ran.push({ command: commands[Number(m[1])] ?? '', status: Number(m[2]), output: output.slice(from, m.index) });
    from = m.index + m[0].length;
  }
  return ran;
}

const what = 'every command of the quickstart works, in this order, with the real AWS CLI';
test.skipIf(TOOLS === undefined)(
  TOOLS === undefined ? `${what} (skipped: STINT_TEST_AWS names no folder that has it)` : what,
  { timeout: 300_000 },
  async () => {
    dir = mkdtempSync(join(tmpdir(), 'stint-quickstart-'));
    // A folder as a user has it: a checkout with its packages; what the image of CUDA has is on the path.
    const home = join(dir, 'checkout');
    mkdirSync(join(home, 'examples'), { recursive: true });
    cpSync(join(ROOT, 'examples/tasks'), join(home, 'examples/tasks'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(home, 'node_modules'));
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'nvidia-smi'), '#!/bin/sh\necho a GPU\n', { mode: 0o755 });
    const path = [TOOLS ?? '', bin, dirname(process.execPath), process.env['PATH']].join(delimiter);

    const emulatorArgs = ['emulator', '--compute', 'process', '--time-scale', '500', '--account', '123456789012'];
    const [emulator, moto] = await Promise.all([
      serve(process.execPath, [BIN, ...emulatorArgs, '--log', join(dir, 'calls.jsonl')], { PATH: path }),
      serve(join(TOOLS ?? '', 'moto_server'), ['-H', '127.0.0.1', '-p', '0'], {
        MOTO_IAM_LOAD_MANAGED_POLICIES: 'true',
      }),
    ]);
    const ran = await runAll(home, {
      PATH: path,
      HOME: home,
      STINT_HOME: join(dir, 'state'),
      STINT_AWS_ECS_POLL_INTERVAL: '1s',
      AWS_ENDPOINT_URL: emulator,
      AWS_ENDPOINT_URL_IAM: moto,
      AWS_ACCESS_KEY_ID: 'any',
      AWS_SECRET_ACCESS_KEY: 'any',
      // Nothing of the test asks anybody outside.
      npm_config_update_notifier: 'false',
    });

    expect(ran.map((r) => r.command)).toEqual(commands);
    const wanted = (command: string): number => Number(/# exits with (\d+)/.exec(command)?.[1] ?? 0);
    const listed = (command: string) => cannotWork.find(({ part }) => command.includes(part));
    expect(ran.filter((r) => r.status !== wanted(r.command) && !listed(r.command))).toEqual([]);
    expect(ran.filter((r) => listed(r.command) && r.status === wanted(r.command))).toEqual([]);
    for (const { part } of cannotWork)
      expect(
        commands.some((c) => c.includes(part)),
        part,
      ).toBe(true);

    const output = (part: string): string => ran.find((r) => r.command.includes(part))?.output ?? '';
    expect(output('echo hello; exit 3')).toContain('hello\n');
    expect(output('echo hello from Fargate')).toContain('hello from Fargate\n');
    expect(output('nvidia-smi')).toContain('a GPU\n');
    expect(output('logs -f $id')).toBe('1\n2\n3\n');

    // Nothing that AWS would not know was sent, and nothing is left.
    const calls = readFileSync(join(dir, 'calls.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l));
    expect(calls.filter((c) => c.unknown.length > 0)).toEqual([]);
    expect(calls.findLast((c) => c.action === 'DeleteCluster')?.status).toBe(200);
  },
);
