// SPDX-License-Identifier: Apache-2.0
import { isAppError } from '@stint/core';
import { describe, expect, it } from 'vitest';
import { hold, callKey } from './call-log-model.ts';
import { collect } from './contract-suite.ts';
import { Crash, crashing, crashPlan } from './crash-plan.ts';
import { fakeClock } from './fake-clock.ts';
import { flaky } from './flaky.ts';
import { memoryCallLog } from './memory-call-log.ts';
import { memoryDisk } from './memory-disk.ts';
import { memoryObjectStore } from './memory-object-store.ts';
import { recording } from './recording.ts';
import { takeJob, testOwner } from './state-harness.ts';

const create = { create: true } as const;

describe('crash plan', () => {
  it('before: the call has no effect; after: it has', async () => {
    for (const [when, keys] of [
      ['before', ['a']],
      ['after', ['a', 'b']],
    ] as const) {
      const disk = memoryDisk();
      const store = crashing(disk.objects, 2, when);
      await store.put('a', Buffer.from('x'), create);
      await expect(store.put('b', Buffer.from('x'), create)).rejects.toThrow(Crash);
      expect(await disk.objects.list('')).toEqual(keys);
    }
  });

  it('counts over all its ports, and after the crash none of them does anything', async () => {
    const disk = memoryDisk();
    const plan = crashPlan(3, 'before');
    const { log, jobs } = disk.open();
    const [objects, journal, state] = [plan.wrap(disk.objects), plan.wrap(log), plan.wrap(jobs)];
    await state.create({ budgetNanoUsd: null, numRecords: 1, concurrency: 'auto' }, 1);
    await objects.list('');
    expect([plan.calls, plan.crashed]).toEqual([2, false]);
    await expect(journal.totals()).rejects.toThrow(Crash);
    expect(plan.crashed).toBe(true);
    await expect(objects.put('k', Buffer.from('x'), create)).rejects.toThrow(Crash);
    await expect(state.cancel(true, 0, 1)).rejects.toThrow(Crash);
    expect(await disk.objects.list('')).toEqual([]);
    expect((await jobs.read())?.status).toBe('QUEUED');
  });

  it('a call in flight when another crashes never comes back', async () => {
    const plan = crashPlan(2, 'before');
    let finish = (): void => undefined;
    const slow = plan.wrap({ work: () => new Promise<void>((resolve) => (finish = resolve)), other: async () => 1 });
    const working = slow.work();
    await expect(slow.other()).rejects.toThrow(Crash);
    finish();
    await expect(working).rejects.toThrow(Crash);
  });

  it('replaces a refusal, and counts each step of an iterable', async () => {
    const disk = memoryDisk();
    await expect(crashing(disk.objects, 1, 'after').get('absent')).rejects.toThrow(Crash);
    await disk.objects.put('big', new Uint8Array(40_000), create);
    const plan = crashPlan(99, 'after');
    expect(await collect(plan.wrap(disk.objects).stream('big'))).toHaveLength(3);
    expect(plan.calls).toBe(4);
    await expect(collect(crashing(disk.objects, 2, 'before').stream('big'))).rejects.toThrow(Crash);
  });
});

it('flaky fails by its seed, before or after the effect, with an error of the port', async () => {
  const outcome = async (seed: number): Promise<string> => {
    const disk = memoryObjectStore();
    const store = flaky(disk, { seed, rate: 0.5, only: ['put'] });
    let marks = '';
    for (let i = 0; i < 40; i++) {
      const done = await store.put(`${i}`, Buffer.from('x'), create).catch((e: unknown) => e);
      if (isAppError(done)) expect(done.reason).toBe('STORAGE_UNAVAILABLE');
      marks += (isAppError(done) ? 'f' : '.') + ((await disk.list(`${i}`)).includes(`${i}`) ? 'w' : '-');
    }
    return marks;
  };
  expect(await outcome(7)).toBe(await outcome(7));
  expect(await outcome(7)).not.toBe(await outcome(8));
  for (const mark of ['f-', 'fw', '.w']) expect(await outcome(7)).toContain(mark);
});

it('recording notes calls in order and passes them on', async () => {
  const { port, calls } = recording(memoryObjectStore());
  await port.put('k', Buffer.from('x'), create);
  await port.list('');
  expect(calls.map((call) => call.method)).toEqual(['put', 'list']);
  expect(calls[1]?.args).toEqual(['']);
});

it('a call log of its own takes any lease until a newer one took over', async () => {
  const log = memoryCallLog(() => 100);
  const lease = (epoch: number) => ({ resource: 'job', epoch, expiresAtMs: 0, owner: testOwner('a') });
  await log.append(lease(1), [hold(callKey(0), 100)]);
  await expect(log.append(lease(1), [hold(callKey(1), 1)])).rejects.toMatchObject({ reason: 'CAP_EXCEEDED' });
  await log.takeOver(lease(2), 1);
  await expect(log.append(lease(1), [])).rejects.toMatchObject({ reason: 'LEASE_LOST' });
});

it('a memory disk outlives the process that wrote it', async () => {
  const disk = memoryDisk();
  const first = disk.open();
  await first.log.append(await takeJob(first.jobs), [hold(callKey(0))]);
  expect((await disk.open().log.totals()).heldNanoUsd).toBe(100);
});

describe('fake clock', () => {
  it('fires timers in order of their time, each at its own', async () => {
    const clock = fakeClock(1_000);
    const fired: string[] = [];
    clock.after(20, () => fired.push(`b${clock.now()}`));
    clock.after(10, () => {
      fired.push(`a${clock.now()}`);
      clock.after(5, () => fired.push(`c${clock.now()}`));
    });
    const cancel = clock.after(12, () => fired.push('never'));
    cancel();
    await clock.advance(19);
    expect(fired).toEqual(['a1010', 'c1015']);
    expect(clock.monotonic()).toBe(19);
    await clock.advance(1);
    expect(fired).toEqual(['a1010', 'c1015', 'b1020']);
    expect(clock.waiting).toBe(0);
  });

  it('runs a promise to its end, and tells when nothing can end it', async () => {
    const clock = fakeClock();
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
    const work = (async () => {
      for (let i = 0; i < 3; i++) await sleep(60_000);
      return 'done';
    })();
    expect(await clock.run(work)).toBe('done');
    expect(clock.monotonic()).toBe(180_000);
    await expect(clock.run(new Promise(() => undefined))).rejects.toThrow('no timer left');
  });
});
