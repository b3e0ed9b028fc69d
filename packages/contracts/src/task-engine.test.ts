// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { AppError } from '@stint/core';
import type { StartRefusal, TaskDocument, TaskStore } from '@stint/core';
import { taskSpec } from './specimens.ts';
import { endsWith, succeeds, taskHarness } from './task-harness.ts';
import type { TaskHarness } from './task-harness.ts';

const target = { compute: 'ecs', region: 'simulated', clusterArn: 'simulated' } as const;

async function runOne(h: TaskHarness, spec = taskSpec()): Promise<TaskDocument> {
  const { engine } = h.process();
  const { task } = await engine.submit(spec, target);
  const done = await h.clock.run(engine.wait(task.id));
  await engine.stop();
  return done;
}
const codes = (task: TaskDocument) => task.attempts.map((a) => `${a.placement.market}:${a.outcome?.code}`);
const refusal = (kind: StartRefusal['kind'], code: string): StartRefusal => ({ kind, code, message: code, raw: {} });

describe('outcomes', () => {
  test('a task that ends with 0 is COMPLETE after one attempt, and freed', async () => {
    const h = taskHarness({ course: () => succeeds() });
    const done = await runOne(h);
    expect(done).toMatchObject({ state: 'COMPLETE', outcome: { code: 'COMPLETED', exitCode: 0 } });
    expect(codes(done)).toEqual(['spot:COMPLETED']);
    expect([...h.world.runs.values()].map((r) => r.settled)).toEqual([true]);
  });

  test.each([
    ['NONZERO_EXIT', 3, 'EXECUTOR_ERROR'],
    ['OUT_OF_MEMORY', 137, 'EXECUTOR_ERROR'],
    ['BAD_COMMAND', 127, 'EXECUTOR_ERROR'],
    ['BAD_COMMAND', null, 'SYSTEM_ERROR'],
    ['IMAGE_NOT_FOUND', null, 'SYSTEM_ERROR'],
    ['HOST_LOST', null, 'SYSTEM_ERROR'],
  ] as const)('%s with exit code %s ends the task as %s, without another attempt', async (code, exit, state) => {
    const spec = taskSpec({ wants: { ...taskSpec().wants, spotPolicy: 'onDemand' } });
    const done = await runOne(taskHarness({ course: () => endsWith(code, exit) }), spec);
    expect(done).toMatchObject({ state, outcome: { code, exitCode: exit } });
    expect(done.attempts).toHaveLength(1);
  });
});

describe('Spot', () => {
  const reclaims = (n: number, policy: 'spot' | 'spotFirst', startMs = 2_000) =>
    taskHarness({
      traits: { spotPolicy: policy },
      course: (w) =>
        w.attempt <= n ? endsWith('SPOT_RECLAIM', 0, { startMs, runMs: startMs === Infinity ? 0 : 5_000 }) : succeeds(),
      place: (history) => {
        const market = policy === 'spotFirst' && history.spotReclaims >= 1 ? 'onDemand' : 'spot';
        const placement = {
          offer: market,
          market,
          cpus: 1,
          memoryMib: 1,
          disk: null,
          machineTypes: null,
          warnings: [],
        } as const;
        return { kind: 'placed', placement: { ...placement, warnings: [] } };
      },
    });

  test('five reclaims, then success', async () => {
    const done = await runOne(reclaims(5, 'spot'));
    expect(done.state).toBe('COMPLETE');
    expect(done.attempts).toHaveLength(6);
  });

  test('six reclaims with maxSpotAttempts 5 end it, and all attempts are listed', async () => {
    const done = await runOne(reclaims(6, 'spot'));
    expect(done).toMatchObject({ state: 'SYSTEM_ERROR', outcome: { code: 'SPOT_ATTEMPTS_EXHAUSTED' } });
    expect(done.attempts).toHaveLength(6);
    expect(done.outcome?.raw['attempts']).toHaveLength(6);
  });

  test('a host lost on Spot is a reclaim, whatever its backend calls it', async () => {
    const h = taskHarness({ course: (w) => (w.attempt === 1 ? endsWith('HOST_LOST') : succeeds()) });
    expect(codes(await runOne(h))).toEqual(['spot:SPOT_RECLAIM', 'onDemand:COMPLETED']);
  });

  test('spotFirst goes on-demand after a reclaim', async () => {
    expect(codes(await runOne(reclaims(1, 'spotFirst')))).toEqual(['spot:SPOT_RECLAIM', 'onDemand:COMPLETED']);
  });

  test('under spot a reclaim that never ran is waited for, longer each time', async () => {
    const h = taskHarness({
      traits: { spotPolicy: 'spot' },
      course: (w) =>
        w.attempt <= 3
          ? { startMs: 1e12, runMs: 1e3 - 1e12, end: { code: 'SPOT_RECLAIM', exitCode: null, raw: {} } }
          : succeeds(),
    });
    const done = await runOne(h);
    const begun = done.attempts.map((a) => a.createdAtMs);
    const gaps = begun.slice(1).map((at, i) => at - (done.attempts[i]?.endedAtMs ?? 0));
    expect(done.state).toBe('COMPLETE');
    [30_000, 60_000, 120_000].forEach((atLeast, i) => expect(gaps[i]).toBeGreaterThanOrEqual(atLeast));
  });

  test('spotFirst goes on-demand after a start deadline, once', async () => {
    const h = taskHarness({ traits: { startTimeoutMs: 60_000 }, course: () => succeeds({ startMs: 1e9 }) });
    const done = await runOne(h);
    expect(codes(done)).toEqual(['spot:START_DEADLINE', 'onDemand:START_DEADLINE']);
    expect(done.state).toBe('SYSTEM_ERROR');
  });

  test('the next attempt is begun only when the one before was seen stopped', async () => {
    const done = await runOne(reclaims(3, 'spot'));
    done.attempts
      .slice(1)
      .forEach((a, i) => expect(a.createdAtMs).toBeGreaterThanOrEqual(done.attempts[i]?.endedAtMs ?? Infinity));
  });
});

