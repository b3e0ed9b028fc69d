// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import type { TaskDocument, TaskStore } from '@stint/core';
import { contractSuite, refused } from './contract-suite.ts';
import type { Closing, Skips } from './contract-suite.ts';
import { taskSpec } from './specimens.ts';

export interface TaskStoreHarness extends Closing {
  /** Each call opens the same storage anew, as another process would. */
  open(): Promise<TaskStore>;
}

const idOf = (n: number): string => `01J${String(n).padStart(23, '0')}`;

function task(n: number, change: Partial<TaskDocument> = {}): TaskDocument {
  return {
    schema: 'stint.task/1',
    id: idOf(n),
    version: 1,
    createdAtMs: n,
    spec: taskSpec({ name: `task-${n}`, labels: { n: String(n), parity: n % 2 === 0 ? 'even' : 'odd' } }),
    target: { compute: 'process' },
    idempotencyKey: null,
    requestDigest: 'd',
    state: 'QUEUED',
    waitingFor: null,
    notBeforeMs: null,
    attempts: [],
    cancel: null,
    owner: null,
    endedAtMs: null,
    outcome: null,
    ...change,
  };
}
const owner = (id: string) => ({ id, host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTime: '1', epoch: 1 });
const next = (t: TaskDocument, change: Partial<TaskDocument>): TaskDocument => ({
  ...t,
  ...change,
  version: t.version + 1,
});
const ids = (tasks: readonly TaskDocument[]): string[] => tasks.map((t) => t.id);

