// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import { draftOf } from '@stint/core/tasks';
import type { Attempt, Compute, Observation, Placement, TaskDocument, TaskLogLine, TaskSpec } from '@stint/core';
import { contractSuite } from './contract-suite.ts';
import type { Closing, Skips } from './contract-suite.ts';
import { taskSpec } from './specimens.ts';
import { seededRandom, sha256 } from './task-harness.ts';

export interface ComputeHarness extends Closing {
  /** Each call opens the same backend anew, as another process would. */
  open(): Promise<Compute>;
  /** An image with /bin/sh. */
  image: string;
}

const never = new AbortController().signal;
const seed = Date.now() % 2 ** 32;
const random = seededRandom(seed);
const id = (): string => `01J${Array.from({ length: 23 }, () => Math.floor(random() * 10)).join('')}`;

const sh = (h: ComputeHarness, script: string, change: Partial<TaskSpec> = {}): TaskSpec =>
  taskSpec({
    executors: [{ image: h.image, command: ['/bin/sh', '-c', script], entryPoint: null, env: {}, workdir: null }],
    wants: { ...taskSpec().wants, cpus: 0.25, memoryMib: 512 },
    ...change,
  });

interface Drafted {
  task: TaskDocument;
  attempt: Attempt;
}

/** A task with an attempt whose request is made and, as it were, stored. */
async function draft(compute: Compute, spec: TaskSpec): Promise<Drafted> {
  const placed = await compute.place(spec.wants, 'onDemand', {
    spotReclaims: 0,
    exhausted: [],
    inUse: { cpus: 0, memoryMib: 0 },
  });
  if (placed.kind !== 'placed') throw new Error(`not placed: ${JSON.stringify(placed)}`);
  const task: TaskDocument = {
    schema: 'stint.task/1',
    id: id(),
    version: 1,
    createdAtMs: Date.now(),
    spec,
    target: compute.target,
    idempotencyKey: null,
    requestDigest: '',
    state: 'QUEUED',
    waitingFor: null,
    notBeforeMs: null,
    attempts: [],
    cancel: null,
    owner: null,
    endedAtMs: null,
    outcome: null,
  };
  return { task, attempt: await attemptOf(compute, task, placed.placement) };
}

async function attemptOf(compute: Compute, task: TaskDocument, placement: Placement): Promise<Attempt> {
  const made = draftOf(task, placement);
  const clientToken = sha256(`${task.id}/${made.attempt}/${made.submission}`);
  const { request, notes } = await compute.prepare(made, clientToken, never);
  const attempt: Attempt = {
    number: made.attempt,
    state: 'SUBMITTING',
    placement,
    submission: made.submission,
    clientToken,
    request,
    notes,
    firstSentAtMs: Date.now(),
    createdAtMs: Date.now(),
    refusals: [],
    handle: null,
    seen: false,
    rawStatus: null,
    startedAtMs: null,
    endedAtMs: null,
    where: null,
    stop: null,
    outcome: null,
    settled: false,
  };
  task.attempts.push(attempt);
  return attempt;
}

async function start(compute: Compute, { task, attempt }: Drafted): Promise<string> {
  const result = await compute.start(task, attempt, never);
  if (result.kind !== 'started') throw new Error(`not started: ${JSON.stringify(result)}`);
  attempt.handle = result.handle;
  return result.handle;
}

async function until(compute: Compute, handle: string, phase: Observation['phase']): Promise<Observation> {
  for (;;) {
    const [seen] = await compute.observe([handle], never);
    if (seen?.phase === phase || seen?.phase === 'stopped') return seen;
    await new Promise((resolve) => void setTimeout(resolve, 30));
  }
}

