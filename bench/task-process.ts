// SPDX-License-Identifier: Apache-2.0
// Our side of a measurement: node --expose-gc task-process.ts WHAT JSON. The task engine with the real ECS backend and the
// SQLite store, as the CLI puts them together, against the endpoint of the environment. Prints one JSON line and stays.
import { createHash, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEcsCompute, readEcsConfig } from '@stint/aws';
import type { EcsComputeOptions } from '@stint/aws';
import { taskSpec } from '@stint/contracts/specimens';
import { createTaskEngine } from '@stint/core/tasks';
import type { Compute, TaskDocument, TaskEngine, TaskSpec } from '@stint/core';
import { describeThisProcess, ownerIsAlive, systemClock } from '@stint/local';
import { openSqliteTaskStore } from '@stint/local/tasks';
import { composeTasks } from '../packages/runtime/src/tasks/compose-tasks.ts';
import { ACCOUNT, REGION } from './emulated.ts';

const clock = systemClock();
const self = describeThisProcess();
const fast = { perSecond: 100_000, burst: 100_000 };

interface Common {
  dir: string;
  pollInterval: string;
}

interface Ours {
  engine: TaskEngine;
  compute: Compute;
  counts: { observed: Set<string>; observeCalls: number; findCalls: number; throttled: number };
  problems: string[];
  /** What the backend says of every task from now on, where it is not ''. */
  news: { rawStatus: string };
}

async function ours({ dir, pollInterval }: Common, rates: EcsComputeOptions['rates'] = {}): Promise<Ours> {
  const executionRole = `arn:aws:iam::${ACCOUNT}:role/exec`;
  const real = await createEcsCompute({
    region: REGION,
    config: readEcsConfig({ cluster: 'c', executionRole, spotPolicy: 'onDemand', pollInterval }, {}),
    clusterArn: null,
    clock,
    rates,
  });
  const news = { rawStatus: '' };
  const counts = { observed: new Set<string>(), observeCalls: 0, findCalls: 0, throttled: 0 };
  const compute = Object.assign(Object.create(real) as Compute, {
    observe: async (handles: readonly string[], signal: AbortSignal) => {
      counts.observeCalls++;
      const seen = await real.observe(handles, signal);
      for (const o of seen) if (o.phase !== 'missing') counts.observed.add(o.handle);
      return news.rawStatus === '' ? seen : seen.map((o) => ({ ...o, rawStatus: news.rawStatus }));
    },
    find: async (...args: Parameters<Compute['find']>) => {
      counts.findCalls++;
      return await real.find(...args);
    },
  });
  bindAll(compute, real);
  const problems: string[] = [];
  const engine = createTaskEngine({
    store: openSqliteTaskStore(dir),
    computeFor: async () => compute,
    clock,
    random: () => randomInt(2 ** 32) / 2 ** 32,
    sha256: (data) => createHash('sha256').update(data).digest('hex'),
    self,
    isDead: (owner) => ownerIsAlive(owner, self) === 'dead',
    problem: (_id, what, e) => {
      if (String(e).includes('Throttling')) counts.throttled++;
      problems.push(`${what}: ${String(e)}`);
    },
  });
  return { engine, compute, counts, problems, news };
}

/** Private fields need their own object. */
function bindAll(compute: Compute, real: Compute): void {
  for (const name of ['check', 'place', 'prepare', 'start', 'stop', 'logs', 'settle', 'forget', 'close'] as const) {
    Object.assign(compute, { [name]: (real[name] as (...a: unknown[]) => unknown).bind(real) });
  }
}

const spec = (n: number): TaskSpec =>
  taskSpec({
    name: `sample-${n}`,
    executors: [
      {
        image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/pipeline/align:1.4.2',
        command: ['bash', '-c', `set -e; aws s3 cp s3://bucket/run/${n}/.command.run - | bash > .command.log 2>&1`],
        entryPoint: null,
        env: { AWS_REGION: REGION, SAMPLE: String(n) },
        workdir: null,
      },
    ],
    labels: { run: 'bench', process: 'align' },
  });

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; !(await is()); i++) {
    if (i > 12_000) throw new Error(`waited too long for ${what}`);
    await sleep(20);
  }
}