const rules: Record<string, (h: TaskStoreHarness) => Promise<void>> = {
  'what was created is read by every process': async (h) => {
    const made = task(1, { idempotencyKey: 'k', spec: taskSpec({ name: 'ü\u0000"\n', labels: { __proto__x: 'y' } }) });
    expect(await (await h.open()).create(made)).toEqual({ task: made, created: true });
    expect(await (await h.open()).read(made.id)).toEqual(made);
  },
  'an unknown task is NOT_FOUND': async (h) => {
    await refused((await h.open()).read(idOf(9)), 'NOT_FOUND', 'TASK_NOT_FOUND');
    await refused((await h.open()).read("'; --"), 'NOT_FOUND', 'TASK_NOT_FOUND');
  },
  'a store keeps its name': async (h) => {
    const [a, b] = [await h.open(), await h.open()];
    expect(a.id).toBe(b.id);
    expect(a.id).not.toBe('');
  },
  'a key names one task, whoever asks': async (h) => {
    const store = await h.open();
    await store.create(task(1, { idempotencyKey: 'k' }));
    expect(await (await h.open()).create(task(2, { idempotencyKey: 'k' }))).toMatchObject({
      created: false,
      task: { id: idOf(1) },
    });
    await refused(store.read(idOf(2)), 'NOT_FOUND', 'TASK_NOT_FOUND');
    expect((await store.create(task(3))).created).toBe(true);
    expect((await store.create(task(4))).created).toBe(true);
  },
  'of ten creates with one key at once one makes the task': async (h) => {
    const stores = await Promise.all(Array.from({ length: 10 }, () => h.open()));
    const all = await Promise.all(stores.map((s, n) => s.create(task(n, { idempotencyKey: 'k' }))));
    expect(all.filter((x) => x.created)).toHaveLength(1);
    expect(new Set(all.map((x) => x.task.id)).size).toBe(1);
  },
  'replace needs the version that was read': async (h) => {
    const store = await h.open();
    const one = task(1);
    await store.create(one);
    const two = next(one, { state: 'INITIALIZING' });
    await store.replace(two, 1);
    await refused(
      (await h.open()).replace(next(one, { state: 'CANCELED' }), 1),
      'FAILED_PRECONDITION',
      'VERSION_MISMATCH',
    );
    expect(await store.read(one.id)).toEqual(two);
    await refused(store.replace(next(task(7), {}), 1), 'FAILED_PRECONDITION', 'VERSION_MISMATCH');
    await refused(store.read(idOf(7)), 'NOT_FOUND', 'TASK_NOT_FOUND');
  },
  'of ten replaces of one version at once one wins': async (h) => {
    const one = task(1);
    await (await h.open()).create(one);
    const stores = await Promise.all(Array.from({ length: 10 }, () => h.open()));
    const all = await Promise.allSettled(stores.map((s, n) => s.replace(next(one, { waitingFor: `${n}` }), 1)));
    const winners = all.flatMap((x, n) => (x.status === 'fulfilled' ? [n] : []));
    expect(winners).toHaveLength(1);
    expect((await (await h.open()).read(one.id)).waitingFor).toBe(`${winners[0]}`);
  },
  'a refused write does not hold back those beside it': async (h) => {
    const store = await h.open();
    await store.create(task(1));
    const results = await Promise.allSettled([
      store.create(task(2)),
      store.replace(next(task(1), { version: 8 }), 7),
      store.replace(next(task(1), { waitingFor: 'x' }), 1),
    ]);
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await store.read(idOf(1))).toMatchObject({ waitingFor: 'x', version: 2 });
  },
  'remove forgets a task and its key, and is silent about one that is gone': async (h) => {
    const store = await h.open();
    await store.create(task(1, { idempotencyKey: 'k' }));
    await refused(store.remove(idOf(1), 5), 'FAILED_PRECONDITION', 'VERSION_MISMATCH');
    await store.remove(idOf(1), 1);
    await store.remove(idOf(1), 1);
    await refused(store.read(idOf(1)), 'NOT_FOUND', 'TASK_NOT_FOUND');
    expect((await store.create(task(2, { idempotencyKey: 'k' }))).created).toBe(true);
  },
  'list pages newest first, with every task once': async (h) => {
    const store = await h.open();
    for (const n of [3, 1, 5, 2, 4]) await store.create(task(n));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { tasks: TaskDocument[]; cursor: string | null } = await store.list({}, cursor, 2);
      seen.push(...ids(page.tasks));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(seen).toEqual([5, 4, 3, 2, 1].map(idOf));
    await refused(store.list({}, 'nonsense', 2), 'INVALID_ARGUMENT', 'BAD_CURSOR');
  },
  'list filters by state, name prefix and labels': async (h) => {
    const store = await h.open();
    for (const n of [1, 2, 3, 12]) await store.create(task(n, n === 3 ? { state: 'COMPLETE' } : {}));
    const list = async (filter: Parameters<TaskStore['list']>[0]) => ids((await store.list(filter, null, 10)).tasks);
    expect(await list({ states: ['COMPLETE'] })).toEqual([idOf(3)]);
    expect(await list({ namePrefix: 'task-1' })).toEqual([12, 1].map(idOf));
    expect(await list({ namePrefix: 'task_' })).toEqual([]);
    expect(await list({ labels: { parity: 'even' } })).toEqual([12, 2].map(idOf));
    expect(await list({ labels: { parity: 'odd', n: '' } })).toEqual([3, 1].map(idOf));
    expect(await list({ labels: { none: '' } })).toEqual([]);
    expect(await list({ labels: { '"': '' } })).toEqual([]);
  },
  'open gives what has not ended or is not settled, oldest first, by owner where asked': async (h) => {
    const store = await h.open();
    const attempt = (settled: boolean) => [{ settled }] as unknown as TaskDocument['attempts'];
    await store.create(task(4, { owner: owner('a') }));
    await store.create(task(1, { owner: owner('b') }));
    await store.create(task(2, { state: 'COMPLETE', attempts: attempt(true) }));
    await store.create(task(3, { state: 'COMPLETE', attempts: attempt(false) }));
    expect(ids(await store.open())).toEqual([1, 3, 4].map(idOf));
    expect(ids(await store.open('a'))).toEqual([idOf(4)]);
    expect(ids(await store.open(null))).toEqual([idOf(3)]);
  },
  'owners gives whoever has open tasks, each once, with how many': async (h) => {
    const store = await h.open();
    await store.create(task(1, { owner: owner('b') }));
    await store.create(task(2, { owner: owner('a') }));
    await store.create(task(3, { owner: owner('b') }));
    await store.create(task(4));
    await store.create(task(5, { state: 'COMPLETE', owner: owner('c') }));
    const now = await (await h.open()).owners();
    expect(now.map((o) => [o.owner.id, o.open])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(now[0]?.owner).toEqual(owner('a'));
    await store.replace(next(task(2), { owner: owner('c') }), 1);
    expect((await store.owners()).map((o) => o.owner.id)).toEqual(['b', 'c']);
  },
  'a cancel wish shows until it is taken up': async (h) => {
    const store = await h.open();
    const one = task(1);
    await store.create(one);
    expect(await store.cancelWishes()).toEqual([]);
    const wished = next(one, { cancel: { reason: 'x', atMs: 1 } });
    await store.replace(wished, 1);
    expect(await (await h.open()).cancelWishes()).toEqual([one.id]);
    await store.replace(next(wished, { state: 'CANCELING' }), 2);
    expect(await store.cancelWishes()).toEqual([]);
  },
  'changing a task after it was written or read changes nothing stored': async (h) => {
    const store = await h.open();
    const one = task(1);
    await store.create(one);
    one.waitingFor = 'changed';
    (await store.read(one.id)).waitingFor = 'changed';
    expect((await store.read(one.id)).waitingFor).toBeNull();
  },
};

/** The rules of the TaskStore port. */
export function taskStoreContract(name: string, make: () => Promise<TaskStoreHarness>, skip: Skips = {}): void {
  contractSuite(`TaskStore contract: ${name}`, make, skip, rules);
}
