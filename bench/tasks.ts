// SPDX-License-Identifier: Apache-2.0
// Container tasks: the engine with the real ECS backend and the SQLite store against the emulator in a process of its own,
// and plain processes of this machine.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureTasks, startEmulator } from './emulated.ts';
import { CLI } from './processes.ts';
import type { Row } from './table.ts';
import type { FirstStates, InFlight, Processes, Recovered, Submitted } from './task-process.ts';

export interface TaskSizes {
  /** Tasks in flight, compared with a hundredth of them. */
  inFlight: number;
  ticks: number;
  pollInterval: string;
  atAwsRates: number;
  /** Submitted one after another, beside each other. */
  firstStates: number;
  processes: number;
  cliRuns: number;
}

export const taskSizes: TaskSizes = {
  inFlight: 10_000,
  ticks: 3,
  pollInterval: '5s',
  atAwsRates: 1_000,
  firstStates: 24,
  processes: 400,
  cliRuns: 9,
};

/** AWS's own figures for RunTask (Amazon ECS API Reference, "Request throttling"). */
const aws = { burst: 100, perSecond: 40 };
const label = (n: number): string => n.toLocaleString('en');

/** What is measured, each by itself. */
export const taskParts: readonly ((sizes: TaskSizes, root: string) => Promise<Row[]>)[] = [
  manyInFlight,
  atAwsRates,
  processes,
  cliOverhead,
];

export async function tasks(): Promise<Row[]> {
  return await inFolder(async (root) => {
    const rows: Row[] = [];
    for (const part of taskParts) rows.push(...(await part(taskSizes, root)));
    return rows;
  });
}