/** Tasks that are seen running, told by their stored changes. */
function countRunning(engine: TaskEngine): () => number {
  const running = new Set<string>();
  engine.onChange((task) => {
    if (task.state === 'RUNNING') running.add(task.id);
  });
  return () => running.size;
}

async function submit({ engine, compute }: Ours, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i += 200) {
    const batch = Array.from({ length: Math.min(200, to - i) }, (_, k) => spec(i + k));
    await Promise.all(batch.map((s) => engine.submit(s, compute.target)));
  }
}

async function settledRssKb(): Promise<number> {
  for (let i = 0; i < 6; i++) {
    // Also gives back what the heap does not need.
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await sleep(150);
  }
  return process.memoryUsage.rss() / 1024;
}

export interface InFlight {
  rssKbPerTask: number;
  heapKbPerTask: number;
  cpuUsPerTick: number;
  /** In a tick that changes every document. */
  cpuUsPerChange: number;
  cpuMsPerStart: number;
  ticks: number;
  problems: string[];
}

/** Memory and processor with many tasks running; leaves them running. */
async function inFlight(options: Common & { few: number; many: number; ticks: number }): Promise<InFlight> {
  const { few, many, ticks } = options;
  const o = await ours(options, { run: fast, definitions: fast });
  const running = countRunning(o.engine);
  await submit(o, 0, few);
  await until('few running', () => running() >= few);
  const rssFew = await settledRssKb();
  const heapFew = process.memoryUsage().heapUsed / 1024;
  const cpuBefore = process.cpuUsage();
  await submit(o, few, many);
  await until('many running', () => running() >= many);
  const started = process.cpuUsage(cpuBefore);
  const rssMany = await settledRssKb();
  const heapMany = process.memoryUsage().heapUsed / 1024;
  // From one tick to another: as many calls as there are hundreds of tasks.
  const calls = Math.ceil(many / o.compute.traits.observeBatch);
  const tickDone = async (n: number, first: number): Promise<void> =>
    await until(`tick ${n}`, () => o.counts.observeCalls >= first + n * calls);
  await tickDone(1, o.counts.observeCalls);
  const first = o.counts.observeCalls;
  const cpu = process.cpuUsage();
  await tickDone(ticks, first);
  const used = process.cpuUsage(cpu);
  const changed = new Set<string>();
  o.engine.onChange((task) => changed.add(task.id));
  o.news.rawStatus = 'CHANGED';
  const cpuOfChange = process.cpuUsage();
  await until('every task changed', () => changed.size >= many);
  const change = process.cpuUsage(cpuOfChange);
  return {
    rssKbPerTask: (rssMany - rssFew) / (many - few),
    heapKbPerTask: (heapMany - heapFew) / (many - few),
    cpuUsPerTick: (used.user + used.system) / (many * ticks),
    cpuUsPerChange: (change.user + change.system) / many,
    cpuMsPerStart: (started.user + started.system) / 1000 / (many - few),
    ticks,
    problems: o.problems.slice(0, 5),
  };
}

export interface Recovered {
  seconds: number;
  /** Of this process. */
  cpuS: number;
  tasks: number;
  takenUpS: number;
  observeCalls: number;
  findCalls: number;
  throttled: number;
}

/** From the start of this process until DescribeTasks has told of every open task, at AWS's rates. */
async function recover(options: Common & { tasks: number }): Promise<Recovered> {
  const { tasks } = options;
  const o = await ours(options);
  const open = await o.engine.takeUp();
  const takenUpS = performance.now() / 1000;
  await until('every task seen', () => o.counts.observed.size >= tasks);
  const { observeCalls, findCalls, throttled } = o.counts;
  const { user, system } = process.cpuUsage();
  const cpuS = (user + system) / 1e6;
  return { seconds: performance.now() / 1000, cpuS, tasks: open, takenUpS, observeCalls, findCalls, throttled };
}