describe('refusals', () => {
  test('a capacity refusal uses its token up, and the next submission goes elsewhere', async () => {
    const h = taskHarness({ course: (w) => (w.submission < 3 ? refusal('capacity', 'RESOURCE:MEMORY') : succeeds()) });
    const done = await runOne(h);
    expect(done.state).toBe('COMPLETE');
    expect(done.attempts).toHaveLength(1);
    expect(done.attempts[0]?.refusals).toMatchObject([
      { submission: 1, offer: 'sim-spot', code: 'RESOURCE:MEMORY' },
      { submission: 2, offer: 'sim-onDemand' },
    ]);
  });

  test('a quota that never frees ends at the start deadline as QUOTA_EXCEEDED', async () => {
    const h = taskHarness({ traits: { startTimeoutMs: 600_000 }, course: () => refusal('quota', 'VCPU') });
    const done = await runOne(h, taskSpec({ wants: { ...taskSpec().wants, spotPolicy: 'onDemand' } }));
    expect(done).toMatchObject({ state: 'SYSTEM_ERROR', outcome: { code: 'QUOTA_EXCEEDED' } });
    expect((done.endedAtMs ?? 0) - done.createdAtMs).toBe(600_000);
  });

  test('a task that waits for a quota goes when another of ours ends', async () => {
    let running = 0;
    const h = taskHarness({
      traits: { spotPolicy: 'onDemand' },
      course: (w) => {
        if (running > 0 && w.submission === 1) return refusal('quota', 'VCPU');
        running++;
        return succeeds({ runMs: 1_000 });
      },
    });
    const { engine } = h.process();
    const first = await engine.submit(taskSpec(), target);
    await h.clock.advance(100);
    const second = await engine.submit(taskSpec(), target);
    await h.clock.run(engine.wait(first.task.id));
    const done = await h.clock.run(engine.wait(second.task.id));
    const ended = (await engine.read(first.task.id)).endedAtMs ?? 0;
    expect(done.state).toBe('COMPLETE');
    expect((done.attempts[0]?.firstSentAtMs ?? 0) - ended).toBeLessThan(1_000);
    await engine.stop();
  });

  test.each([
    ['invalid', 'REFUSED'],
    ['access', 'ACCESS_DENIED'],
  ] as const)('a refusal of kind %s ends it as %s', async (kind, code) => {
    expect(await runOne(taskHarness({ course: () => refusal(kind, 'X') }))).toMatchObject({ outcome: { code } });
  });

  test('what fits nowhere is refused before a task exists', async () => {
    const h = taskHarness({
      course: () => succeeds(),
      place: () => ({ kind: 'never', problems: ['17 CPUs, 16 at most'] }),
    });
    const { engine } = h.process();
    await expect(engine.submit(taskSpec(), target)).rejects.toMatchObject({ reason: 'NOTHING_FITS' });
    expect(h.all()).toEqual([]);
    await engine.stop();
  });
});