export async function inFolder<T>(fn: (root: string) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'stint-bench-tasks-'));
  try {
    return await fn(root);
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

const row = (what: string, goal: string, reached: boolean, ours: string, more: Partial<Row> = {}): Row => ({
  what,
  ratio: null,
  goal,
  reached,
  ours,
  other: '',
  note: '',
  ...more,
});

/** Filled faster than AWS allows, looked at as often as AWS allows; then the process is killed, and another goes on. */
async function manyInFlight({ inFlight, ticks, pollInterval }: TaskSizes, root: string): Promise<Row[]> {
  const dir = join(root, 'many');
  const any = { burst: 1e9, perSecond: 1e9 };
  const rates = { runTask: any, describeTaskDefinition: any, registerTaskDefinition: any };
  const emulator = await startEmulator({ timeScale: 200, noopMs: 24 * 3_600_000, rates });
  try {
    const few = Math.max(1, Math.floor(inFlight / 100));
    const m = await measureTasks<InFlight>(
      'inFlight',
      { dir, pollInterval, few, many: inFlight, ticks },
      emulator.endpoint,
    );
    if (m.problems.length > 0) throw new Error(m.problems.join('; '));
    const r = await measureTasks<Recovered>('recover', { dir, pollInterval, tasks: inFlight }, emulator.endpoint);
    if (r.tasks !== inFlight || r.findCalls > 0) throw new Error(`taken up: ${JSON.stringify(r)}`);
    const tasksOf = `${label(inFlight)} tasks in flight`;
    return [
      row(`${tasksOf}: memory`, '≤ 10 KB a task', m.rssKbPerTask <= 10, `${m.rssKbPerTask.toFixed(1)} KB a task`, {
        note: `RSS after GC, beyond that of ${few}; heap ${m.heapKbPerTask.toFixed(1)} KB`,
      }),
      row(`${tasksOf}: processor`, '≤ 150 µs a tick', m.cpuUsPerTick <= 150, `${m.cpuUsPerTick.toFixed(0)} µs a tick`, {
        note: `submitting and starting one: ${m.cpuMsPerStart.toFixed(2)} ms`,
      }),
      row(
        `${tasksOf}: processor, every one changed and stored`,
        '≤ 150 µs a tick',
        m.cpuUsPerChange <= 150,
        `${m.cpuUsPerChange.toFixed(0)} µs a tick`,
      ),
      row(`${label(inFlight)} open tasks after kill -9`, '≤ 5 s', r.seconds <= 5, `${r.seconds.toFixed(2)} s`, {
        note: `process start to all seen; ${r.observeCalls} DescribeTasks, no ListTasks; processor ${r.cpuS.toFixed(2)} s`,
      }),
    ];
  } finally {
    await emulator.stop();
  }
}

async function atAwsRates(sizes: TaskSizes, root: string): Promise<Row[]> {
  const emulator = await startEmulator({ timeScale: 200, noopMs: 0 });
  try {
    const { atAwsRates: n, pollInterval } = sizes;
    const s = await measureTasks<Submitted>(
      'submitAll',
      { dir: join(root, 'all'), pollInterval, tasks: n },
      emulator.endpoint,
    );
    const least = Math.max(0, (n - aws.burst) / aws.perSecond);
    const options = { dir: join(root, 'first'), pollInterval, tasks: sizes.firstStates };
    const f = await measureTasks<FirstStates>('firstStates', options, emulator.endpoint);
    const startedInTime = s.throttled === 0 && s.seconds <= least / 0.95;
    return [
      row(
        `${label(n)} tasks at AWS's rates`,
        'no throttle, ≥ 95 % of the rate',
        startedInTime,
        `${s.seconds.toFixed(2)} s`,
        {
          ratio: least > 0 ? s.seconds / least : null,
          other: `the limit itself ${least.toFixed(1)} s`,
          note: `over HTTP, ${s.throttled} throttled; all ended after ${s.endedSeconds.toFixed(1)} s`,
        },
      ),
      row('submit to first state: alone', '≤ 5 s', f.idleS <= 5, `${f.idleS.toFixed(2)} s`),
      row('submit to first state: beside others', '≤ 5 s', f.busyMaxS <= 5, `${f.busyMaxS.toFixed(2)} s`, {
        note: `the slowest of ${sizes.firstStates}; ticks are 5 s apart`,
      }),
    ];
  } finally {
    await emulator.stop();
  }
}

async function processes({ processes: n }: TaskSizes, root: string): Promise<Row[]> {
  const p = await measureTasks<Processes>(
    'processes',
    { dir: join(root, 'processes'), tasks: n },
    'http://127.0.0.1:9',
  );
  const perCpuS = n / (p.ownCpuS + p.childrenCpuS);
  const own = ((p.ownCpuS * 1000) / n).toFixed(1);
  return [
    row('plain processes that do nothing', '≥ 50/s a core', perCpuS >= 50, `${perCpuS.toFixed(0)} a processor second`, {
      note: `${(n / p.seconds).toFixed(0)}/s on ${cpus().length} cores; ${own} ms of it ours, the rest the shells`,
    }),
  ];
}

/** From the shell to the exit code. */
async function cliOverhead({ cliRuns }: TaskSizes, root: string): Promise<Row[]> {
  const home = join(root, 'cli');
  const timed = (command: string, args: readonly string[]): number => {
    const at = performance.now();
    const { status, stderr } = spawnSync(command, args, { env: { ...process.env, STINT_HOME: home }, cwd: tmpdir() });
    if (status !== 0) throw new Error(stderr.toString());
    return performance.now() - at;
  };
  const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
  const run = [CLI, 'task', 'run', '--compute', 'process', 'none', '--', 'true'];
  timed(process.execPath, run);
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let i = 0; i < cliRuns; i++) {
    bare.push(timed('true', []));
    ours.push(timed(process.execPath, run));
  }
  const more = median(ours) - median(bare);
  const what = row(
    'stint task run --compute process: true',
    '≤ 300 ms more',
    more <= 300,
    `${median(ours).toFixed(0)} ms`,
    { other: `bare true ${median(bare).toFixed(1)} ms`, note: `median of ${cliRuns}` },
  );
  return [what];
}
