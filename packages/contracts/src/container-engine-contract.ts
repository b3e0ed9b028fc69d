// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import type { ContainerEngine, ContainerExit, ContainerLogLine, ContainerSpec } from '@stint/core';
import { contractSuite, refused } from './contract-suite.ts';
import type { Closing, Skips } from './contract-suite.ts';
import { containerSpec } from './specimens.ts';

export interface ContainerEngineHarness extends Closing {
  /** Each call opens the same engine anew, as another process would. */
  open(): Promise<ContainerEngine>;
  /** An image with /bin/sh and the usual small programs. */
  image: string;
}

let counter = 0;
const unique = (): string => `stint-contract-${process.pid}-${++counter}`;

function container(
  h: ContainerEngineHarness,
  command: readonly string[],
  change: Partial<ContainerSpec> = {},
): ContainerSpec {
  const { image } = h;
  return containerSpec({ name: unique(), labels: { suite: 'contract' }, image, command, network: 'host', ...change });
}
const sh = (script: string): string[] => ['/bin/sh', '-c', script];

async function run(engine: ContainerEngine, spec: ContainerSpec): Promise<ContainerExit> {
  return await engine.wait(await engine.start(spec));
}
async function output(engine: ContainerEngine, handle: string): Promise<ContainerLogLine[]> {
  const lines: ContainerLogLine[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page = await engine.logs(handle, cursor);
    lines.push(...page.lines);
    if (page.end) return lines;
    cursor = page.cursor;
  }
}
const texts = (lines: readonly ContainerLogLine[], stream: 'stdout' | 'stderr' = 'stdout'): string[] =>
  lines.filter((l) => l.stream === stream).map((l) => l.text);
/** Lines as they were written: the parts of a long one together. */
function joined(lines: readonly ContainerLogLine[], stream: 'stdout' | 'stderr'): string[] {
  const whole: string[] = [];
  let open = '';
  for (const line of lines.filter((l) => l.stream === stream)) {
    open += line.text;
    if (line.partial) continue;
    whole.push(open);
    open = '';
  }
  return whole;
}
/** Until the container has said so: no sleeps. */
async function said(engine: ContainerEngine, handle: string, text: string): Promise<void> {
  while (!texts((await engine.logs(handle, null)).lines).includes(text))
    await new Promise((r) => void setTimeout(r, 20));
}