describe('eventual consistency', () => {
  test('a task that is MISSING at first is only pending', async () => {
    expect((await runOne(taskHarness({ course: () => succeeds({ hiddenMs: 5_000 }) }))).state).toBe('COMPLETE');
  });

  test('one never seen and not to be found after five minutes is UNKNOWN, and not run again', async () => {
    const h = taskHarness({ course: () => succeeds({ hiddenMs: 1e9 }) });
    const done = await runOne(h);
    expect(done).toMatchObject({ state: 'SYSTEM_ERROR', outcome: { code: 'UNKNOWN', exitCode: null } });
    expect(h.world.runs.size).toBe(1);
  });

  test('one that was seen and expired while nobody looked is UNKNOWN', async () => {
    const h = taskHarness({ course: () => succeeds({ forgottenMs: 3_600_000 }) });
    const first = h.process();
    const { task } = await first.engine.submit(taskSpec(), target);
    await h.clock.advance(6_000);
    await first.kill();
    await h.clock.advance(8_000_000);
    const second = h.process();
    const done = await h.clock.run(second.engine.wait(task.id));
    expect(done.outcome).toMatchObject({ code: 'UNKNOWN', exitCode: null });
    await second.engine.stop();
  });
});

describe('cancel and limits', () => {
  test.each([0, 1, 50, 3_000, 8_000])('canceled after %i ms it ends CANCELED, and nothing runs on', async (ms) => {
    const h = taskHarness({ course: () => succeeds() });
    const { engine } = h.process();
    const { task } = await engine.submit(taskSpec(), target);
    if (ms > 0) await h.clock.advance(ms);
    await engine.cancel(task.id, 'enough');
    const done = await h.clock.run(engine.wait(task.id));
    expect(done.state).toBe('CANCELED');
    for (const run of h.world.runs.values()) expect(run.stoppedAtMs).not.toBeNull();
    await engine.stop();
  });

  test('a wish of another process is acted on by the owner within about a second', async () => {
    const h = taskHarness({ course: () => succeeds({ runMs: 1e6 }) });
    const owner = h.process();
    const { task } = await owner.engine.submit(taskSpec(), target);
    await h.clock.advance(20_000);
    const other = h.process();
    await other.engine.cancel(task.id, 'enough');
    expect(other.engine.open).toBe(0);
    await h.clock.advance(1_500);
    expect([...h.world.runs.values()][0]?.stoppedAtMs).not.toBeNull();
    expect((await h.clock.run(other.engine.wait(task.id))).state).toBe('CANCELED');
    await owner.engine.stop();
    await other.engine.stop();
  });

  test('a task that ended by itself before the stop took effect keeps its own outcome', async () => {
    const h = taskHarness({ course: () => succeeds({ startMs: 0, runMs: 4_000 }) });
    const { engine } = h.process();
    const { task } = await engine.submit(taskSpec(), target);
    await h.clock.advance(4_500);
    await engine.cancel(task.id, 'too late');
    expect(await h.clock.run(engine.wait(task.id))).toMatchObject({ state: 'COMPLETE', outcome: { exitCode: 0 } });
    await engine.stop();
  });

  test('cancel of an ended task changes nothing', async () => {
    const h = taskHarness({ course: () => succeeds() });
    const done = await runOne(h);
    const { engine } = h.process();
    expect(await engine.cancel(done.id, 'no')).toEqual(done);
    await engine.stop();
  });

  test('a time limit counts from the start of the attempt', async () => {
    const h = taskHarness({ course: () => succeeds({ startMs: 60_000, runMs: 1e6 }) });
    const done = await runOne(h, taskSpec({ timeLimitMs: 30_000 }));
    expect(done).toMatchObject({ state: 'SYSTEM_ERROR', outcome: { code: 'TIME_LIMIT' } });
    const [attempt] = done.attempts;
    expect((attempt?.stop?.wishedAtMs ?? 0) - (attempt?.startedAtMs ?? 0)).toBe(30_000);
  });

  test('a task that starts late, before its stop was sent, is left to run', async () => {
    const h = taskHarness({ traits: { startTimeoutMs: 60_000 }, course: () => succeeds({ startMs: 59_000 }) });
    expect((await runOne(h)).state).toBe('COMPLETE');
  });

  test('a thousand cancels during submission leave nothing behind', async () => {
    const h = taskHarness({ traits: { maxStarting: 20 }, course: () => succeeds({ runMs: 1e9 }) });
    const { engine } = h.process();
    const ids: string[] = [];
    for (let i = 0; i < 1_000; i++) ids.push((await engine.submit(taskSpec(), target)).task.id);
    await Promise.all(ids.map((id) => engine.cancel(id, 'all')));
    const done = await h.clock.run(Promise.all(ids.map((id) => engine.wait(id))));
    expect(new Set(done.map((t) => t.state))).toEqual(new Set(['CANCELED']));
    for (const run of h.world.runs.values()) expect(run.stoppedAtMs).not.toBeNull();
    await engine.stop();
  });
});