async function lines(compute: Compute, { task, attempt }: Drafted): Promise<string[]> {
  const all: TaskLogLine[] = [];
  let cursor: string | null = null;
  for (let empty = 0; empty < 3;) {
    const page = await compute.logs(task, attempt, cursor, never);
    all.push(...page.lines);
    cursor = page.cursor;
    if (page.end) break;
    empty = page.lines.length === 0 ? empty + 1 : 0;
    if (empty > 0) await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  return all.map((line) => line.text);
}

const rules: Record<string, (h: ComputeHarness) => Promise<void>> = {
  'an attempt runs to its end, with its exit code and times': async (h) => {
    const compute = await h.open();
    for (const [code, outcome] of [
      [0, 'COMPLETED'],
      [3, 'NONZERO_EXIT'],
    ] as const) {
      const handle = await start(compute, await draft(compute, sh(h, `exit ${code}`)));
      const seen = await until(compute, handle, 'stopped');
      expect(seen.end).toMatchObject({ code: outcome, exitCode: code });
      expect(seen.stoppedAtMs ?? 0).toBeGreaterThanOrEqual(seen.startedAtMs ?? Infinity);
    }
  },
  'the same attempt never starts twice: a second send answers with the first handle': async (h) => {
    const compute = await h.open();
    const made = await draft(compute, sh(h, 'echo once; exit 0'));
    const first = await compute.start(made.task, made.attempt, never);
    const again = await (await h.open()).start(made.task, made.attempt, never);
    expect(again).toEqual(first);
    const handle = await start(compute, made);
    await until(compute, handle, 'stopped');
    expect(await start(compute, made)).toBe(handle);
    expect(await lines(compute, made)).toEqual(['once']);
  },
  'an attempt whose handle got lost is found, running or ended': async (h) => {
    const made = await draft(await h.open(), sh(h, 'sleep 1'));
    const first = await h.open();
    const handle = await start(first, made);
    await first.close();
    const second = await h.open();
    const lost = { ...made.attempt, handle: null };
    expect(await second.find(made.task, lost, never)).toBe(handle);
    await until(second, handle, 'stopped');
    expect(await second.find(made.task, lost, never)).toBe(handle);
  },
  'what was never started is not found': async (h) => {
    const compute = await h.open();
    const { task, attempt } = await draft(compute, sh(h, 'true'));
    expect(await compute.find(task, attempt, never)).toBeNull();
  },
  'each handle is answered, unknown ones as missing': async (h) => {
    const compute = await h.open();
    const handle = await start(compute, await draft(compute, sh(h, 'sleep 60', { stopTimeoutS: 1 })));
    const unknown = handle.slice(0, -4) + '0000';
    const seen = await compute.observe([unknown, handle], never);
    expect(new Map(seen.map((o) => [o.handle, o.phase === 'missing']))).toEqual(
      new Map([
        [unknown, true],
        [handle, false],
      ]),
    );
    await compute.stop(handle, 'test', never);
    await until(compute, handle, 'stopped');
  },
  'stop ends it, and its end says that it was asked for': async (h) => {
    const compute = await h.open();
    const made = await draft(compute, sh(h, 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'));
    const handle = await start(compute, made);
    await until(compute, handle, 'running');
    while (!(await lines(compute, made)).includes('up')) await new Promise((resolve) => void setTimeout(resolve, 50));
    await compute.stop(handle, 'enough', never);
    expect((await until(compute, handle, 'stopped')).end).toMatchObject({ code: 'STOPPED_BY_OTHER' });
    await compute.stop(handle, 'again', never);
  },
  'an end by itself is no stop, even if one is asked for later': async (h) => {
    const compute = await h.open();
    const handle = await start(compute, await draft(compute, sh(h, 'exit 4')));
    await until(compute, handle, 'stopped');
    await compute.stop(handle, 'late', never);
    expect((await until(compute, handle, 'stopped')).end).toMatchObject({ code: 'NONZERO_EXIT', exitCode: 4 });
  },
  'the stop time-out of a task is kept': async (h) => {
    const compute = await h.open();
    const made = await draft(
      compute,
      sh(h, 'trap "" TERM; echo up; while :; do sleep 0.05; done', { stopTimeoutS: 2 }),
    );
    const handle = await start(compute, made);
    while (!(await lines(compute, made)).includes('up')) await new Promise((resolve) => void setTimeout(resolve, 50));
    await compute.stop(handle, 'enough', never);
    expect((await until(compute, handle, 'stopped')).end).toMatchObject({ code: 'STOPPED_BY_OTHER', exitCode: 137 });
  },
  'output is complete and in order, before and after it is settled, from any cursor': async (h) => {
    const compute = await h.open();
    const made = await draft(compute, sh(h, 'i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done'));
    const handle = await start(compute, made);
    const early = await compute.logs(made.task, made.attempt, null, never);
    await until(compute, handle, 'stopped');
    made.attempt.state = 'ENDED';
    const expected = Array.from({ length: 500 }, (_, i) => `line ${i}`);
    expect(await lines(compute, made)).toEqual(expected);
    await compute.settle(made.task, made.attempt);
    await compute.settle(made.task, made.attempt);
    expect(await lines(compute, made)).toEqual(expected);
    const rest: string[] = [];
    for (let cursor = early.cursor, end = false; !end;) {
      const page = await compute.logs(made.task, made.attempt, cursor, never);
      rest.push(...page.lines.map((l) => l.text));
      ({ cursor, end } = page);
    }
    expect([...early.lines.map((l) => l.text), ...rest]).toEqual(expected);
    await compute.forget(made.task);
    await compute.forget(made.task);
  },
  'an aborted start sends nothing, and says so': async (h) => {
    const compute = await h.open();
    const { task, attempt } = await draft(compute, sh(h, 'true'));
    await expect(compute.start(task, attempt, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELED',
      reason: 'NOT_SENT',
    });
    expect(await compute.find(task, attempt, never)).toBeNull();
  },
  'what can never fit names what was asked and what there is': async (h) => {
    const compute = await h.open();
    const result = await compute.place({ ...taskSpec().wants, cpus: 100_000 }, 'onDemand', {
      spotReclaims: 0,
      exhausted: [],
      inUse: { cpus: 0, memoryMib: 0 },
    });
    expect(result).toMatchObject({ kind: 'never' });
    expect(JSON.stringify(result)).toMatch(/100000.*\d/);
  },
};

/** The rules of the Compute port. */
export function computeContract(name: string, make: () => Promise<ComputeHarness>, skip: Skips = {}): void {
  contractSuite(`Compute contract: ${name}`, make, skip, rules);
}