const rules: Record<string, (h: ContainerEngineHarness) => Promise<void>> = {
  'the exit code is the command’s own': async (h) => {
    const engine = await h.open();
    for (const code of [0, 1, 3, 125, 255]) {
      expect(await run(engine, container(h, sh(`exit ${code}`)))).toMatchObject({ exitCode: code, outOfMemory: false });
    }
  },
  'a signal is 128 + n': async (h) => {
    const engine = await h.open();
    expect((await run(engine, container(h, sh("sh -c 'kill -KILL $$'; exit $?")))).exitCode).toBe(137);
  },
  'times are those of the process': async (h) => {
    const before = Date.now() - 1_000;
    const { startedAtMs, finishedAtMs } = await run(await h.open(), container(h, sh('true')));
    expect(startedAtMs).toBeGreaterThanOrEqual(before);
    expect(finishedAtMs).toBeGreaterThanOrEqual(startedAtMs ?? Infinity);
    expect(finishedAtMs).toBeLessThanOrEqual(Date.now() + 1_000);
  },
  'arguments arrive as they are, without a shell': async (h) => {
    const engine = await h.open();
    const args = ['a b', '$HOME', '"', "'", '*', '', 'ü\\n', '--', '-x'];
    const spec = container(h, [...sh('printf "[%s]\\n" "$@"'), 'sh', ...args]);
    const handle = await engine.start(spec);
    await engine.wait(handle);
    expect(texts(await output(engine, handle))).toEqual(args.map((a) => `[${a}]`));
  },
  'an entry point goes before the command': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, ['echo "$0"', 'given'], { entryPoint: ['/bin/sh', '-c'] }));
    await engine.wait(handle);
    expect(texts(await output(engine, handle))).toEqual(['given']);
  },
  'the environment is the one given, and never the caller’s': async (h) => {
    process.env['STINT_SECRET_OF_THE_CALLER'] = 'secret';
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('env'), { env: { GIVEN: 'x y\t"z"', EMPTY: '' } }));
    await engine.wait(handle);
    delete process.env['STINT_SECRET_OF_THE_CALLER'];
    const env = texts(await output(engine, handle));
    expect(env).toContain('GIVEN=x y\t"z"');
    expect(env).toContain('EMPTY=');
    expect(env.join('\n')).not.toContain('SECRET_OF_THE_CALLER');
  },
  'a working directory is where the command runs': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('pwd'), { workingDir: '/tmp' }));
    await engine.wait(handle);
    expect(texts(await output(engine, handle))).toEqual(['/tmp']);
  },
  'output is complete, in order, and told apart': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(
      container(
        h,
        sh('i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done; echo oops >&2; printf unfinished'),
      ),
    );
    await engine.wait(handle);
    const lines = await output(engine, handle);
    expect(texts(lines)).toEqual([...Array.from({ length: 2000 }, (_, i) => `line ${i}`), 'unfinished']);
    expect(texts(lines, 'stderr')).toEqual(['oops']);
  },
  'output can be read while it grows, and an unfinished line is held back': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('echo one; printf half; sleep 60')));
    await said(engine, handle, 'one');
    const page = await engine.logs(handle, null);
    expect(texts(page.lines)).toEqual(['one']);
    expect(page.end).toBe(false);
    expect((await engine.logs(handle, page.cursor)).lines).toEqual([]);
    await engine.stop(handle, 100);
    expect(texts((await engine.logs(handle, page.cursor)).lines)).toEqual(['half']);
  },
  'much output on both streams is complete: many lines, long ones, characters whole': async (h) => {
    const engine = await h.open();
    const many = 'i=0; while [ $i -lt 4000 ]; do echo "Größe $i: äöüßäöüßäöüßäöüß"; i=$((i+1)); done';
    const long = "printf x; head -c 300000 /dev/zero | tr '\\0' z | sed 's/z/é/g'; echo; echo after";
    const handle = await engine.start(container(h, sh(`(${many}; ${long}) & (${many}; ${long}) >&2; wait`)));
    await engine.wait(handle);
    const lines = await output(engine, handle);
    const wanted = [
      ...Array.from({ length: 4000 }, (_, i) => `Größe ${i}: äöüßäöüßäöüßäöüß`),
      `x${'é'.repeat(300_000)}`,
      'after',
    ];
    expect(joined(lines, 'stdout')).toEqual(wanted);
    expect(joined(lines, 'stderr')).toEqual(wanted);
  },
  'output that is followed comes once, however long it grows': async (h) => {
    const engine = await h.open();
    const some = 'for n in 1 2 3 4 5 6 7 8 9; do echo "$i out $n"; echo "$i err $n" >&2; done; sleep 0.2';
    const handle = await engine.start(container(h, sh(`for i in $(seq 20); do ${some}; done`)));
    const lines: ContainerLogLine[] = [];
    let cursor: string | null = null;
    for (let pages = 1, end = false; !end; pages++) {
      const page = await engine.logs(handle, cursor);
      lines.push(...page.lines);
      ({ cursor, end } = page);
      if (pages < 5) expect(end).toBe(false);
      await new Promise((r) => void setTimeout(r, 100));
    }
    const wanted = (stream: string): string[] =>
      Array.from({ length: 180 }, (_, k) => `${1 + Math.floor(k / 9)} ${stream} ${1 + (k % 9)}`);
    expect(texts(lines)).toEqual(wanted('out'));
    expect(texts(lines, 'stderr')).toEqual(wanted('err'));
  },
  'stop sends SIGTERM and keeps the exit code of a trap': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('trap "exit 7" TERM; echo up; while :; do sleep 0.05; done')));
    await said(engine, handle, 'up');
    await engine.stop(handle, 30_000);
    expect((await engine.wait(handle)).exitCode).toBe(7);
  },
  'what ignores SIGTERM is killed after the grace time': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('trap "" TERM; echo up; while :; do sleep 0.05; done')));
    await said(engine, handle, 'up');
    await engine.stop(handle, 300);
    expect((await engine.wait(handle)).exitCode).toBe(137);
  },
  'stop of an ended container changes nothing': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('exit 4')));
    await engine.wait(handle);
    await engine.stop(handle, 100);
    expect((await engine.wait(handle)).exitCode).toBe(4);
  },
  'another process finds it by label, waits for it and reads its output': async (h) => {
    const first = await h.open();
    const label = unique();
    const handle = await first.start(
      container(h, sh('trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'), {
        labels: { suite: 'contract', label },
      }),
    );
    await said(first, handle, 'up');
    await first.close();
    const second = await h.open();
    const [found, ...more] = await second.find({ label });
    expect(more).toEqual([]);
    expect(found).toMatchObject({ handle, labels: { label }, state: { status: 'running' } });
    const ended = second.wait(handle);
    await second.stop(handle, 30_000);
    expect((await ended).exitCode).toBe(5);
    expect(texts(await output(second, handle))).toEqual(['up']);
    expect(await second.find({ label })).toMatchObject([{ state: { status: 'exited', exit: { exitCode: 5 } } }]);
    expect(await second.find({ label, other: 'x' })).toEqual([]);
  },
  'a name is taken once, running or ended': async (h) => {
    const engine = await h.open();
    const spec = container(h, sh('exit 1'));
    await engine.start(spec);
    await refused(engine.start(spec), 'ALREADY_EXISTS', 'CONTAINER_EXISTS');
    await engine.wait(spec.name);
    await refused((await h.open()).start({ ...spec, command: sh('exit 2') }), 'ALREADY_EXISTS', 'CONTAINER_EXISTS');
    expect((await engine.wait(spec.name)).exitCode).toBe(1);
  },
  'remove kills what runs, forgets it, and is idempotent': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('echo up; sleep 600')));
    await said(engine, handle, 'up');
    await engine.remove(handle);
    await engine.remove(handle);
    await refused(engine.wait(handle), 'NOT_FOUND', 'CONTAINER_NOT_FOUND');
    await refused(engine.logs(handle, null), 'NOT_FOUND', 'CONTAINER_NOT_FOUND');
    await refused(engine.stop(handle, 1), 'NOT_FOUND', 'CONTAINER_NOT_FOUND');
  },
  'a program that is not there is a bad command, and leaves nothing': async (h) => {
    const engine = await h.open();
    const spec = container(h, ['/no/such/program']);
    await expect(engine.start(spec)).rejects.toMatchObject({
      reason: 'BAD_COMMAND',
      info: { details: { exitCode: 127 } },
    });
    await refused(engine.wait(spec.name), 'NOT_FOUND', 'CONTAINER_NOT_FOUND');
  },
  'an abort ends the wait, not the container': async (h) => {
    const engine = await h.open();
    const handle = await engine.start(container(h, sh('echo up; sleep 600')));
    const abort = new AbortController();
    const waiting = engine.wait(handle, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELED' });
    await said(engine, handle, 'up');
    await engine.stop(handle, 100);
  },
  'a memory limit kills and is told from any other SIGKILL, or is declared as not enforced': async (h) => {
    const engine = await h.open();
    if (!engine.capabilities.limits) return;
    const eat = sh('x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done');
    expect(await run(engine, container(h, eat, { memoryMib: 32 }))).toMatchObject({ exitCode: 137, outOfMemory: true });
    expect(await run(engine, container(h, sh("sh -c 'kill -KILL $$'; exit $?"), { memoryMib: 32 }))).toMatchObject({
      exitCode: 137,
      outOfMemory: false,
    });
  },
  'a mount is seen at its path, or declared as not supported': async (h) => {
    const engine = await h.open();
    if (!engine.capabilities.mounts) return;
    const hostPath = `/tmp/${unique()}`;
    const spec = container(h, sh('echo in > /mnt/here/file'), {
      mounts: [{ hostPath, containerPath: '/mnt/here', readOnly: false }],
    });
    expect((await run(engine, spec)).exitCode).toBe(0);
    const again = { ...spec, name: unique(), command: sh('cat /mnt/here/file; echo x > /mnt/here/file') };
    const handle = await engine.start({ ...again, mounts: [{ hostPath, containerPath: '/mnt/here', readOnly: true }] });
    expect((await engine.wait(handle)).exitCode).not.toBe(0);
    expect(texts(await output(engine, handle))).toEqual(['in']);
  },
};

/** The rules of the ContainerEngine port. What an engine declares that it can't do is data, not a skip. */
export function containerEngineContract(
  name: string,
  make: () => Promise<ContainerEngineHarness>,
  skip: Skips = {},
): void {
  contractSuite(`ContainerEngine contract: ${name}`, make, skip, rules);
}