describe('several processes', () => {
  test('the same key attaches to the task that exists, and another request with it is refused', async () => {
    const h = taskHarness({ course: () => succeeds() });
    const { engine } = h.process();
    const first = await engine.submit(taskSpec(), target, { idempotencyKey: 'k' });
    const again = await engine.submit(taskSpec(), target, { idempotencyKey: 'k' });
    expect(again).toMatchObject({ created: false, task: { id: first.task.id } });
    const other = engine.submit(taskSpec({ name: 'other' }), target, { idempotencyKey: 'k' });
    await expect(other).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'IDEMPOTENCY_MISMATCH' });
    await engine.stop();
  });

  test('a dead owner is replaced by whoever waits, a living one is not', async () => {
    const h = taskHarness({ course: () => succeeds({ runMs: 60_000 }) });
    const a = h.process();
    const { task } = await a.engine.submit(taskSpec(), target);
    await h.clock.advance(3_000);
    const b = h.process();
    expect(await b.engine.takeUp()).toBe(0);
    await a.kill();
    expect(await b.engine.takeUp()).toBe(1);
    const done = await h.clock.run(b.engine.wait(task.id));
    expect(done).toMatchObject({ state: 'COMPLETE', owner: { id: 'process-2', epoch: 2 } });
    expect(h.world.runs.size).toBe(1);
    await b.engine.stop();
  });

  test('an open task is not removed, an ended one is gone with its key', async () => {
    const h = taskHarness({ course: () => succeeds() });
    const { engine } = h.process();
    const { task } = await engine.submit(taskSpec(), target, { idempotencyKey: 'k' });
    await expect(engine.remove(task.id)).rejects.toMatchObject({ reason: 'TASK_OPEN' });
    await h.clock.run(engine.wait(task.id));
    await engine.remove(task.id);
    await expect(engine.read(task.id)).rejects.toMatchObject({ reason: 'TASK_NOT_FOUND' });
    expect((await engine.submit(taskSpec(), target, { idempotencyKey: 'k' })).created).toBe(true);
    await engine.stop();
  });
});

test('a resend thirty minutes later is a lookup, never a second start', async () => {
  let lose = true;
  const h = taskHarness({ course: () => succeeds({ runMs: 1e8 }) });
  const first = h.process({
    compute: (c) => ({
      ...c,
      start: async (...args) => {
        const result = await c.start(...args);
        if (lose) throw new AppError('UNAVAILABLE', 'LOST', 'the answer was lost');
        return result;
      },
    }),
  });
  const { task } = await first.engine.submit(taskSpec(), target);
  await h.clock.advance(100);
  await first.kill();
  await h.clock.advance(1_900_000);
  lose = false;
  const sent = h.world.calls['start'];
  const second = h.process();
  await second.engine.takeUp();
  await h.clock.advance(20_000);
  expect(h.world.calls['start']).toBe(sent);
  expect(h.world.calls['find']).toBe(1);
  expect(await second.engine.read(task.id)).toMatchObject({ state: 'RUNNING' });
  await second.engine.stop();
});

test('cancel between send and answer: what was started is found by its token and stopped', async () => {
  const h = taskHarness({ course: () => succeeds({ runMs: 1e9 }) });
  let lost = 0;
  const { engine } = h.process({
    compute: (c) => ({
      ...c,
      start: async (...args) => {
        const result = await c.start(...args);
        await new Promise<void>((resolve) => void h.clock.after(3_000, resolve));
        if (lost++ === 0) throw new AppError('DEADLINE_EXCEEDED', 'TIMED_OUT', 'no answer');
        return result;
      },
    }),
  });
  const { task } = await engine.submit(taskSpec(), target);
  await h.clock.advance(1_000);
  await engine.cancel(task.id, 'enough');
  expect((await h.clock.run(engine.wait(task.id))).state).toBe('CANCELED');
  expect([...h.world.runs.values()].map((r) => r.stoppedAtMs !== null)).toEqual([true]);
  await engine.stop();
});