export interface Submitted {
  seconds: number;
  throttled: number;
  perSecond: number;
  endedSeconds: number;
}

/** Tasks submitted at once at AWS's rates, until the last was started, and until all have ended. */
async function submitAll(options: Common & { tasks: number }): Promise<Submitted> {
  const { tasks } = options;
  const o = await ours(options);
  const started = new Set<string>();
  o.engine.onChange((task: TaskDocument) => {
    if (task.attempts[0]?.handle != null) started.add(task.id);
  });
  const at = performance.now();
  await submit(o, 0, tasks);
  await until('all started', () => started.size >= tasks);
  const seconds = (performance.now() - at) / 1000;
  await until('all ended', () => o.engine.open === 0);
  const endedSeconds = (performance.now() - at) / 1000;
  return { seconds, endedSeconds, throttled: o.counts.throttled, perSecond: tasks / seconds };
}

export interface FirstStates {
  idleS: number;
  busyMaxS: number;
}

/** From a submit to the first state that DescribeTasks tells: of a task alone, and of tasks at any moment beside others. */
async function firstStates(options: Common & { tasks: number }): Promise<FirstStates> {
  const { tasks } = options;
  const o = await ours(options);
  const seenAt = new Map<string, number>();
  o.engine.onChange((task) => {
    if (task.attempts[0]?.seen === true && !seenAt.has(task.id)) seenAt.set(task.id, performance.now());
  });
  const one = async (n: number): Promise<number> => {
    const at = performance.now();
    const { task } = await o.engine.submit(spec(n), o.compute.target);
    await until('its state', () => seenAt.has(task.id));
    return ((seenAt.get(task.id) ?? 0) - at) / 1000;
  };
  const idleS = await one(0);
  const others: Promise<number>[] = [];
  for (let i = 1; i <= tasks; i++) {
    others.push(one(i));
    await sleep(430);
  }
  return { idleS, busyMaxS: Math.max(...(await Promise.all(others))) };
}

export interface Processes {
  seconds: number;
  /** Of this process, and of all that it started. */
  ownCpuS: number;
  childrenCpuS: number;
}

/** Plain processes that do nothing, through the engine as the CLI puts it together, until all of them are settled. */
async function processes({ dir, tasks }: { dir: string; tasks: number }): Promise<Processes> {
  const runtime = await composeTasks({ env: { ...process.env, STINT_HOME: dir }, cwd: dir, compute: 'process' });
  const target = await runtime.target();
  const plain = spec(0);
  const run = async (n: number): Promise<void> => {
    const none = { image: 'none', command: ['true'], entryPoint: null, env: {}, workdir: null };
    const one = { ...plain, executors: [none], wants: { ...plain.wants, cpus: 0.125, memoryMib: 1 } };
    await Promise.all(Array.from({ length: n }, () => runtime.engine.submit(one, target)));
    await until('all ended', () => runtime.engine.open === 0);
  };
  await run(20);
  const [own, children] = [process.cpuUsage(), childrenCpuS()];
  const at = performance.now();
  await run(tasks);
  const seconds = (performance.now() - at) / 1000;
  const { user, system } = process.cpuUsage(own);
  return { seconds, ownCpuS: (user + system) / 1e6, childrenCpuS: childrenCpuS() - children };
}

/** Processor seconds of the processes that we started and that have ended, and of theirs. */
function childrenCpuS(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const measures: Record<string, (options: never) => Promise<object>> = {
  inFlight,
  recover,
  submitAll,
  firstStates,
  processes,
};
const answer = await measures[process.argv[2] ?? '']?.(JSON.parse(process.argv[3] ?? '{}') as never);
process.stdout.write(`${JSON.stringify(answer)}\n`);