test('an owner that froze and was replaced lets go when it wakes, and has changed nothing', async () => {
  const h = taskHarness({ course: () => succeeds({ runMs: 60_000 }) });
  const frozen = h.process();
  const { task } = await frozen.engine.submit(taskSpec(), target);
  await h.clock.advance(1_000);
  h.tasks.tasks.set(task.id, { ...(await frozen.engine.read(task.id)), owner: null });
  const next = h.process();
  expect(await next.engine.takeUp()).toBe(1);
  await h.clock.advance(10_000);
  expect(frozen.engine.open).toBe(0);
  const done = await h.clock.run(next.engine.wait(task.id));
  expect(h.world.runs.size).toBe(1);
  expect(done).toMatchObject({ state: 'COMPLETE', owner: { id: 'process-2' } });
  await Promise.all([frozen.engine.stop(), next.engine.stop()]);
});

test('taking up reads what nobody living looks after, never the tasks of the living, and looks at it at once', async () => {
  const h = taskHarness({ course: () => succeeds({ runMs: 600_000 }) });
  const [living, dead] = [h.process(), h.process()];
  for (const { engine } of [living, dead]) {
    for (let i = 0; i < 3; i++) await engine.submit(taskSpec(), target);
  }
  await living.engine.submit(taskSpec(), target, { owned: false });
  await h.clock.advance(20_000);
  await dead.kill();
  const read: string[] = [];
  const store = (s: TaskStore): TaskStore => ({
    ...s,
    open: async (owner) => {
      const tasks = await s.open(owner);
      read.push(...tasks.map((t) => t.owner?.id ?? 'nobody'));
      return tasks;
    },
  });
  const next = h.process({ store });
  expect(await next.engine.takeUp()).toBe(4);
  expect(read.sort()).toEqual(['nobody', 'process-2', 'process-2', 'process-2']);
  const before = h.world.calls['observe'] ?? 0;
  await h.clock.advance(1);
  expect(h.world.calls['observe']).toBe(before + 1);
  expect(await next.engine.takeUp()).toBe(4);
  expect(read).toHaveLength(4);
  await Promise.all([living.engine.stop(), next.engine.stop()]);
});

test('throttling keeps the token and is no attempt', async () => {
  const h = taskHarness({ course: () => succeeds() });
  let throttled = 0;
  const { engine } = h.process({
    compute: (c) => ({
      ...c,
      start: async (...args) => {
        if (throttled++ < 4) throw new AppError('RESOURCE_EXHAUSTED', 'THROTTLED', 'Rate exceeded');
        return await c.start(...args);
      },
    }),
  });
  const { task } = await engine.submit(taskSpec(), target);
  const done = await h.clock.run(engine.wait(task.id));
  expect(done.attempts).toMatchObject([{ number: 1, submission: 1, refusals: [] }]);
  await engine.stop();
});

test('a thousand tasks that are waited for cost no more looks at the store than they have changes', async () => {
  const h = taskHarness({ course: () => succeeds({ runMs: 600_000 }) });
  const calls = { read: 0, replace: 0 };
  const counted = (store: TaskStore): TaskStore => {
    const own = Object.create(store) as TaskStore;
    own.read = (id) => (calls.read++, store.read(id));
    own.replace = (task, version) => (calls.replace++, store.replace(task, version));
    return own;
  };
  const { engine } = h.process({ store: counted });
  const made = await Promise.all(Array.from({ length: 1_000 }, () => engine.submit(taskSpec(), target)));
  const done = await h.clock.run(Promise.all(made.map(({ task }) => engine.wait(task.id))));
  expect(new Set(done.map((task) => task.state))).toEqual(new Set(['COMPLETE']));
  // Ten minutes: at one look a second they would be 600,000.
  expect(calls.read).toBeLessThan(calls.replace + 30_000);
  await engine.stop();
});

test('a wait ends with the engine that was stopped meanwhile, at the latest with what the store says', async () => {
  const h = taskHarness({ course: () => succeeds({ runMs: 600_000 }) });
  const gone = new AppError('UNAVAILABLE', 'STORE_CLOSED', 'closed');
  let closed = false;
  const closing = (store: TaskStore): TaskStore => {
    const own = Object.create(store) as TaskStore;
    own.read = (id) => (closed ? Promise.reject(gone) : store.read(id));
    return own;
  };
  const { engine } = h.process({ store: closing });
  const { task } = await engine.submit(taskSpec(), target);
  const waiting = engine.wait(task.id).catch((e: unknown) => e);
  await h.clock.advance(5_000);
  closed = true;
  const at = h.clock.monotonic();
  await h.clock.run(engine.stop());
  expect(await h.clock.run(waiting)).toBe(gone);
  expect(h.clock.monotonic() - at).toBeLessThan(1_000);
});
